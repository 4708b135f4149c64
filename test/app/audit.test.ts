import { spawn } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { exitCodes } from '../../src/app/cli/exit.ts';
import { createLedger, createStore } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { createNotes } from '../../src/jobs/notes.ts';
import { recorder } from '../../src/jobs/record.ts';
import { writeSettings } from '../doctor/support.ts';
import { quickRollout, silent } from '../jobs/fixtures/parts.ts';
import { beliefIn } from '../support/belief.ts';
import { shown } from '../support/product.ts';
import { shippedMain } from '../support/program.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';

/** What an auditor types, as processes of their own on a machine where bot and worker keep their state. */
let redis: TestRedis;
let file = '';
const main = shippedMain();
const run = (...words: string[]) => {
  const env = { PATH: process.env.PATH, HOME: redis.dir, ZEITWORK_CONFIG: file };
  return shown(spawn(process.execPath, [main, ...words], { env }));
};
const keys = keysOf('trial');
const now = Date.now();

beforeAll(async () => {
  redis = await startTestRedis();
  const node = (name: string) => ({
    ...{ name, region: 'us-east', address: '127.0.0.1', port: 2, user: 'ops' },
    ...{ keyFile: join(redis.dir, 'none'), knownHostsFile: join(redis.dir, 'none') },
    healthUrl: 'http://127.0.0.1:2/health',
  });
  const nodes = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'].map(node);
  file = writeSettings({ nodes, releases: redis.dir, stateDir: redis.dir });
});
afterAll(() => redis?.stop());
afterEach(async () => {
  await redis.handle.caller.flushall();
  // What this machine has seen so far.
  rmSync(join(redis.dir, 'seen-by-bot.json'), { force: true });
});

/** A rollout with two lines, a freeze, and somebody who was refused: signed with the keys of this machine. */
async function written(): Promise<void> {
  const belief = await beliefIn(redis.dir);
  const { caller } = redis.handle;
  const store = createStore(caller, 'trial', belief);
  await store.create(quickRollout('r1', { fleet: 'trial' }));
  await recorder(store, async () => undefined)('r1', { type: 'paused', at: now, by: 'U1' });
  await createLedger(caller, 'trial', belief).record({
    ...{ type: 'froze', at: now, by: 'U1', id: 'f1', regions: null },
    ...{ start: now, end: now + 60_000, reason: 'audit' },
  });
  const notes = createNotes(caller, 'trial', belief, silent);
  notes.note({ type: 'denied', at: now, by: 'U7', what: 'start', reason: 'you are no requester' });
  await notes.settled();
}

describe('zeitwork keys', () => {
  it('prints what belongs into the settings, the same each time, and keeps what signs to its user', async () => {
    const all = await run('keys');
    expect(all).toMatchObject({ code: 0, err: '' });
    const { keys: told } = parse(all.out) as { keys: Record<'bot' | 'worker', string[]> };
    for (const role of ['bot', 'worker'] as const) {
      expect(told[role]).toEqual([expect.stringMatching(/^ssh-ed25519 AAAA\S+/)]);
      expect(await run('keys', role)).toEqual({ code: 0, err: '', out: `${told[role][0]}\n` });
      expect(statSync(join(redis.dir, 'keys', `${role}.key`)).mode & 0o777).toBe(0o600);
    }
    expect(told.bot).not.toEqual(told.worker);
    expect(await run('keys')).toEqual(all);
  });
});

describe('zeitwork audit', () => {
  it('finds every journal whole, and says where each stands', async () => {
    await written();
    const { code, out, err } = await run('audit');
    expect({ code, err }).toEqual({ code: exitCodes.done, err: '' });
    expect(out.trim().split('\n')).toEqual([
      expect.stringMatching(/^✓ r1: 2 lines, head [0-9a-f]{16}$/),
      expect.stringMatching(/^✓ ledger: 1 lines, head [0-9a-f]{16}$/),
      expect.stringMatching(/^✓ notes: 1 lines, head [0-9a-f]{16}$/),
    ]);
    const [, head = ''] = /r1: .*head ([0-9a-f]+)/.exec(out) ?? [];
    expect(await run('audit', 'r1', '--head', `2:${head}`)).toMatchObject({ code: exitCodes.done });
    expect(await run('audit', 'r1', '--head', `2:${'0'.repeat(16)}`)).toMatchObject({ code: exitCodes.wrong });
    expect((await run('audit', 'notes')).out).toMatch(/U7 was refused start: you are no requester/);
  });

  it('names the first line that is wrong, also as JSON, and ends with 1', async () => {
    await written();
    const line = (await redis.handle.caller.lindex(keys.journal('r1'), 1)) ?? '';
    await redis.handle.caller.lset(keys.journal('r1'), 1, line.replace('"by":"U1"', '"by":"U2"'));
    const told = await run('audit');
    expect(told.code).toBe(exitCodes.wrong);
    expect(told.out).toMatch(
      /^✗ r1: 2 lines.*\n {4}line 2 of its journal: it was changed, or the line before it\n✓ led/,
    );
    const asJson = await run('audit', 'r1', '--json');
    expect(asJson).toMatchObject({ code: exitCodes.wrong, err: '' });
    expect(JSON.parse(asJson.out)).toMatchObject({ journal: 'r1', flaws: [{ adopted: null }] });
  });

  it('finds what this machine has seen and Redis has forgotten', async () => {
    await written();
    expect((await run('audit')).code).toBe(exitCodes.done);
    await redis.handle.caller.flushall();
    const { code, out } = await run('audit');
    expect(code).toBe(exitCodes.wrong);
    // Notes are remembered by whoever writes them.
    expect(out.match(/^✗ \w+/gm)).toEqual(['✗ r1', '✗ ledger']);
  });

  it('says that there is no such journal, and what a head looks like', async () => {
    expect(await run('audit', 'r9')).toMatchObject({
      code: exitCodes.refused,
      err: 'zeitwork: There is no journal of r9.\n',
    });
    expect((await run('audit', 'r1', '--head', 'x')).code).toBe(exitCodes.usage);
    expect((await run('audit', '--head', `2:${'0'.repeat(16)}`)).code).toBe(exitCodes.usage);
  });
});
