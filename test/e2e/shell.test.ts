import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { exitCodes } from '../../src/app/cli/exit.ts';
import { createStore } from '../../src/jobs/index.ts';
import { beliefIn } from '../support/belief.ts';
import { isAsked } from '../support/parts.ts';
import { type Product, people, quick, type Shown, shown, startProduct, until } from '../support/product.ts';

/** A script's view of the product: exit codes, JSON, and a rollout that is waited for. */
describe('the product on a shell', () => {
  const directory = mkdtempSync(join(tmpdir(), 'zw-shell-'));
  let fleet: SimulatedFleet;
  let product: Product;

  beforeAll(async () => {
    fleet = await startFleet({ directory: join(directory, 'fleet') });
    const { nodes, releasesDirectory: releases, service } = fleet;
    product = await startProduct({ nodes, releases, policy: quick, service });
  });
  afterAll(async () => {
    await product?.close();
    await fleet.close();
    rmSync(directory, { recursive: true, force: true });
  });

  const json = ({ out }: Shown) => JSON.parse(out);
  const planOf = async (...words: string[]): Promise<string> =>
    json(await product.shell('upgrade', ...words, '--json')).plan;

  it('tells looks as JSON, each on one line with the same head', async () => {
    await until('all nodes are right', async () => (await product.shell('verify')).code === 0, { timeoutMs: 60_000 });
    const looks = [['status'], ['windows'], ['history'], ['whoami'], ['verify'], ['diagnose', 'us-east-op-1']];
    const found = await Promise.all(looks.map((words) => product.shell(...words, '--json')));
    for (const [index, each] of found.entries()) {
      expect(each).toMatchObject({ code: 0, err: '' });
      expect(each.out.trim().split('\n')).toHaveLength(1);
      expect(json(each)).toMatchObject({ schema: 1, verb: looks[index]?.[0], outcome: 'done' });
    }
    const [status, , history, whoami, verify] = found.map(json);
    expect(status.nodes.map(({ version }: { version: string }) => version)).toEqual(Array(9).fill('v1.0.0'));
    expect(history.rollouts).toEqual([]);
    expect(whoami.actor).toMatch(/^cli:/);
    expect(verify).toMatchObject({ right: true, complaints: [] });
  });

  /** A rollout over two regions, as far as the approval of the second: nothing changes until somebody decides. */
  async function untilAsked(version: string): Promise<string> {
    const plan = await planOf(version, '--regions', 'us-east,eu-west', '--nodes', '4');
    const { id } = json(await product.shell('start', plan, '--json')).rollout;
    const asked = async () => {
      const now = await (await store()).load(id);
      return now !== null && isAsked(now, 'eu-west');
    };
    await until('eu-west is asked for', asked, { timeoutMs: 60_000, logs: product.logs });
    return id;
  }
  const store = async () => createStore(product.redis.handle.caller, 'trial', await beliefIn(product.redis.dir));
  /** A watch, when it has shown how things stand. */
  async function watching(...words: string[]) {
    const child = product.spawn('watch', ...words);
    const end = shown(child);
    await new Promise((seen) => child.stdout?.once('data', seen));
    return { child, end };
  }

  it('drives a rollout from the plan to its proven end', async () => {
    const id = await untilAsked('v2.0.0');
    const { end } = await watching();
    const self = await product.shell('approve', 'eu-west', '--json');
    expect(self.code).toBe(exitCodes.denied);
    expect(json(self)).toMatchObject({
      verb: 'approve',
      outcome: 'denied',
      message: expect.stringMatching(/You asked/),
    });
    await product.slack.command(people.ines.id, '/zeitwork approve eu-west');
    const { code, out, err } = await end;
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^zeitwork-operator v2\.0\.0: waiting for approval of eu-west\n/);
    expect(out).toMatch(/\n\d\d:\d\d:\d\dZ {2}zeitwork-operator v2\.0\.0: done, every node proven\n/);
    expect(out).toMatch(/is on all 4 nodes, each one proven\.\n$/);
    const over = await product.shell('watch', id, '--json');
    expect(over.code).toBe(0);
    expect(json(over)).toMatchObject({ verb: 'watch', outcome: 'done', rollout: { id, status: { is: 'done' } } });
  });

  it('leaves the rollout alone when a watch ends on Ctrl-C, and ends one with 1 when the rollout was stopped', async () => {
    const id = await untilAsked('v2.1.0');
    const { child, end } = await watching();
    child.kill('SIGINT');
    expect(await end).toMatchObject({ code: exitCodes.interrupted, err: '' });
    const other = await watching('--json');
    expect((await product.shell('resume')).code).toBe(exitCodes.outdated);
    expect((await product.shell('why', '--json')).out).toContain('"gate":"approval"');
    expect((await product.shell('stop')).code).toBe(0);
    const { code, out } = await other.end;
    expect(code).toBe(exitCodes.wrong);
    const seen = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(seen.slice(0, -1).every(({ outcome, rollout }) => outcome === null && rollout.id === id)).toBe(true);
    expect(seen.at(-1)).toMatchObject({ outcome: 'wrong', rollout: { id, status: { is: 'stopped' } } });
  });

  it('is heard while the bot is away: the worker goes on, and the channel says afterwards who approved', async () => {
    const { slack } = product;
    const id = await untilAsked('v2.1.0');
    const posts = () => slack.messages().flatMap(({ ts }) => slack.thread(ts));
    const question = () => posts().findLast(({ text }) => /may \*eu-west\* \(\d nodes?\) go to v2\.1\.0/.test(text));
    const isOpen = () => question()?.blocks.some(({ type }) => type === 'actions') === true;
    const { logs } = product;
    await until('the question stands in the channel', isOpen, { timeoutMs: 60_000, logs });
    await product.kill('bot');
    const yes = await product.shell('approve', 'eu-west', '--key', product.keys.ines, '--comment', 'by hand');
    expect(yes).toMatchObject({ code: 0, out: expect.stringMatching(/^eu-west is approved/) });
    const isDone = async () => (await (await store()).load(id))?.status.is === 'done';
    await until('the worker goes on', isDone, { timeoutMs: 60_000, logs });
    expect(isOpen()).toBe(true);
    const asked = question()?.text.split('\n') ?? [];
    product.startBot();
    await until('the channel says the end', () => posts().some(({ text }) => /v2\.1\.0 is on all 4 nodes/.test(text)), {
      timeoutMs: 60_000,
      logs,
    });
    await until('the question is closed', () => !isOpen(), { timeoutMs: 60_000, logs });
    const words = question()?.text ?? '';
    expect(words.split('\n').slice(0, 2)).toEqual(asked.slice(0, 2));
    expect(words).toMatch(/\n✓ \*eu-west\* approved by <@U0INES> at [^\n]* \(“by hand”\)$/);
  });

  it('refuses to watch what is not there', async () => {
    expect(await product.shell('watch')).toMatchObject({ code: 3, err: 'zeitwork: Nothing is running.\n' });
    expect(await product.shell('watch', 'r-nowhere')).toMatchObject({ code: 3 });
  });

  it('says when something is wrong on a node', async () => {
    await fleet.source.inject('eu-west-op-2', 'stop-service');
    const found = await product.shell('verify', '--json');
    expect(found.code).toBe(exitCodes.wrong);
    expect(json(found)).toMatchObject({ outcome: 'wrong', right: false });
    expect(json(found).complaints).toContainEqual({ node: 'eu-west-op-2', is: 'unhealthy' });
    await fleet.source.inject('eu-west-op-2', 'heal');
  });

  it('says that no worker answers, after all others', async () => {
    await product.kill('worker');
    const [status, upgrade] = await Promise.all([
      product.shell('status', '--json'),
      product.shell('upgrade', 'v2.1.0'),
    ]);
    expect(status.code).toBe(exitCodes.unreachable);
    expect(json(status).nodes[0]).toMatchObject({ healthy: false, version: null });
    expect(upgrade).toMatchObject({
      code: exitCodes.unreachable,
      out: '',
      err: expect.stringMatching(/no worker of \S+ answered within 15 s\. Is a worker running\?/),
    });
  });

  it('says that the store does not answer', async () => {
    const { main, settingsFile: settings } = product;
    const env = { ...process.env, ZEITWORK_CONFIG: settings, REDIS_URL: 'redis://127.0.0.1:1' };
    const away = await shown(spawn(process.execPath, [main, 'status', '--json'], { env }));
    expect(away.code).toBe(exitCodes.unreachable);
    expect(json(away)).toMatchObject({ outcome: 'unreachable', message: expect.stringMatching(/127\.0\.0\.1:1/) });
    const ask = (...words: string[]) => shown(spawn(process.execPath, [main, ...words], { env }));
    const [plain, told, cause, denied] = await Promise.all([
      ask('verify'),
      ask('verify', '--json'),
      ask('diagnose', 'us-east-op-1', '--json'),
      ask('upgrade', 'v2.1.0'),
    ]);
    expect(plain).toMatchObject({ code: 0, err: '' });
    expect(plain.out).toMatch(/^Redis cannot be asked \(.*127\.0\.0\.1:1.*\): looked at from this machine, over SSH\./);
    expect(plain.out).toMatch(/\n✓ All 9 nodes are right/);
    expect(json(told)).toMatchObject({ outcome: 'done', right: true, without: 'redis' });
    expect(json(cause)).toMatchObject({ outcome: 'done', node: 'us-east-op-1', without: 'redis' });
    expect(denied.code).toBe(exitCodes.unreachable);
    const file = join(directory, 'broken.yaml');
    writeFileSync(file, 'fleet: 7\n');
    const broken = await shown(spawn(process.execPath, [main, 'status'], { env: { ...env, ZEITWORK_CONFIG: file } }));
    expect(broken).toMatchObject({ code: exitCodes.settings, out: '' });
  });
});
