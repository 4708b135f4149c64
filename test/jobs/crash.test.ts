import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { brokenLink, createControl, createStore, startWorker } from '../../src/jobs/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import {
  effects,
  eventually,
  nodes,
  quickRollout,
  silent,
  slowDown,
  systemClock,
  workerParts,
} from './fixtures/parts.ts';

let redis: TestRedis;
const children: ChildProcess[] = [];
const closing: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  redis = await startTestRedis();
});
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close();
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await redis.stop();
});

async function workerProcess(): Promise<ChildProcess> {
  const file = join(import.meta.dirname, 'fixtures', 'worker.ts');
  const child = fork(file, [redis.dir], { execArgv: ['--import', 'tsx'], stdio: 'inherit' });
  children.push(child);
  await once(child, 'message');
  return child;
}

const control = () => {
  const opened = createControl(redis.handle, systemClock, silent);
  closing.push(opened);
  return opened;
};
const done = (rollout: Rollout | null): boolean => rollout?.status.is === 'done';
const reached = (line: string) =>
  eventually(
    () => effects(redis.handle.caller),
    (lines) => lines.includes(line),
  );
const restarts = async (): Promise<string[]> =>
  (await effects(redis.handle.caller)).filter((line) => line.startsWith('restart'));
const everyNodeOnce = nodes.map((node) => `restart ${node}`);

describe('a crash in the middle', () => {
  it('of a worker killed after its effect: another one takes over in seconds and restarts nothing twice', async () => {
    await slowDown(redis.handle.caller, 'us-east-op-2', 'switch', 60_000);
    const first = await workerProcess();
    const { start, store } = control();
    await start(quickRollout('r1'));
    await reached('switch us-east-op-2');
    first.kill('SIGKILL');
    const killedAt = performance.now();
    await workerProcess();
    await eventually(() => store.load('r1'), done, 20_000);
    expect(performance.now() - killedAt).toBeLessThan(15_000);
    expect(await restarts()).toEqual(everyNodeOnce);
    expect(brokenLink('r1', await createStore(redis.handle.caller).journal('r1'))).toBeNull();
  }, 40_000);

  it('of a worker that froze: it lets go when it wakes, and the other one has gone on', async () => {
    await slowDown(redis.handle.caller, 'us-east-op-2', 'switch', 60_000);
    const frozen = await workerProcess();
    const { start, store } = control();
    await start(quickRollout('r1'));
    await reached('switch us-east-op-2');
    frozen.kill('SIGSTOP');
    await workerProcess();
    const final = await eventually(() => store.load('r1'), done, 20_000);
    frozen.kill('SIGCONT');
    frozen.kill('SIGTERM');
    await once(frozen, 'exit');
    expect(frozen.exitCode).toBe(0);
    expect(await restarts()).toEqual(everyNodeOnce);
    expect((await store.load('r1'))?.revision).toBe(final?.revision);
    const reports = (await store.journal('r1')).flatMap(({ event }) =>
      event.type === 'reported' ? [event.report.is] : [],
    );
    expect(new Set(reports)).toEqual(new Set(['succeeded']));
  }, 40_000);

  it('of a worker told to stop: it exits in time, reports nothing false, and the step is taken over', async () => {
    await slowDown(redis.handle.caller, 'us-east-op-1', 'switch', 60_000);
    const first = await workerProcess();
    const { start, store } = control();
    await start(quickRollout('r1'));
    await reached('switch us-east-op-1');
    first.kill('SIGTERM');
    const toldAt = performance.now();
    await once(first, 'exit');
    expect(first.exitCode).toBe(0);
    expect(performance.now() - toldAt).toBeLessThan(14_000);
    await workerProcess();
    await eventually(() => store.load('r1'), done, 20_000);
    expect(await restarts()).toEqual(everyNodeOnce);
    const reports = (await store.journal('r1')).flatMap(({ event }) =>
      event.type === 'reported' ? [event.report.is] : [],
    );
    expect(new Set(reports)).toEqual(new Set(['succeeded']));
  }, 50_000);

  it('of Redis: nothing acknowledged is lost and the rollout goes on', async () => {
    closing.push(await startWorker(workerParts(redis.handle, { sweep: '*/2 * * * * *' })));
    await slowDown(redis.handle.caller, 'us-east-op-2', 'switch', 500);
    const { start, store } = control();
    await start(quickRollout('r1'));
    await reached('switch us-east-op-2');
    const before = await store.journal('r1');
    await redis.crash();
    await eventually(() => store.load('r1').catch(() => null), done, 20_000);
    const journal = await createStore(redis.handle.caller).journal('r1');
    expect(journal.slice(0, before.length)).toEqual(before);
    expect(brokenLink('r1', journal)).toBeNull();
    expect(await restarts()).toEqual(everyNodeOnce);
  }, 40_000);
});

describe('while Redis is away', () => {
  it('a caller hears so within seconds instead of hanging', async () => {
    const { record, start } = control();
    await start(quickRollout('r1'));
    await redis.handle.caller.config('SET', 'busy-reply-threshold', 0);
    redis.handle.caller.disconnect(true);
    const askedAt = performance.now();
    await expect(record('r1', { type: 'paused', at: 1, by: 'U1' })).rejects.toThrow();
    expect(performance.now() - askedAt).toBeLessThan(5_000);
  });
});
