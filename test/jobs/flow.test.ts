import { Queue } from 'bullmq';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { advancer } from '../../src/jobs/advance.ts';
import { answer } from '../../src/jobs/ask.ts';
import { brokenLink, createControl, createStore, startPublisher, startWorker } from '../../src/jobs/index.ts';
import { createQueues } from '../../src/jobs/queues.ts';
import { recorder } from '../../src/jobs/record.ts';
import type { Sweeping } from '../../src/jobs/sweep.ts';
import { openWorker } from '../../src/jobs/worker.ts';
import type { Probe } from '../../src/upgrade/node/types.ts';
import { todo } from '../../src/upgrade/rollout/index.ts';
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
const closing: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close();
  await redis.handle.caller.flushall();
});

const worker = async (changes = {}): Promise<Sweeping> => {
  const started = await startWorker(workerParts(redis.handle, changes));
  closing.push(started);
  return started;
};
const control = () => {
  const opened = createControl(redis.handle, systemClock, silent);
  closing.push(opened);
  return opened;
};
const queues = () => {
  const opened = createQueues(redis.handle.caller, silent);
  closing.push(opened);
  return opened;
};
const done = (rollout: Rollout | null): boolean => rollout?.status.is === 'done';
const everyNodeOnce = nodes.flatMap((node) => [`restart ${node}`, `switch ${node}`]);
const never = '0 0 0 1 1 *';

describe('a rollout in the queues', () => {
  it('goes through all nodes one by one, restarting each once', async () => {
    await worker();
    const { start, store } = control();
    await start(quickRollout('r1'));
    await eventually(() => store.load('r1'), done);
    expect(await effects(redis.handle.caller)).toEqual(everyNodeOnce);
    expect(brokenLink('r1', await createStore(redis.handle.caller).journal('r1'))).toBeNull();
  });

  it('goes on through several workers at once', async () => {
    await Promise.all([worker(), worker(), worker()]);
    const { start, store } = control();
    await start(quickRollout('r1'));
    await eventually(() => store.load('r1'), done);
    expect(await effects(redis.handle.caller)).toEqual(everyNodeOnce);
  });

  it('watches a region and waits for an approval that comes through another process', async () => {
    await worker({ regions: ['us-east', 'eu-west'] });
    const { start, store, record } = control();
    const rollout = quickRollout(
      'r1',
      {},
      { bake: 300, watch: 100 },
      { strategy: 'regions', regions: ['us-east', 'eu-west'] },
    );
    await start(rollout);
    const asked = await eventually(
      () => store.load('r1'),
      (now) => now?.batches[1]?.askedAt != null,
    );
    expect(asked?.batches[0]?.watches).toBeGreaterThanOrEqual(3);
    expect(await effects(redis.handle.caller)).toEqual(everyNodeOnce);
    await record('r1', { type: 'approved', at: Date.now(), region: 'eu-west', by: 'U1' });
    await eventually(() => store.load('r1'), done);
    expect(await effects(redis.handle.caller)).toHaveLength(12);
  });

  it('rolls back, newest node first, when it is asked to', async () => {
    await worker();
    const { start, store, record } = control();
    await slowDown(redis.handle.caller, 'us-east-op-2', 'switch', 300);
    await start(quickRollout('r1'));
    await eventually(
      () => effects(redis.handle.caller),
      (lines) => lines.includes('switch us-east-op-2'),
    );
    const at = Date.now();
    const epoch = await store.nextEpoch('production', at);
    await record('r1', { type: 'rollback-asked', at, by: 'U1', scope: { is: 'all' }, epoch });
    await eventually(
      () => store.load('r1'),
      (rollout) => rollout?.status.is === 'rolled-back',
    );
    const restores = (await effects(redis.handle.caller)).filter((line) => line.startsWith('restore'));
    expect(restores).toEqual(['restore us-east-op-2', 'restore us-east-op-1']);
  });

  it('does not stop a node while its peers are not healthy, says why, and goes on by itself', async () => {
    let sick = true;
    const probe: Probe = {
      health: async (node) =>
        sick && node === 'us-east-op-3'
          ? { is: 'unreachable', detail: 'no answer' }
          : { is: 'healthy', version: null, hostname: null },
    };
    await worker({ probe });
    const { start, store } = control();
    await start(quickRollout('r1'));
    const held = await eventually(
      () => store.load('r1'),
      (rollout) => (rollout?.nodes['us-east-op-1']?.held?.times ?? 0) > 1,
    );
    expect(held?.nodes['us-east-op-1']?.held?.gates).toMatchObject([{ name: 'quorum' }]);
    expect(await effects(redis.handle.caller)).toEqual([]);
    sick = false;
    await eventually(() => store.load('r1'), done);
    expect(await effects(redis.handle.caller)).toEqual(everyNodeOnce);
  });

  it('takes a step that breaks as unknown when it changes the node, and tries it again', async () => {
    const parts = workerParts(redis.handle);
    let broken = true;
    const steps: typeof parts.steps = {
      ...parts.steps,
      switch: async (context) => {
        if (!broken) return parts.steps.switch(context);
        broken = false;
        throw new Error('cannot read postgres://app:hunter2@db/zeitwork');
      },
    };
    await worker({ steps });
    const { start, store } = control();
    await start(quickRollout('r1'));
    await eventually(() => store.load('r1'), done);
    const reports = (await store.journal('r1')).flatMap(({ event }) => (event.type === 'reported' ? [event] : []));
    expect(reports.find(({ report }) => report.is !== 'succeeded')).toMatchObject({
      step: 'switch',
      report: { is: 'unknown', reason: 'cannot read postgres://***@db/zeitwork' },
    });
  });
});

describe('lost and doubled jobs', () => {
  it('the same tick delivered many times puts each step in flight once', async () => {
    const queue = queues();
    const store = createStore(redis.handle.caller);
    const advance = advancer({
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
    const before = await effects(redis.handle.caller);
    for (const task of tasks) await queue.step('us-east').add('again', { task }, { jobId: `again.${task.id}` });
    const jobs = await eventually(
      () => queue.step('us-east').getJobs('completed'),
      (all) => all.filter(({ name }) => name === 'again').length === tasks.length,
    );
    expect(jobs.filter(({ name }) => name === 'again').map(({ returnvalue }) => returnvalue)).toEqual(
      tasks.map(() => 'dropped'),
    );
    expect(await effects(redis.handle.caller)).toEqual(before);
  });

  it('a step whose job failed before it was begun is simply tried again', async () => {
    const queue = queues();
    const store = createStore(redis.handle.caller);
    const advance = advancer({ record: recorder(store, queue.wake), queues: queue, clock: systemClock, log: silent });
    await store.create(
      quickRollout('r1', {
        status: { is: 'rolling-back', scope: { is: 'all' }, queue: ['us-east-op-1'], by: 'U1', at: 1 },
      }),
    );
    await advance('r1');
    const doomed = openWorker({
      queue: 'step-us-east',
      redis: redis.handle.patient(),
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
    const store = createStore(redis.handle.caller);
    const record = recorder(store, async () => undefined);
    const advance = advancer({ record, queues: queue, clock: systemClock, log: silent });
    await store.create(quickRollout('r1'));
    await advance('r1');
    const doomed = openWorker({
      queue: 'step-us-east',
      redis: redis.handle.patient(),
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
    await slowDown(redis.handle.caller, 'us-east-op-2', 'switch', 60_000);
    await start(quickRollout('r1'));
    await eventually(
      () => effects(redis.handle.caller),
      (lines) => lines.includes('switch us-east-op-2'),
    );
    await first.close();
    for (const name of ['advance', 'publish', 'step-us-east']) {
      const queue = new Queue(name, { connection: redis.handle.caller, prefix: '{zw}' });
      await queue.obliterate({ force: true });
      await queue.close();
    }
    await worker({ sweep: never });
    await eventually(() => store.load('r1'), done);
    const restarts = (await effects(redis.handle.caller)).filter((line) => line.startsWith('restart'));
    expect(restarts).toEqual(nodes.map((node) => `restart ${node}`));
  });

  it('the last of 300 wakes is never lost, although most are not needed', async () => {
    const queue = queues();
    let events = 0;
    let seen = 0;
    let runs = 0;
    const watcher = openWorker({
      queue: 'advance',
      redis: redis.handle.patient(),
      log: silent,
      concurrency: 4,
      process: async () => {
        runs += 1;
        const now = events;
        await new Promise((resolve) => setTimeout(resolve, 7));
        seen = now;
      },
    });
    closing.push({ close: () => watcher.close(1_000) });
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
    const advance = new Queue('advance', { connection: redis.handle.caller, prefix: '{zw}' });
    closing.push(advance);
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

describe('publishing', () => {
  const publisher = async (show: (rollout: Rollout) => Promise<void>, sweep = never): Promise<Sweeping> => {
    const started = await startPublisher({
      redis: redis.handle,
      announcer: { show },
      clock: systemClock,
      log: silent,
      sweep,
    });
    closing.push(started);
    return started;
  };

  it('ends with the final state and never holds a rollout up, however often it fails', async () => {
    const shown: number[] = [];
    let calls = 0;
    await publisher(async (rollout) => {
      calls += 1;
      if (calls % 2 === 1) throw new Error('channel_not_found');
      shown.push(rollout.revision);
    });
    await worker();
    const { start, store } = control();
    await start(quickRollout('r1'));
    const final = await eventually(() => store.load('r1'), done);
    await eventually(
      async () => shown.at(-1),
      (revision) => revision === final?.revision,
    );
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
  });

  it('waits as long as the chat asks', async () => {
    const calls: number[] = [];
    await publisher(async () => {
      calls.push(performance.now());
      if (calls.length === 1) throw Object.assign(new Error('ratelimited'), { retryAfter: 2 });
    });
    const { start } = control();
    await start(quickRollout('r1'));
    await eventually(
      async () => calls,
      (all) => all.length === 2,
    );
    expect((calls[1] ?? 0) - (calls[0] ?? 0)).toBeGreaterThan(1_900);
  });

  it('draws a rollout that ended again when its last wake was lost', async () => {
    const { start, record } = control();
    await start(quickRollout('r1'));
    await record('r1', { type: 'stopped', at: Date.now(), by: 'U1' });
    await new Queue('publish', { connection: redis.handle.caller, prefix: '{zw}' }).obliterate({ force: true });
    const shown: string[] = [];
    await publisher(async ({ status }) => void shown.push(status.is));
    await eventually(
      async () => shown,
      (all) => all.includes('stopped'),
    );
  });
});

describe('asking', () => {
  const where = { name: 'us-east-op-1', region: 'us-east' };

  it('brings back what a worker of the region sees', async () => {
    await worker();
    const { survey, diagnose } = control();
    expect(await survey([where, { name: 'us-east-op-2', region: 'us-east' }], 5_000)).toMatchObject([
      { node: 'us-east-op-1', healthy: true, version: 'v1.0.0' },
      { node: 'us-east-op-2', healthy: true },
    ]);
    expect(await diagnose(where, 5_000)).toEqual({ summary: 'us-east-op-1 is fine', evidence: [] });
  });

  it('shows a node as unreachable when no worker of its region answers', async () => {
    await worker({ regions: ['us-east'] });
    const { survey, diagnose } = control();
    const lonely = { name: 'ap-south-op-1', region: 'ap-south' };
    const [here, there] = await survey([where, lonely], 1_000);
    expect(here).toMatchObject({ healthy: true });
    expect(there).toMatchObject({
      node: 'ap-south-op-1',
      healthy: false,
      unit: null,
      detail: 'no worker of ap-south answered within 1 s',
    });
    expect((await diagnose(lonely, 500)).summary).toMatch(/no worker of ap-south/);
  });

  it('is not answered any more once nobody waits', async () => {
    const parts = workerParts(redis.handle);
    const ask = { ask: 'survey', node: 'us-east-op-1', region: 'us-east' } as const;
    const { signal } = new AbortController();
    expect(await answer({ ...ask, until: Date.now() - 1 }, parts, systemClock, signal)).toBeNull();
    expect(await answer({ ...ask, until: Date.now() + 60_000 }, parts, systemClock, signal)).not.toBeNull();
  });

  it('shows what broke, without its secrets, when a worker cannot answer', async () => {
    const survey = async (): Promise<never> => {
      throw new Error('bad settings: SLACK_TOKEN=abc123');
    };
    await worker({ survey });
    const [seen] = await control().survey([where], 5_000);
    expect(seen).toMatchObject({ healthy: false, detail: 'bad settings: SLACK_TOKEN=***' });
  });
});
