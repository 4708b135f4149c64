import { describe, expect, it } from 'vitest';
import {
  type Belief,
  createControl,
  createStore,
  openAnchors,
  startPublisher,
  Tampered,
} from '../../src/jobs/index.ts';
import { keysOf, prefixOf } from '../../src/jobs/keys.ts';
import { createQueues } from '../../src/jobs/queues.ts';
import { createNotary, type SigningKey } from '../../src/trust/index.ts';
import type { Fleet, Rollout, Task } from '../../src/upgrade/rollout/types.ts';
import type { Step } from '../../src/upgrade/steps/types.ts';
import { belief, testKey } from '../support/belief.ts';
import { fleetOf } from '../support/rollouts.ts';
import { eventually, nodes, production, quickRollout, silent, systemClock, workerParts } from './fixtures/parts.ts';
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

describe('two environments that bear the same name on one Redis, each with keys and a channel of its own', () => {
  /** Its bot and its worker believe each other, and nobody else. */
  function environment(name: string) {
    const [bot, worker] = [testKey(`bot of ${name}`), testKey(`worker of ${name}`)];
    const trusted = { decisions: [bot.public], reports: [worker.public] };
    const believes = (key: SigningKey): Belief => ({ notary: createNotary(key, trusted), anchors: openAnchors(null) });
    const redis = rig.redis.handle;
    const heard = { shown: [] as string[], alarms: [] as string[] };
    const did: string[] = [];
    const { steps } = workerParts(redis);
    const heardOf: Step = async ({ node }) => {
      did.push(node.name);
      return { is: 'succeeded', facts: {} };
    };
    return {
      heard,
      did,
      control: rig.closeLater(createControl(redis, production, believes(bot), systemClock, silent)),
      /** What it says in its channel. */
      bot: async () =>
        rig.closeLater(
          await startPublisher({
            ...{ redis, fleet: production, belief: believes(bot), clock: systemClock, log: silent, sweep: never },
            announcer: {
              show: async ({ id }) => void heard.shown.push(id),
              alarm: async (id, what) => void heard.alarms.push(`${id}: ${what}`),
              ...{ outrun: async () => undefined, refusing: async () => undefined, repair: async () => undefined },
            },
          }),
        ),
      worker: () => rig.worker({ belief: believes(worker), sweep: never, steps: { ...steps, switch: heardOf } }),
    };
  }

  it('believe nothing that the other one decided: no node is touched, nothing is shown, and people are told', async () => {
    const [a, b] = [environment('a'), environment('b')];
    await a.control.start(quickRollout('r1'));
    const bot = await b.bot();
    const worker = await b.worker();
    await worker.sweep();
    await bot.sweep();
    await eventually(
      async () => b.heard.alarms,
      (all) => all.length > 0,
    );
    for (const alarm of b.heard.alarms)
      expect(alarm).toMatch(/^r1: line 1 of its journal: it is signed by .*, a key that the settings do not name$/);
    expect([b.did, b.heard.shown]).toEqual([[], []]);
    await expect(b.control.record('r1', { type: 'stopped', at: 1, by: 'U1' })).rejects.toThrow(Tampered);
    await expect(b.control.start(quickRollout('r2'))).rejects.toThrow(Tampered);
    await Promise.all([bot.close(), worker.close()]);
    await Promise.all([a.bot(), a.worker()]);
    await eventually(() => a.control.store.load('r1'), done);
    expect(a.did).toEqual(nodes);
    expect([a.heard.alarms, b.did, b.heard.shown]).toEqual([[], [], []]);
    await eventually(
      async () => a.heard.shown,
      (all) => all.includes('r1'),
    );
  });

  it('believe no plan, no freeze, no wish of one of two and no answer of a worker of the other one', async () => {
    const [a, b] = [environment('a'), environment('b')];
    await a.control.store.saveDraft(quickRollout('p1'), 60_000);
    await expect(b.control.store.takeDraft('p1')).rejects.toThrow(/the plan that was shown/);
    const froze = {
      type: 'froze',
      at: 1,
      by: 'U1',
      id: 'f1',
      regions: null,
      start: 1,
      end: 9e12,
      reason: 'x',
    } as const;
    await a.control.ledger.record(froze);
    await expect(b.control.ledger.load()).rejects.toThrow(/a key that the settings do not name/);
    const now = Date.now();
    await a.control.store.seconded('adopt r1', 'U1', now);
    expect(await b.control.store.seconded('adopt r1', 'U2', now)).toBeNull();
    await a.worker();
    const [seen] = await b.control.survey(usEast, 3_000);
    expect(seen).toMatchObject({ version: null, healthy: false, detail: expect.stringMatching(/cannot be believed/) });
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
