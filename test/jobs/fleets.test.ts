import { describe, expect, it } from 'vitest';
import { createControl, createStore, Tampered } from '../../src/jobs/index.ts';
import { keysOf, prefixOf } from '../../src/jobs/keys.ts';
import { createQueues } from '../../src/jobs/queues.ts';
import type { Fleet, Rollout, Task } from '../../src/upgrade/rollout/types.ts';
import type { Step } from '../../src/upgrade/steps/types.ts';
import { belief } from '../support/belief.ts';
import { fleetOf } from '../support/rollouts.ts';
import { eventually, nodes, quickRollout, silent, systemClock, workerParts } from './fixtures/parts.ts';
import { done, makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const usEast = [{ name: 'us-east-op-1', region: 'us-east' }];

/** A fleet with the same nodes and regions as every other one here, and what its worker was made to do. */
function fleetNamed(name: string) {
  const fleet: Fleet = { ...fleetOf(), name };
  const did: string[] = [];
  const warned: string[] = [];
  const { steps } = workerParts(rig.redis.handle);
  const noted: Step = async ({ rollout, node }) => {
    did.push(`${rollout.fleet} ${rollout.release.version} ${node.name}`);
    return { is: 'succeeded', facts: {} };
  };
  return {
    did,
    warned,
    worker: () =>
      rig.worker({
        fleet,
        sweep: never,
        log: { ...silent, warn: (_fields, message) => void warned.push(message) },
        steps: { ...steps, switch: noted },
        survey: async ({ name: node, region }) => ({
          ...{ node, region, version: name, sha256: null, healthy: true, detail: '', unit: null, at: 0 },
        }),
      }),
    control: () => rig.closeLater(createControl(rig.redis.handle, name, belief('bot'), systemClock, silent)),
    queues: () => rig.closeLater(createQueues(rig.redis.handle.caller, name, silent)),
    rollout: (version: string, changes: Partial<Rollout> = {}): Rollout => {
      const rollout = quickRollout('r1', { fleet: name, ...changes });
      return { ...rollout, release: { ...rollout.release, version } };
    },
  };
}

describe('two fleets on one Redis, with nodes of the same names', () => {
  it('run at the same time, each on its own worker, under the same ids', async () => {
    const [a, b] = [fleetNamed('a'), fleetNamed('b')];
    await Promise.all([a.worker(), b.worker()]);
    const [first, second] = [a.control(), b.control()];
    await Promise.all([first.start(a.rollout('v2.0.0')), second.start(b.rollout('v3.0.0'))]);
    await eventually(() => first.store.load('r1'), done);
    await eventually(() => second.store.load('r1'), done);
    expect(a.did).toEqual(nodes.map((node) => `a v2.0.0 ${node}`));
    expect(b.did).toEqual(nodes.map((node) => `b v3.0.0 ${node}`));
  });

  it('do not see, hold or go on with what is the other one’s', async () => {
    const [a, b] = [fleetNamed('a'), fleetNamed('b')];
    const { store } = a.control();
    const other = b.control().store;
    await store.create(a.rollout('v2.0.0'));
    await store.saveDraft(a.rollout('v2.1.0'), 60_000);
    await store.setPosted('r1', 'main', { ts: '1', channel: 'C1', content: 'x' });
    await store.firstTime('click', 60_000);
    const epoch = await store.nextEpoch(Date.now() + 60_000);
    expect([await other.load('r1'), await other.open(), await other.takeDraft('r1')]).toEqual([null, null, null]);
    expect([await other.openIds(), await other.latest(10), await other.journal('r1')]).toEqual([[], [], []]);
    expect(await other.posted('r1')).toEqual({});
    expect(await other.firstTime('click', 60_000)).toBe(true);
    expect(await other.nextEpoch(1)).toBeLessThan(epoch);
    const worker = await b.worker();
    await worker.sweep();
    expect((await store.load('r1'))?.revision).toBe(1);
    expect(b.did).toEqual([]);
  });

  it('are asked apart', async () => {
    const [a, b] = [fleetNamed('a'), fleetNamed('b')];
    await Promise.all([a.worker(), b.worker()]);
    for (let round = 0; round < 5; round += 1) {
      expect(await a.control().survey(usEast, 5_000)).toMatchObject([{ version: 'a' }]);
      expect(await b.control().survey(usEast, 5_000)).toMatchObject([{ version: 'b' }]);
    }
  });
});

describe('what got among a fleet’s own although it is not', () => {
  it('a rollout of another fleet is not believed, and nothing is done for it', async () => {
    const { caller } = rig.redis.handle;
    const store = createStore(caller, 'a', belief());
    const foreign = fleetNamed('b').rollout('v2.0.0');
    await caller.hset(keysOf('a').rollout('r1'), 'body', JSON.stringify({ format: 2, rollout: foreign }));
    await caller.sadd(keysOf('a').open, 'r1');
    await caller.set(keysOf('a').holder, 'r1');
    for (const look of [store.load('r1'), store.open()]) await expect(look).rejects.toThrow(Tampered);
    const a = fleetNamed('a');
    const worker = await a.worker();
    await worker.sweep();
    expect(a.did).toEqual([]);
    await caller.flushall();
    await expect(store.create(foreign)).rejects.toThrow(/r1 is of fleet b, this is a's store/);
  });

  it('a step of another region is dropped by the worker that finds it in its queue', async () => {
    const a = fleetNamed('a');
    await a.worker();
    const task: Task = {
      id: 'x',
      rollout: 'r1',
      run: 1,
      region: 'eu-west',
      node: 'eu-west-op-1',
      step: 'stage',
      attempt: 1,
    };
    const queue = a.queues().step('us-east');
    await queue.add('stage', { task }, { jobId: 'x' });
    const job = await eventually(
      () => queue.getJob('x'),
      (found) => found?.returnvalue != null,
    );
    expect(job?.returnvalue).toBe('dropped');
    expect(a.warned).toEqual(['step of another region refused']);
  });

  it.each(['', 'a:b', '{a}', 'a b'])('%j cannot name a fleet', (name) => {
    expect(() => prefixOf(name)).toThrow(/cannot name a fleet/);
  });
});
