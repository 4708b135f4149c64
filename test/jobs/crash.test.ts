import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, it, type TestContext } from 'vitest';
import { createControl, createStore, startWorker } from '../../src/jobs/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief, flawsIn } from '../support/belief.ts';
import { startTestRedis } from '../support/redis.ts';
import {
  effects,
  eventually,
  nodes,
  production,
  quickRollout,
  silent,
  slowDown,
  systemClock,
  workerParts,
} from './fixtures/parts.ts';

const everyNodeOnce = nodes.map((node) => `restart ${node}`);
const limit = 60_000;

/** A Redis of its own, so that these slow tests can run at the same time. */
async function scene({ onTestFinished, expect }: TestContext) {
  const redis = await startTestRedis();
  onTestFinished(redis.stop);
  const { caller } = redis.handle;
  const control = createControl(redis.handle, production, belief('bot'), systemClock, silent);
  const { store } = control;
  const done = (rollout: Rollout | null): boolean => rollout?.status.is === 'done';

  return {
    redis,
    control,
    async workerProcess(): Promise<ChildProcess> {
      const file = join(import.meta.dirname, 'fixtures', 'worker.ts');
      const child = fork(file, [redis.dir], { execArgv: ['--import', 'tsx'], stdio: 'inherit' });
      onTestFinished(() => void child.kill('SIGKILL'));
      await once(child, 'message');
      return child;
    },
    async workerHere(): Promise<void> {
      const worker = await startWorker(workerParts(redis.handle, { sweep: '*/2 * * * * *' }));
      onTestFinished(worker.close);
    },
    slowDown: (node: string) => slowDown(caller, node, 'switch', limit),
    reached: (line: string) =>
      eventually(
        () => effects(caller),
        (lines) => lines.includes(line),
      ),
    finished: () => eventually(() => store.load('r1').catch(() => null), done, 25_000),
    async expectEveryNodeRestartedOnce(): Promise<void> {
      const restarts = (await effects(caller)).filter((line) => line.startsWith('restart'));
      expect(restarts).toEqual(everyNodeOnce);
      expect(flawsIn('r1', await createStore(caller, production, belief()).journal('r1'))).toEqual([]);
    },
    async outcomes(): Promise<Set<string>> {
      const journal = await store.journal('r1');
      return new Set(journal.flatMap(({ event }) => (event.type === 'reported' ? [event.report.is] : [])));
    },
  };
}

describe.concurrent('a crash in the middle', () => {
  it(
    'of a killed worker: another one takes over in seconds and restarts nothing twice',
    async (test) => {
      const { control, workerProcess, slowDown, reached, finished, expectEveryNodeRestartedOnce } = await scene(test);
      await slowDown('us-east-op-2');
      const first = await workerProcess();
      await control.start(quickRollout('r1'));
      await reached('switch us-east-op-2');
      const second = workerProcess();
      first.kill('SIGKILL');
      const killedAt = performance.now();
      await second;
      await finished();
      test.expect(performance.now() - killedAt).toBeLessThan(15_000);
      await expectEveryNodeRestartedOnce();
    },
    limit,
  );

  it(
    'of a frozen worker: it lets go when it wakes, and the other one has gone on',
    async (test) => {
      const { control, workerProcess, slowDown, reached, finished, ...then } = await scene(test);
      await slowDown('us-east-op-2');
      const frozen = await workerProcess();
      await control.start(quickRollout('r1'));
      await reached('switch us-east-op-2');
      frozen.kill('SIGSTOP');
      await workerProcess();
      const final = await finished();
      frozen.kill('SIGCONT');
      frozen.kill('SIGTERM');
      await once(frozen, 'exit');
      test.expect(frozen.exitCode).toBe(0);
      await then.expectEveryNodeRestartedOnce();
      test.expect((await control.store.load('r1'))?.revision).toBe(final?.revision);
      test.expect(await then.outcomes()).toEqual(new Set(['succeeded']));
    },
    limit,
  );

  it(
    'of a worker told to stop: it exits in time, reports nothing false, and its step is taken over',
    async (test) => {
      const { control, workerProcess, slowDown, reached, finished, ...then } = await scene(test);
      await slowDown('us-east-op-1');
      const first = await workerProcess();
      await control.start(quickRollout('r1'));
      await reached('switch us-east-op-1');
      first.kill('SIGTERM');
      const toldAt = performance.now();
      await once(first, 'exit');
      test.expect(first.exitCode).toBe(0);
      test.expect(performance.now() - toldAt).toBeLessThan(15_000);
      await workerProcess();
      await finished();
      await then.expectEveryNodeRestartedOnce();
      test.expect(await then.outcomes()).toEqual(new Set(['succeeded']));
    },
    limit,
  );

  it(
    'of Redis: nothing acknowledged is lost and the rollout goes on',
    async (test) => {
      const { redis, control, workerHere, reached, finished, expectEveryNodeRestartedOnce } = await scene(test);
      await slowDown(redis.handle.caller, 'us-east-op-2', 'switch', 500);
      await workerHere();
      await control.start(quickRollout('r1'));
      await reached('switch us-east-op-2');
      const before = await control.store.journal('r1');
      await redis.crash();
      await finished();
      test.expect((await control.store.journal('r1')).slice(0, before.length)).toEqual(before);
      await expectEveryNodeRestartedOnce();
    },
    limit,
  );
});

describe.concurrent('while Redis is away', () => {
  it(
    'longer than a lock lasts, a worker lets go of its step, which is then observed instead of repeated',
    async (test) => {
      const { redis, control, workerHere, slowDown, reached, finished, ...then } = await scene(test);
      await slowDown('us-east-op-2');
      await workerHere();
      await control.start(quickRollout('r1'));
      await reached('switch us-east-op-2');
      await redis.signal('SIGSTOP');
      await pause(8_000);
      await redis.signal('SIGCONT');
      await finished();
      await then.expectEveryNodeRestartedOnce();
      test.expect(await then.outcomes()).toEqual(new Set(['succeeded']));
    },
    limit,
  );

  it(
    'a caller hears so within seconds instead of hanging',
    async (test) => {
      const { redis, control } = await scene(test);
      await control.start(quickRollout('r1'));
      await redis.signal('SIGSTOP');
      const askedAt = performance.now();
      const event = { type: 'paused', at: 1, by: 'U1' } as const;
      await test.expect(control.record('r1', event)).rejects.toThrow();
      test.expect(performance.now() - askedAt).toBeLessThan(6_000);
      await redis.signal('SIGCONT');
      await eventually(
        () => control.record('r1', event).catch(() => null),
        (recorded) => recorded?.rollout.status.is === 'paused',
      );
    },
    limit,
  );

  it(
    'a worker still closes in time',
    async (test) => {
      const { redis, control } = await scene(test);
      const worker = await startWorker(workerParts(redis.handle));
      await control.start(quickRollout('r1'));
      await redis.signal('SIGSTOP');
      const askedAt = performance.now();
      await worker.close();
      await redis.handle.stop();
      test.expect(performance.now() - askedAt).toBeLessThan(20_000);
    },
    limit,
  );

  it(
    'or full, nothing is begun without being written down, and it goes on once there is room',
    async (test) => {
      const { redis, control, workerHere, reached, finished, expectEveryNodeRestartedOnce } = await scene(test);
      const { caller } = redis.handle;
      await slowDown(caller, 'us-east-op-2', 'switch', 300);
      await workerHere();
      await control.start(quickRollout('r1'));
      await reached('switch us-east-op-2');
      await caller.config('SET', 'maxmemory', 1);
      await test.expect(control.record('r1', { type: 'paused', at: 1, by: 'U1' })).rejects.toThrow(/OOM/);
      await pause(3_000);
      test.expect((await effects(caller)).filter((line) => line.includes('us-east-op-3'))).toEqual([]);
      await caller.config('SET', 'maxmemory', 0);
      await finished();
      await expectEveryNodeRestartedOnce();
    },
    limit,
  );
});
