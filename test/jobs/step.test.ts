import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { advancer } from '../../src/jobs/advance.ts';
import { createLedger, createStore, type RolloutStore } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { createQueues } from '../../src/jobs/queues.ts';
import { recorder } from '../../src/jobs/record.ts';
import { type StepParts, stepLimit, taskRunner } from '../../src/jobs/step.ts';
import type { Alerting, Probe } from '../../src/upgrade/http/types.ts';
import { next, todo, whyWaiting } from '../../src/upgrade/rollout/index.ts';
import type { Gate, NodeTask, Task } from '../../src/upgrade/rollout/types.ts';
import type { Step } from '../../src/upgrade/steps/types.ts';
import { belief } from '../support/belief.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { fleetOf } from '../support/rollouts.ts';
import { quickRollout, silent, systemClock, workerParts } from './fixtures/parts.ts';

let redis: TestRedis;
let store: RolloutStore;
let ledger: ReturnType<typeof createLedger>;

beforeAll(async () => {
  redis = await startTestRedis();
});
beforeEach(() => {
  store = createStore(redis.handle.caller, 'production', belief());
  ledger = createLedger(redis.handle.caller, 'production', belief());
});
afterAll(() => redis.stop());
afterEach(() => redis.handle.caller.flushall());

const quiet = new AbortController().signal;
const record = (...args: Parameters<ReturnType<typeof recorder>>) => recorder(store, async () => undefined)(...args);

function runner(changes: Partial<StepParts> = {}) {
  return taskRunner({ ...workerParts(redis.handle), store, ledger, record, orders: async () => null, ...changes });
}
const withStep = (name: 'stage' | 'backup' | 'switch' | 'cleanup', step: Step) => ({
  steps: { ...workerParts(redis.handle).steps, [name]: step },
});

async function due(): Promise<Task> {
  const [task] = todo((await store.load('r1')) ?? quickRollout('r1'), Date.now());
  if (!task) throw new Error('nothing is due');
  return task;
}

/** Runs whatever is due until `step` is. */
async function reach(step: Task['step']): Promise<Task> {
  await store.create(quickRollout('r1'));
  for (let count = 0; count < 20; count += 1) {
    const task = await due();
    if (task.step === step) return task;
    await runner()(task, quiet);
  }
  throw new Error(`${step} never came`);
}

describe('a step', () => {
  it('is written down before it is run', async () => {
    await store.create(quickRollout('r1'));
    const task = await due();
    const seen: string[] = [];
    const stage: Step = async () => {
      seen.push(...(await store.journal('r1')).map(({ event }) => event.type));
      return { is: 'succeeded', facts: {} };
    };
    expect(await runner(withStep('stage', stage))(task, quiet)).toBe('reported');
    expect(seen.at(-1)).toBe('begun');
  });

  it('is logged when it is asked for with its node, and when it has ended with its own try and how long that took', async () => {
    const asked: object[] = [];
    const ended: object[] = [];
    const heard = (to: object[]) => ({ ...silent, info: (fields: object) => void to.push(fields) });
    const task = await reach('switch');
    const queues = createQueues(redis.handle.caller, 'production', silent);
    try {
      await advancer({ store, ledger, record, queues, clock: systemClock, log: heard(asked) })('r1');
    } finally {
      await queues.close();
    }
    const { node, id: job } = task;
    expect(asked).toEqual([{ rollout: 'r1', region: 'us-east', node, step: 'switch', job }]);
    let now = 0;
    const clock = { ...systemClock, monotonic: () => now };
    const switching: Step = async () => {
      now += 1_234.4;
      return { is: 'failed', reason: 'for now', retry: true, facts: {} };
    };
    const run = async () => runner({ ...withStep('switch', switching), clock, log: heard(ended) })(await due(), quiet);
    await run();
    await expect.poll(async () => todo((await store.load('r1')) ?? quickRollout('r1'), Date.now())).toHaveLength(1);
    await run();
    const line = {
      rollout: 'r1',
      region: 'us-east',
      node,
      step: 'switch',
      took: 1_234,
      result: 'failed',
      reason: 'for now',
    };
    expect(ended).toMatchObject([
      { ...line, attempt: 1, job },
      { ...line, attempt: 2 },
    ]);
    expect(task.attempt).toBeGreaterThan(1);
  });

  it('that gates keep is logged with their names, besides the words', async () => {
    const ended: object[] = [];
    const log = { ...silent, info: (fields: object) => void ended.push(fields) };
    const task = await reach('switch');
    const reason = 'eu-west has 2 of 3 healthy';
    const gates: Gate[] = [{ name: 'quorum', reason, owner: 'nobody', opensAt: null }];
    const step: Step = async () => ({ is: 'gated', gates, unchanged: true });
    await runner({ ...withStep('switch', step), log })(task, quiet);
    expect(ended).toMatchObject([{ rollout: 'r1', region: 'us-east', result: 'gated', gates: ['quorum'], reason }]);
  });

  it('learns from the settings of this worker whether the release is still accepted', async () => {
    const task = await reach('switch');
    const heard: (string | null)[] = [];
    const switching: Step = async ({ withdrawn, rollout }) => {
      heard.push(withdrawn(), rollout.release.version);
      return { is: 'failed', reason: 'x', retry: false, facts: {} };
    };
    await runner({ ...withStep('switch', switching), withdrawn: ({ version }) => `${version} is withdrawn` })(
      task,
      quiet,
    );
    expect(heard).toEqual([`${heard[1]} is withdrawn`, heard[1]]);
  });

  it('of a plan for another service than the worker has in its own settings is refused before anything was changed', async () => {
    const { service } = fleetOf();
    const other = { ...fleetOf(), service: { ...service, unit: 'sshd', binary: '/usr/bin/sudo' } };
    const task = await reach('backup');
    let ran = false;
    const backup: Step = async () => {
      ran = true;
      return { is: 'succeeded', facts: {} };
    };
    await runner({ ...withStep('backup', backup), fleet: other })(task, quiet);
    expect(ran).toBe(false);
    expect((await store.load('r1'))?.status).toMatchObject({
      is: 'held',
      reason: expect.stringContaining('otherwise than the plan, service: unit, binary'),
    });
  });

  it('acts on the unit and the paths of its own settings, whatever the rollout says', async () => {
    const { service } = fleetOf();
    const own = { ...service, unit: 'own' };
    const task = await reach('cleanup');
    const units: string[] = [];
    const look: Step = async ({ rollout }) => {
      units.push(rollout.service.unit);
      return { is: 'succeeded', facts: {} };
    };
    await runner({ ...withStep('cleanup', look), fleet: { ...fleetOf(), service: own } })(task, quiet);
    expect(units).toEqual(['own']);
  });

  it('of what nobody signed keeps the quorum of its own settings, whatever is stored', async () => {
    const task = await reach('switch');
    await runner()(task, quiet);
    const { rollout } = await record('r1', { type: 'paused', at: Date.now(), by: 'U1' });
    const loose = {
      ...rollout,
      policy: { ...rollout.policy, minimumHealthy: 0 },
      peers: { 'us-east': [] },
      onlyBack: true as const,
    };
    const back = next(loose, { type: 'rollback-asked', at: Date.now(), by: 'U1', scope: { is: 'all' }, epoch: 0 });
    await redis.handle.caller.flushall();
    store = createStore(redis.handle.caller, 'production', belief());
    await store.create({ ...back, revision: 1 });
    const restoring = back.nodes[task.node];
    expect(restoring?.state).toMatchObject({ is: 'working', direction: 'back' });
    const seen: Gate[][] = [];
    const restore: Step = async ({ gates }) => {
      seen.push(await gates({ down: false, unchanged: true }));
      return { is: 'succeeded', facts: {} };
    };
    const health: Probe = { health: async () => ({ is: 'timeout', reason: 'no answer' }) as never };
    for (let count = 0; count < 6 && seen.length === 0; count += 1) {
      await runner({ steps: { ...workerParts(redis.handle).steps, restore }, probe: health })(await due(), quiet);
    }
    expect(seen[0]).toMatchObject([{ name: 'quorum' }]);
  });

  it('is dropped when it is not due any more', async () => {
    const task = await reach('backup');
    await record('r1', { type: 'paused', at: Date.now(), by: 'U1' });
    let ran = false;
    const backup: Step = async () => {
      ran = true;
      return { is: 'succeeded', facts: {} };
    };
    expect(await runner(withStep('backup', backup))(task, quiet)).toBe('dropped');
    expect(ran).toBe(false);
  });

  it('is given up when it hangs, as unknown when it changes the node', async () => {
    const task = await reach('switch');
    const hanging: Step = () => new Promise(() => undefined);
    expect(await runner({ ...withStep('switch', hanging), limit: () => 50 })(task, quiet)).toBe('reported');
    const state = (await store.load('r1'))?.nodes[task.node]?.state;
    expect(state).toMatchObject({
      is: 'working',
      step: 'switch',
      unknowns: 1,
      lastReason: 'the step hung and was given up',
    });
  });

  it('reports nothing when its lock is lost: whoever took it over does', async () => {
    const task = await reach('switch');
    const lease = new AbortController();
    const hanging: Step = () => {
      setTimeout(() => lease.abort(new Error('the lock was lost')), 20);
      return new Promise(() => undefined);
    };
    await expect(runner(withStep('switch', hanging))(task, lease.signal)).rejects.toThrow('the lock was lost');
    expect((await store.load('r1'))?.nodes[task.node]?.state).toMatchObject({ unknowns: 0, failures: 0 });
  });

  it.each([
    ['a peer that is silent', { is: 'unreachable', detail: 'no answer' }],
    ['a peer that is unhealthy', { is: 'unhealthy', httpStatus: 503, detail: 'starting' }],
  ] as const)('finds the quorum gate shut by %s', async (_what, sick) => {
    const probe: Probe = {
      health: async (node) => (node === 'us-east-op-3' ? sick : { is: 'healthy', version: null, hostname: null }),
    };
    const task = await reach('switch');
    let found: Gate[] = [];
    const looks: Step = async ({ gates }) => {
      found = await gates({ down: false, unchanged: true });
      return { is: 'gated', gates: found, unchanged: true };
    };
    expect(await runner({ ...withStep('switch', looks), probe })(task, quiet)).toBe('gated');
    expect(found).toMatchObject([{ name: 'quorum' }]);
  });

  it('finds a freeze that was declared since, in the settings of now', async () => {
    const task = await reach('switch');
    let found: Gate[] = [];
    const looks: Step = async ({ gates }) => {
      found = await gates({ down: false, unchanged: true });
      return { is: 'gated', gates: found, unchanged: true };
    };
    const freeze = { start: Date.now() - 1_000, end: Date.now() + 60_000, reason: 'audit', author: 'U9' };
    await runner({ ...withStep('switch', looks), freezes: () => [freeze] })(task, quiet);
    expect(found).toMatchObject([{ name: 'freeze' }]);
  });

  const asksForGates = (found: Gate[]): Step =>
    async function looks({ gates }) {
      found.push(...(await gates({ down: false, unchanged: true })));
      return { is: 'gated', gates: found, unchanged: true };
    };
  const freezeIt = (at: number) =>
    ledger.record({
      type: 'froze',
      at,
      by: 'U9',
      id: 'f-1',
      regions: ['us-east'],
      start: at,
      end: at + 60_000,
      reason: 'audit',
    });

  it('finds a freeze that was declared between the backup and the switch, and stops nothing', async () => {
    const task = await reach('switch');
    await freezeIt(Date.now());
    const found: Gate[] = [];
    expect(await runner(withStep('switch', asksForGates(found)))(task, quiet)).toBe('gated');
    expect(found).toMatchObject([{ name: 'freeze', reason: 'us-east is frozen: audit', owner: 'U9' }]);
    expect((await store.load('r1'))?.nodes[task.node]).toMatchObject({ state: { is: 'ready' }, touched: false });
  });

  it('goes on where a freeze was lifted, or was declared elsewhere', async () => {
    const task = await reach('switch');
    const at = Date.now();
    await freezeIt(at);
    await ledger.record({ type: 'unfroze', at: at + 1, by: 'U1', ids: ['f-1'] });
    const elsewhere = { by: 'U9', id: 'f-2', regions: ['eu-west'], start: at, end: at + 60_000, reason: 'sale' };
    await ledger.record({ type: 'froze', at, ...elsewhere });
    const found: Gate[] = [];
    await runner(withStep('switch', asksForGates(found)))(task, quiet);
    expect(found).toEqual([]);
  });

  it('stops nothing new while the ledger cannot be read', async () => {
    const task = await reach('switch');
    await redis.handle.caller.hset(keysOf('production').ledger, { revision: '1', body: '{"format":99}', hash: 'x' });
    const found: Gate[] = [];
    await runner(withStep('switch', asksForGates(found)))(task, quiet);
    expect(found).toMatchObject([{ name: 'freeze', reason: expect.stringContaining('cannot be believed') }]);
  });

  it('finds an alert that began to fire between the backup and the switch, and stops nothing', async () => {
    const task = await reach('switch');
    const found: Gate[] = [];
    const asked: string[] = [];
    const alerting: Alerting = {
      async ask(region) {
        asked.push(region);
        return { is: 'firing', names: ['Disk'] };
      },
    };
    expect(await runner({ ...withStep('switch', asksForGates(found)), alerting })(task, quiet)).toBe('gated');
    expect(asked).toEqual(['us-east']);
    expect(found).toMatchObject([{ name: 'alerts', reason: 'alerts fire for us-east: Disk' }]);
    expect((await store.load('r1'))?.nodes[task.node]).toMatchObject({ state: { is: 'ready' }, touched: false });
  });

  it('asks for no alerts and no freezes when a node goes back: only the quorum may keep it', async () => {
    const task = await reach('switch');
    const found: Gate[] = [];
    const asked: string[] = [];
    const looks: Step = async ({ gates }) => {
      found.push(...(await gates({ down: false, unchanged: false })));
      return { is: 'gated', gates: found, unchanged: false };
    };
    const never = (what: string) => {
      asked.push(what);
      return { is: 'firing' as const, names: [what] };
    };
    const parts = { ...withStep('switch', looks), alerting: { ask: async () => never('alerts') } };
    await runner(parts)(task, quiet);
    expect({ found, asked }).toEqual({ found: [], asked: [] });
  });

  it('asks for no alerts in a look of a rollback: nobody who is slow to tell of them keeps it waiting', async () => {
    await store.create(quickRollout('r1', {}, { watch: 0 }));
    for (let task = await due(), ended = false; !ended; task = ended ? task : await due()) {
      await runner()(task, quiet);
      ended = task.step === 'cleanup';
    }
    await record('r1', { type: 'rollback-asked', at: Date.now(), by: 'U1', scope: { is: 'all' }, epoch: 0 });
    const asked: string[] = [];
    const alerting: Alerting = {
      async ask(region) {
        asked.push(region);
        return { is: 'quiet' };
      },
    };
    let looks = 0;
    for (let count = 0; count < 40 && looks === 0; count += 1) {
      const rollout = await store.load('r1');
      const [task] = todo(rollout ?? quickRollout('r1'), Date.now());
      if (!task) break;
      if (task.step === 'watch') looks += 1;
      await runner({ alerting })(task, quiet);
    }
    expect({ looks, asked }).toEqual({ looks: 1, asked: [] });
  });

  it('is not begun when a look has told of an alert', async () => {
    await store.create(quickRollout('r1', {}, { watch: 0 }));
    const alerting: Alerting = { ask: async () => ({ is: 'unknown', reason: 'connection refused' }) };
    for (let task = await due(); task.step === 'stage'; task = await due()) await runner()(task, quiet);
    const look = await due();
    expect(look.step).toBe('watch');
    await runner({ alerting })(look, quiet);
    const after = await store.load('r1');
    if (!after) throw new Error('gone');
    expect(todo(after, Date.now())).toEqual([]);
    expect(whyWaiting(after, Date.now())).toMatchObject([{ name: 'alerts', owner: 'whoever keeps the alerting' }]);
  });

  it('is not begun when a look has told of a freeze, and is asked for again when a look finds it lifted', async () => {
    await store.create(quickRollout('r1', {}, { watch: 0 }));
    const at = Date.now();
    await freezeIt(at);
    for (let task = await due(); task.step === 'stage'; task = await due()) await runner()(task, quiet);
    const look = await due();
    expect(look.step).toBe('watch');
    await runner()(look, quiet);
    const after = await store.load('r1');
    expect(after?.looks['us-east']?.freezes).toMatchObject([{ id: 'f-1', reason: 'audit' }]);
    if (!after) throw new Error('gone');
    expect(todo(after, Date.now())).toEqual([]);
    expect(whyWaiting(after, Date.now())).toMatchObject([{ name: 'freeze' }]);
    const [again] = todo(after, Date.now() + 60_000 - 1);
    expect(again?.step ?? 'watch').toBe('watch');
  });

  it.each(['switch', 'restore'] as const)('is unknown when %s breaks, since it changes the node', async (name) => {
    const task = await reach('switch');
    if (name === 'restore') {
      const { run, node, attempt } = task;
      await runner()(task, quiet);
      await record('r1', {
        type: 'rollback-asked',
        at: Date.now(),
        by: 'U1',
        scope: { is: 'node', node },
        epoch: run + attempt,
      });
    }
    const breaking: Step = () => Promise.reject(new Error('bug'));
    for (let count = 0; count < 20; count += 1) {
      const next = await due();
      await runner({ steps: { ...workerParts(redis.handle).steps, [name]: breaking } })(next, quiet);
      if (next.step === name) break;
    }
    expect((await store.load('r1'))?.nodes[task.node]?.state).toMatchObject({ step: name, unknowns: 1, failures: 0 });
  });

  it('takes a probe that breaks for an unhealthy peer', async () => {
    const probe: Probe = {
      health: async (node) => {
        if (node === 'us-east-op-3') throw new Error('bug');
        return { is: 'healthy', version: null, hostname: null };
      },
    };
    const task = await reach('switch');
    expect(await runner({ probe })(task, quiet)).toBe('gated');
  });

  it('finds a gate shut when the rollout moved on while it looked', async () => {
    const task = await reach('switch');
    let found: Gate[] = [];
    const slow: Step = async ({ gates }) => {
      const { run, node, attempt } = task;
      const report = { is: 'unknown', reason: 'somebody else said so' } as const;
      await record('r1', { type: 'reported', at: Date.now(), run, node, step: 'switch', attempt, report });
      found = await gates({ down: false, unchanged: true });
      return { is: 'gated', gates: found, unchanged: true };
    };
    await runner(withStep('switch', slow))(task, quiet);
    expect(found).toMatchObject([{ name: 'state', reason: 'the rollout moved on meanwhile' }]);
  });

  it('sees what was decided while it probed: probes come first, the rollout is read last', async () => {
    const task = await reach('switch');
    const probe: Probe = {
      health: async () => {
        await record('r1', { type: 'paused', at: Date.now(), by: 'U1' });
        return { is: 'healthy', version: null, hostname: null };
      },
    };
    let found: Gate[] = [];
    const looks: Step = async ({ gates }) => {
      found = await gates({ down: false, unchanged: true });
      return { is: 'gated', gates: found, unchanged: true };
    };
    await runner({ ...withStep('switch', looks), probe })(task, quiet);
    expect(found).toMatchObject([{ name: 'pause' }]);
  });

  it('is not run by whoever takes it over after its intent was written: it gets a new number first', async () => {
    const task = await reach('switch');
    const { run, node, step, attempt } = task as NodeTask;
    await record('r1', { type: 'begun', at: Date.now() - 1_000, run, node, step, attempt });
    let ran = false;
    const looks: Step = async () => {
      ran = true;
      return { is: 'succeeded', facts: {} };
    };
    expect(await runner(withStep('switch', looks))(task, quiet)).toBe('dropped');
    expect(ran).toBe(false);
    expect((await store.load('r1'))?.nodes[node]).toMatchObject({
      attempt: attempt + 1,
      touched: true,
      uncertain: true,
    });
  });

  it('may take as long as its policy allows, and no longer', () => {
    const { policy } = quickRollout('r1');
    expect(stepLimit(policy)).toBeGreaterThan(policy.transferTimeout + policy.healthDeadline + policy.canarySoak);
    expect(Number.isFinite(stepLimit(policy))).toBe(true);
  });
});
