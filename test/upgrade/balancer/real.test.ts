import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Balancer, createBalancer, otherThan, type Wanted } from '../../../src/upgrade/balancer/index.ts';
import type { Report } from '../../../src/upgrade/rollout/types.ts';
import {
  ask,
  type Backend,
  balancerShell,
  type RealBalancer,
  read,
  startBackend,
  startLoad,
  startRealHaproxy,
  startRealNginx,
} from '../../support/balancers.ts';

const never = new AbortController().signal;
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function pairs(): Promise<{ blue: Backend[]; green: Backend[] }> {
  const named = (suffix: string, version: string) =>
    Promise.all(['op-1', 'op-2', 'op-3'].map((name) => startBackend(`${name}${suffix}`, version)));
  const [blue, green] = [await named('', 'v1.1.0'), await named('-b', 'v2.0.0')];
  closing.push(() => Promise.all([...blue, ...green].map((each) => each.close())));
  return { blue, green };
}

const portsOf = (all: Backend[]) => Object.fromEntries(all.map(({ name, port }) => [name, port]));
const names = (all: Backend[]) => all.map(({ name }) => name);

function world<B extends RealBalancer>(started: B, { blue, green }: { blue: Backend[]; green: Backend[] }) {
  closing.push(() => started.stop());
  const shell = balancerShell(started.folder);
  const place = createBalancer({
    balancer: started.balancer,
    fleet: 'trial',
    region: 'eu-west',
    shell,
    timeoutMs: 20_000,
  });
  const ports = portsOf([...blue, ...green]);
  const forward: Wanted = {
    ...{ in: names(green), out: names(blue), rest: 'drained', need: 3, fromMaintenance: true, ports },
  };
  const back: Wanted = {
    ...{ in: names(blue), out: names(green), rest: 'drained', need: 2, fromMaintenance: false, ports },
  };
  let attempt = 0;
  const bring = async (wanted: Wanted, epoch = 5): Promise<Report> => {
    for (let tries = 0; ; tries += 1) {
      attempt += 1;
      const report = await place.bring(wanted, { epoch, attempt }, never);
      if (report.is !== 'later' || tries > 20) return report;
      await pause(200);
    }
  };
  const poolNow = async () => {
    const [sight] = await place.show(never);
    if (sight?.is !== 'seen') throw new Error(JSON.stringify(sight));
    return sight;
  };
  return { ...started, shell, place, forward, back, bring, poolNow };
}

const versions = async (url: string, count = 40) =>
  new Set(await Promise.all(Array.from({ length: count }, () => ask(url))));

describe('a real HAProxy', () => {
  const start = async (saves = true) => {
    const all = await pairs();
    return { ...all, ...world(await startRealHaproxy(all, saves), all) };
  };

  it('is switched and back under 200 new connections a second, and none of them fails', {
    timeout: 60_000,
  }, async () => {
    const { url, bring, forward, back } = await start();
    const load = startLoad(`${url}/health`, 200);
    await pause(300);
    expect(await bring(forward)).toMatchObject({ is: 'succeeded' });
    expect(await versions(`${url}/health`)).toEqual(new Set(['v2.0.0']));
    await pause(300);
    const began = performance.now();
    expect(await bring(back)).toMatchObject({ is: 'succeeded' });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await versions(`${url}/health`)).toEqual(new Set(['v1.1.0']));
    const got = await load.stop();
    expect(got.length).toBeGreaterThan(100);
    expect(got.filter((each) => each === null)).toEqual([]);
  });

  it('takes nobody out while one of the new ones is sick', { timeout: 60_000 }, async () => {
    const { green, url, place, forward, poolNow } = await start();
    for (const each of green.slice(1)) each.isWell = false;
    for (let attempt = 1; attempt < 8; attempt += 1) {
      expect(await place.bring(forward, { epoch: 5, attempt }, never)).toMatchObject({ is: 'later' });
      await pause(250);
    }
    expect(await versions(`${url}/health`)).not.toContain(null);
    const { pool } = await poolNow();
    expect(pool.filter(({ name, gets }) => forward.out.includes(name) && gets !== 'traffic')).toEqual([]);
    expect(await place.bring(forward, { epoch: 5, attempt: 9 }, never)).toMatchObject({
      reason: expect.stringMatching(/^lb-1: 1 of 3 serve: .*not healthy/),
    });
  });

  it('takes nobody out when one fell sick between the look and the command', { timeout: 60_000 }, async () => {
    const { say, bring, shell, forward, poolNow } = await start();
    const run = shell.run;
    shell.run = (host, command) => {
      const drains = command.args.some((word) => /set server operators\/op-1 state drain/.test(word));
      if (drains) say('set server operators/op-2-b state maint');
      return run(host, command);
    };
    const report = await bring(forward);
    expect(report).toMatchObject({ is: 'failed', reason: expect.stringContaining('op-2-b was not healthy any more') });
    const { pool } = await poolNow();
    expect(pool.filter(({ name }) => forward.out.includes(name)).map(({ gets }) => gets)).toEqual([
      'traffic',
      'traffic',
      'traffic',
    ]);
  });

  it('keeps what was done over a reload, and tells of one that lost it', { timeout: 60_000 }, async () => {
    const kept = await start();
    await kept.bring(kept.forward);
    await kept.reload();
    expect(otherThan((await kept.poolNow()).pool, kept.forward)).toBe(null);
    const lost = await start(false);
    await lost.bring(lost.forward);
    await lost.reload();
    expect(otherThan((await lost.poolNow()).pool, lost.forward)).toContain('op-1 gets traffic');
  });

  it('writes what a reload reads, also where it was killed right before', { timeout: 60_000 }, async () => {
    const { bring, forward, shell, poolNow, reload } = await start();
    shell.cut = /scrap=\$saved/;
    for (let tries = 0; tries < 8; tries += 1) await bring(forward);
    expect((await poolNow()).unsettled).toMatchObject({ is: 'unsaved' });
    shell.cut = null;
    expect(await bring(forward)).toMatchObject({ is: 'succeeded' });
    await reload();
    expect(otherThan((await poolNow()).pool, forward)).toBe(null);
  });

  it('changes nothing for a command of an older run', { timeout: 60_000 }, async () => {
    const { bring, forward, back, poolNow } = await start();
    await bring(forward, 7);
    expect(await bring(back, 6)).toMatchObject({ is: 'failed', reason: expect.stringContaining('newer run') });
    expect(otherThan((await poolNow()).pool, forward)).toBe(null);
  });

  it('leaves who was put into maintenance by somebody, and still goes back', { timeout: 60_000 }, async () => {
    const { say, bring, forward, back, poolNow } = await start();
    say('set server operators/op-3 state maint');
    await bring(forward);
    expect(await bring(back)).toMatchObject({ is: 'succeeded' });
    const { pool } = await poolNow();
    expect(pool.map(({ name, gets }) => [name, gets])).toEqual([
      ['op-1', 'traffic'],
      ['op-2', 'traffic'],
      ['op-3', 'maintenance'],
      ['op-1-b', 'nothing'],
      ['op-2-b', 'nothing'],
      ['op-3-b', 'nothing'],
    ]);
  });

  it('says what it has not', async () => {
    const { place, forward } = await start();
    const wanted = { ...forward, in: ['op-9'], ports: { ...forward.ports, 'op-1': 1 } };
    expect(await place.bring(wanted, { epoch: 1, attempt: 1 }, never)).toMatchObject({
      is: 'failed',
      reason: 'lb-1: the balancer has no server op-9',
    });
    const moved = { ...forward, ports: { ...forward.ports, 'op-1-b': 1 } };
    expect(await place.bring(moved, { epoch: 1, attempt: 2 }, never)).toMatchObject({
      reason: expect.stringMatching(/op-1-b leads to port \d+, not 1$/),
    });
  });
});

describe('a real nginx', () => {
  const start = async () => {
    const all = await pairs();
    return { ...all, ...world(await startRealNginx(all), all) };
  };

  it('is switched and back under 200 new connections a second, and none of them fails', {
    timeout: 60_000,
  }, async () => {
    const { url, file, bring, forward, back } = await start();
    const first = read(file);
    const load = startLoad(`${url}/health`, 200);
    await pause(300);
    expect(await bring(forward)).toMatchObject({ is: 'succeeded' });
    expect(await versions(`${url}/health`)).toEqual(new Set(['v2.0.0']));
    await pause(300);
    const began = performance.now();
    expect(await bring(back)).toMatchObject({ is: 'succeeded' });
    expect(performance.now() - began).toBeLessThan(5_000);
    expect(await versions(`${url}/health`)).toEqual(new Set(['v1.1.0']));
    expect(read(file)).toBe(first);
    const got = await load.stop();
    expect(got.length).toBeGreaterThan(100);
    expect(got.filter((each) => each === null)).toEqual([]);
  });

  it('is not done while a worker still answers by the old file', { timeout: 60_000 }, async () => {
    const { url, blue, place, forward, bring } = await start();
    for (const each of blue) each.slow = 3_000;
    const slow = ask(`${url}/slow`);
    await pause(200);
    let attempt = 0;
    const once = () => place.bring(forward, { epoch: 5, attempt: ++attempt }, never);
    await once();
    expect(await once()).toMatchObject({ is: 'later', reason: expect.stringContaining('still finish') });
    expect(await versions(`${url}/health`)).toEqual(new Set(['v2.0.0']));
    expect(await slow).toBe('v1.1.0');
    attempt = 0;
    expect(await bring(forward, 6)).toMatchObject({ is: 'succeeded' });
  });

  it('has the old file back where the new one cannot be used, although the test passes', {
    timeout: 60_000,
  }, async () => {
    const { url, file, config, blue, place, forward, poolNow } = await start();
    const first = read(file);
    // A port that is taken: nginx -t passes without root's own bind, reload ends well, and nothing changes.
    writeFileSync(
      config,
      read(config).replace('    server {', `    server { listen 127.0.0.1:${blue[0]?.port}; }\n    server {`),
    );
    const report = await place.bring(forward, { epoch: 5, attempt: 1 }, never);
    expect(report).toMatchObject({ is: 'failed', reason: expect.stringContaining('the old one is back') });
    expect(read(file)).toBe(first);
    expect((await poolNow()).pool.filter(({ gets }) => gets === 'traffic').map(({ name }) => name)).toEqual(
      names(blue),
    );
    expect(await versions(`${url}/health`)).toEqual(new Set(['v1.1.0']));
  });

  it('goes on where it was killed between the file and the reload', { timeout: 60_000 }, async () => {
    const { url, shell, place, bring, forward, poolNow } = await start();
    shell.cut = /kill -HUP "\$master" \|\| \{/;
    expect(await place.bring(forward, { epoch: 5, attempt: 1 }, never)).toMatchObject({ is: 'unknown' });
    expect((await poolNow()).unsettled).toMatchObject({ is: 'unloaded' });
    expect(await versions(`${url}/health`)).toEqual(new Set(['v1.1.0']));
    shell.cut = null;
    expect(await bring(forward, 6)).toMatchObject({ is: 'succeeded' });
    expect(await versions(`${url}/health`)).toEqual(new Set(['v2.0.0']));
  });

  it('changes nothing for a command of an older run', { timeout: 60_000 }, async () => {
    const { file, bring, forward, back } = await start();
    await bring(forward, 7);
    const switched = read(file);
    expect(await bring(back, 6)).toMatchObject({ is: 'failed', reason: expect.stringContaining('newer run') });
    expect(read(file)).toBe(switched);
    expect(existsSync(`${file}.part`)).toBe(false);
  });
});

describe('a program of the settings', () => {
  const start = (
    apply = 'for n in $(echo "$2" | tr , " "); do echo "$n in up"; done; for n in $(echo "$3" | tr , " "); do echo "$n out"; done',
  ) => {
    const folder = mkdtempSync(join(tmpdir(), 'zw-pool-'));
    closing.push(async () => rmSync(folder, { recursive: true, force: true }));
    const [pool, program] = [join(folder, 'pool'), join(folder, 'program')];
    writeFileSync(pool, 'op-1 in up\nop-2 in up\nop-1-b out\nop-2-b out\n');
    const text = `#!/bin/sh\ncase $1 in show) cat ${pool} ;; apply) { ${apply}; } >${pool}.new || exit $?; mv ${pool}.new ${pool} ;; esac\n`;
    writeFileSync(program, text, { mode: 0o755 });
    const balancer: Balancer = {
      ...{ kind: 'command', hosts: ['lb-1'], show: [program, 'show'], apply: [program, 'apply', '{in}', '{out}'] },
      ...{ probe: 'http://127.0.0.1:1/health', drain: 1_000 },
    };
    const shell = balancerShell(folder);
    const place = createBalancer({ balancer, fleet: 'trial', region: 'eu-west', shell, timeoutMs: 20_000 });
    const wanted: Wanted = {
      ...{
        in: ['op-1-b', 'op-2-b'],
        out: ['op-1', 'op-2'],
        rest: 'drained',
        need: 2,
        fromMaintenance: true,
        ports: {},
      },
    };
    const bring = (attempt: number, epoch = 5) => place.bring(wanted, { epoch, attempt }, never);
    return { pool, bring };
  };

  it('makes it so, and is read back', async () => {
    const { pool, bring } = start();
    expect(await bring(1)).toMatchObject({ is: 'succeeded' });
    expect(read(pool)).toBe('op-1-b in up\nop-2-b in up\nop-1 out\nop-2 out\n');
    expect(await bring(2)).toMatchObject({ is: 'succeeded' });
  });

  it.each([
    ['exit 75', { is: 'later' }],
    ['echo no such pool; exit 3', { is: 'failed', reason: expect.stringContaining('ended with exit code 3') }],
    ['cat POOL', { is: 'later' }],
  ])('that says %j has not done it', async (apply, report) => {
    const { bring } = start(
      apply === 'cat POOL'
        ? 'cat "$0" >/dev/null; echo "op-1 in"; echo "op-2 in"; echo "op-1-b out"; echo "op-2-b out"'
        : apply,
    );
    expect(await bring(1)).toMatchObject(report);
  });

  it('that shows anything else shows no pool', async () => {
    const { pool, bring } = start();
    writeFileSync(pool, 'op-1 in\nwarning: slow\n');
    expect(await bring(1)).toMatchObject({ is: 'failed', reason: expect.stringContaining('said something else') });
  });

  it('is not called for an older run', async () => {
    const { pool, bring } = start();
    await bring(1, 7);
    writeFileSync(pool, 'op-1 in\nop-2 in\nop-1-b out\nop-2-b out\n');
    expect(await bring(2, 6)).toMatchObject({ is: 'failed', reason: expect.stringContaining('newer run') });
    expect(read(pool)).toContain('op-1 in');
  });
});
