import { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { advancer } from '../../src/jobs/advance.ts';
import { createLedger, createStore } from '../../src/jobs/index.ts';
import { prefixOf } from '../../src/jobs/keys.ts';
import { recorder } from '../../src/jobs/record.ts';
import { openWorker } from '../../src/jobs/worker.ts';
import { todo } from '../../src/upgrade/rollout/index.ts';
import { settlePhases } from '../../src/upgrade/rollout/phases.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief } from '../support/belief.ts';
import {
  effects,
  eventually,
  nodes,
  production,
  quickRollout,
  silent,
  slowDown,
  systemClock,
} from './fixtures/parts.ts';
import { done, makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const { worker, control, queues } = rig;

/** One node, staged, and looked at a moment ago: its backup is due and was not begun. */
function readyToBegin(): Rollout {
  const rollout = quickRollout('r1', {}, {}, { limit: 1 });
  const [node] = Object.values(rollout.nodes);
  if (!node) throw new Error('one node expected');
  const looks = { 'us-east': { count: 0, at: Date.now(), standing: {}, misses: {} } };
  const nodes = { [node.name]: { ...node, state: { is: 'ready', notBefore: 0 } as const } };
  return settlePhases({ ...rollout, looks, nodes }, Date.now());
}

describe('lost and doubled jobs', () => {
  it('the same tick delivered many times puts each step in flight once', async () => {
    const queue = queues();
    const store = createStore(rig.redis.handle.caller, production, belief());
    const advance = advancer({
      store,
      ledger: createLedger(rig.redis.handle.caller, production, belief()),
      record: recorder(store, async () => undefined),
      queues: queue,
      clock: systemClock,
      log: silent,
    });
    await store.create(quickRollout('r1'));
    await Promise.all(Array.from({ length: 20 }, () => advance('r1')));
    expect(await queue.step('us-east').getJobCounts('wait', 'active', 'delayed')).toMatchObject({ wait: 3, active: 0 });
  });

  it('a step job that is delivered again after its report does nothing', async () => {
    await worker();
    const { start, store } = control();
    const queue = queues();
    const rollout = quickRollout('r1');
    const tasks = todo(rollout, Date.now());
    await start(rollout);
    await eventually(() => store.load('r1'), done);
    const before = await effects(rig.redis.handle.caller);
    for (const task of tasks) await queue.step('us-east').add('again', { task }, { jobId: `again.${task.id}` });
    const jobs = await eventually(
      () => queue.step('us-east').getJobs('completed'),
      (all) => all.filter(({ name }) => name === 'again').length === tasks.length,
    );
    expect(jobs.filter(({ name }) => name === 'again').map(({ returnvalue }) => returnvalue)).toEqual(
      tasks.map(() => 'dropped'),
    );
    expect(await effects(rig.redis.handle.caller)).toEqual(before);
  });

  it('a step whose job failed before it was begun is simply tried again', async () => {
    const queue = queues();
    const store = createStore(rig.redis.handle.caller, production, belief());
    const advance = advancer({
      store,
      ledger: createLedger(rig.redis.handle.caller, production, belief()),
      record: recorder(store, queue.wake),
      queues: queue,
      clock: systemClock,
      log: silent,
    });
    await store.create(readyToBegin());
    await advance('r1');
    const doomed = openWorker({
      fleet: production,
      queue: 'step-us-east',
      redis: rig.redis.handle.patient(),
      clock: systemClock,
      log: silent,
      concurrency: 1,
      process: async () => {
        throw new Error('out of memory');
      },
    });
    await eventually(
      () => queue.step('us-east').getJobCountByTypes('failed'),
      (count) => count === 1,
    );
    await doomed.close(100);
    await advance('r1');
    expect(await queue.step('us-east').getJobCounts('wait', 'failed')).toMatchObject({ wait: 1, failed: 0 });
  });

  it('a step whose job failed after it was begun counts as unknown', async () => {
    const queue = queues();
    const store = createStore(rig.redis.handle.caller, production, belief());
    const record = recorder(store, async () => undefined);
    const advance = advancer({
      store,
      ledger: createLedger(rig.redis.handle.caller, production, belief()),
      record,
      queues: queue,
      clock: systemClock,
      log: silent,
    });
    await store.create(quickRollout('r1'));
    await advance('r1');
    const doomed = openWorker({
      fleet: production,
      queue: 'step-us-east',
      redis: rig.redis.handle.patient(),
      clock: systemClock,
      log: silent,
      concurrency: 3,
      process: async () => {
        throw new Error('out of memory');
      },
    });
    await eventually(
      () => queue.step('us-east').getJobCountByTypes('failed'),
      (count) => count === 3,
    );
    await doomed.close(100);
    await advance('r1');
    const rollout = await store.load('r1');
    expect(Object.values(rollout?.nodes ?? {}).map(({ state }) => state)).toMatchObject([
      { is: 'staging', unknowns: 1, lastReason: 'its worker gave up: out of memory' },
      { is: 'staging', unknowns: 1 },
      { is: 'staging', unknowns: 1 },
    ]);
  });

  it('all jobs lost in the middle of a node: a sweep puts back what should be in flight', async () => {
    const first = await worker({ sweep: never, grace: 0 });
    const { start, store } = control();
    await slowDown(rig.redis.handle.caller, 'us-east-op-2', 'switch', 60_000);
    await start(quickRollout('r1'));
    await eventually(
      () => effects(rig.redis.handle.caller),
      (lines) => lines.includes('switch us-east-op-2'),
    );
    await first.close();
    for (const name of ['advance', 'publish', 'step-us-east']) {
      const queue = new Queue(name, { connection: rig.redis.handle.caller, prefix: prefixOf(production) });
      await queue.obliterate({ force: true });
      await queue.close();
    }
    await worker({ sweep: never });
    await eventually(() => store.load('r1'), done);
    const restarts = (await effects(rig.redis.handle.caller)).filter((line) => line.startsWith('restart'));
    expect(restarts).toEqual(nodes.map((node) => `restart ${node}`));
  });

  it('the last of 300 wakes is never lost, although most are not needed', async () => {
    const queue = queues();
    let events = 0;
    let seen = 0;
    let runs = 0;
    const watcher = openWorker({
      fleet: production,
      queue: 'advance',
      redis: rig.redis.handle.patient(),
      clock: systemClock,
      log: silent,
      concurrency: 4,
      process: async () => {
        runs += 1;
        const now = events;
        await new Promise((resolve) => setTimeout(resolve, 7));
        seen = now;
      },
    });
    rig.closeLater({ close: () => watcher.close(1_000) });
    for (let index = 0; index < 300; index += 1) {
      events += 1;
      await queue.wake('r1');
    }
    await eventually(
      async () => seen,
      (count) => count === 300,
    );
    expect(runs).toBeLessThan(300);
  });

  it('a timer that is promoted by hand begins nothing before its time', async () => {
    await worker({ sweep: never });
    const { start, store } = control();
    await start(quickRollout('r1', { startAt: Date.now() + 30_000 }));
    const advance = new Queue('advance', { connection: rig.redis.handle.caller, prefix: prefixOf(production) });
    rig.closeLater(advance);
    const [timer] = await eventually(
      () => advance.getDelayed(),
      (jobs) => jobs.length > 0,
    );
    await eventually(
      () => store.load('r1'),
      (rollout) => Object.values(rollout?.nodes ?? {}).every(({ state }) => state.is === 'ready'),
    );
    await timer?.promote();
    await eventually(
      () => advance.getJobCounts('wait', 'active'),
      ({ wait, active }) => wait === 0 && active === 0,
    );
    expect((await store.load('r1'))?.startedAt).toBeNull();
    expect(await queues().step('us-east').getJobCounts('wait', 'active')).toMatchObject({ wait: 0, active: 0 });
  });

  it('a wake for a rollout that does not exist harms nobody', async () => {
    await worker();
    const { start, store } = control();
    await queues().wake('gone');
    await start(quickRollout('r1'));
    await eventually(() => store.load('r1'), done);
  });
});
