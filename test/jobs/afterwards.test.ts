import { describe, expect, it } from 'vitest';
import { lookAfterwards, watchOn } from '../../src/jobs/afterwards.ts';
import { createLedger, createStore, startWorker } from '../../src/jobs/index.ts';
import { recorder } from '../../src/jobs/record.ts';
import { type StepParts, taskRunner } from '../../src/jobs/step.ts';
import type { CheckOccasion, CheckResult } from '../../src/upgrade/checks/types.ts';
import type { ProofLook, StillProven } from '../../src/upgrade/proof/types.ts';
import { isWatchedAfterwards, todo } from '../../src/upgrade/rollout/index.ts';
import type { Afterwards, Rollout, Task } from '../../src/upgrade/rollout/types.ts';
import { belief, flawsIn } from '../support/belief.ts';
import { tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';
import { effects, eventually, quickRollout, silent, systemClock, workerParts } from './fixtures/parts.ts';
import { done, makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const none = new AbortController().signal;
const wanted = (ms: number, every: number): Afterwards => ({
  ...{ for: ms, every, since: null, regions: {}, worse: [], end: null },
});
const watched = (id: string, ms: number, every = 100): Rollout => quickRollout(id, { afterwards: wanted(ms, every) });

const storeOf = () => createStore(rig.redis.handle.caller, 'production', belief());
const typesIn = async (id: string) => (await storeOf().journal(id)).map(({ event }) => event.type);

describe('what an upgrade left', () => {
  it('is looked at by the workers until it was well for as long as was wanted, and nothing of it is changed', async () => {
    const control = rig.control();
    await rig.worker();
    // As long as two looks, and three times that is a while: however busy the machine is.
    await control.start(watched('r1', 3_500, 2_000));
    const over = await eventually(() => control.store.load('r1'), done);
    const before = await effects(rig.redis.handle.caller);
    expect(await control.store.open()).toBeNull();
    const end = await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout !== null && !isWatchedAfterwards(rollout),
    );
    expect(end?.afterwards).toMatchObject({ since: over?.afterwards?.since, end: { is: 'well' }, worse: [] });
    expect(await effects(rig.redis.handle.caller)).toEqual(before);
    expect(flawsIn('r1', await storeOf().journal('r1'))).toEqual([]);
  });

  it('holds up nobody: a hotfix starts meanwhile, and ends it with one line', async () => {
    const control = rig.control();
    await rig.worker({ sweep: '*/1 * * * * *' });
    await control.start(watched('r1', 600_000));
    await eventually(
      () => typesIn('r1'),
      (types) => types.includes('looked-after'),
    );
    await control.start(quickRollout('r2', { createdAt: Date.now() + 1 }));
    await eventually(() => control.store.load('r2'), done);
    const first = await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout?.afterwards?.end != null,
    );
    expect(first?.afterwards?.end).toMatchObject({ is: 'superseded', rollout: 'r2' });
    expect((await typesIn('r1')).filter((type) => type === 'superseded')).toHaveLength(1);
    const rows = (await typesIn('r1')).length;
    await eventually(
      async () => Date.now(),
      (now) => now > (first?.afterwards?.end?.at ?? 0) + 1_500,
    );
    expect(await typesIn('r1')).toHaveLength(rows);
  });

  it('is looked at once each time by two workers, one of which sweeps what the other does', async () => {
    const control = rig.control();
    await Promise.all([rig.worker({ sweep: '*/1 * * * * *' }), rig.worker({ sweep: '*/1 * * * * *' })]);
    await control.start(watched('r1', 1_500));
    await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout?.afterwards?.end != null,
    );
    const journal = await storeOf().journal('r1');
    const looks = journal.flatMap(({ event }) => (event.type === 'looked-after' ? [event.attempt] : []));
    expect(looks).toEqual(looks.map((_, at) => at + 1));
    expect(flawsIn('r1', journal)).toEqual([]);
  });

  it('is looked at on where the worker ended and all jobs were lost, by the sweep of the next one', async () => {
    const control = rig.control();
    const worker = await startWorker(workerParts(rig.redis.handle, { sweep: never }));
    await control.start(watched('r1', 600_000));
    await eventually(
      () => typesIn('r1'),
      (types) => types.includes('looked-after'),
    );
    await worker.close();
    const { caller } = rig.redis.handle;
    for (const queue of ['step-us-east', 'advance'])
      for (const key of await caller.keys(`*:${queue}:*`)) await caller.del(key);
    const { length } = await typesIn('r1');
    await rig.worker({ sweep: never });
    await eventually(
      () => typesIn('r1'),
      (types) => types.length > length,
    );
  });
});

describe('a look at it', () => {
  const start = watched('r1', 600_000);
  const { rollout: over } = drive(start, worldOf(start), { from: start.createdAt });
  const now = Date.now() + 600_000;
  const clock = { ...systemClock, now: () => now };
  const [task] = todo(over, now) as [Task];

  function runner(load: (id: string) => Rollout | null, ids: string[], changes: Partial<StepParts> = {}) {
    const saved: unknown[] = [];
    const parts = { ...workerParts(rig.redis.handle), clock, ...changes };
    const store = { load: async (id: string) => load(id), newestIds: async () => ids };
    const record: StepParts['record'] = async (id, event) => {
      saved.push([id, event]);
      return { rollout: over, changed: true };
    };
    const ledger = createLedger(rig.redis.handle.caller, 'production', belief());
    return { saved, run: taskRunner({ ...parts, store, ledger, record, orders: async () => null }) };
  }

  it('is not believed when another rollout began meanwhile: what that takes down is no fault of this one', async () => {
    const newer = { ...quickRollout('r2'), startedAt: null as number | null };
    const stillProven: StillProven = async () => {
      newer.startedAt = now;
      return { is: 'broken', reason: 'the service does not run' };
    };
    const load = (id: string) => (id === 'r1' ? over : newer);
    const begun = runner(load, ['r2', 'r1'], { stillProven });
    await begun.run(task, none);
    expect(begun.saved).toEqual([['r1', { type: 'superseded', at: now, rollout: 'r2' }]]);
    newer.startedAt = null;
    const planned = runner(load, ['r2', 'r1']);
    await planned.run(task, none);
    expect(planned.saved).toMatchObject([['r1', { type: 'looked-after', region: 'us-east', attempt: 1, unwell: [] }]]);
  });

  it('is not made for one that is over, or that moved on', async () => {
    const { saved, run } = runner(() => ({ ...over, afterwards: undefined as never }), ['r1']);
    expect(await run(task, none)).toBe('dropped');
    expect(saved).toEqual([]);
  });

  it('compares a node that was restarted with what runs since, and asks its checks once, as those of looks far apart', async () => {
    const runs = { invocation: 'i9', restarts: 2 };
    const region = over.afterwards?.regions['us-east'];
    if (over.afterwards === undefined || region === undefined) throw new Error('not watched');
    const regions = { 'us-east': { ...region, runs: { 'us-east-op-1': runs } } };
    const rollout = { ...over, afterwards: { ...over.afterwards, regions } };
    const proofs: Record<string, unknown> = {};
    const occasions: CheckOccasion[] = [];
    const result = (node: string): CheckResult => ({
      ...{ check: 'errors', node, is: 'good', counts: 'good', onBad: 'hold', at: 0 },
      ...{ rate: Number(node.at(-1)), says: `${node.at(-1)} %` },
    });
    const parts = {
      ...workerParts(rig.redis.handle),
      stillProven: async (node: string, proof: object): Promise<ProofLook> => {
        proofs[node] = proof;
        return node === 'us-east-op-2' ? { is: 'broken', reason: 'was restarted', runs } : { is: 'holds' };
      },
      checks: async (node: string, occasion: CheckOccasion) => {
        occasions.push(occasion);
        return [result(node)];
      },
    };
    const found = await lookAfterwards(rollout, 'us-east', parts, none);
    expect(proofs).toMatchObject({ 'us-east-op-1': runs, 'us-east-op-3': { restarts: 0 } });
    expect(found).toMatchObject({
      unwell: [{ node: 'us-east-op-2', what: 'service', is: 'bad', sure: true, says: 'was restarted', runs }],
      rates: { errors: { value: 3, says: '3 %' } },
    });
    expect(occasions).toEqual(['after', 'after', 'after']);
  });
});

it('what cannot be read keeps no other from being watched, nor the sweep from ending', async () => {
  const start = watched('r1', 600_000);
  const { rollout: over } = drive(start, worldOf(start), { from: tuesday });
  const advanced: string[] = [];
  const store = {
    newestIds: async () => ['r3', 'r1'],
    load: async (id: string) => (id === 'r1' ? over : null),
  };
  const record = recorder({ ...storeOf(), ...store }, async () => undefined);
  const advance = async (id: string) => void advanced.push(id);
  await watchOn({ store, record, advance, clock: systemClock, log: silent });
  expect(advanced).toEqual(['r1']);
  await watchOn({
    store: { ...store, newestIds: async () => Promise.reject(new Error('away')) },
    record,
    advance,
    clock: systemClock,
    log: silent,
  });
  expect(advanced).toEqual(['r1']);
});
