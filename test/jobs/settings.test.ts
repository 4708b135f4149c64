import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../src/bot/run.ts';
import { posts } from '../../src/bot/views/posts.ts';
import { createLedger, createStore, type RolloutStore } from '../../src/jobs/index.ts';
import { recorder } from '../../src/jobs/record.ts';
import { type StepParts, taskRunner } from '../../src/jobs/step.ts';
import type { LedgerStore } from '../../src/jobs/types.ts';
import { isOpen, todo } from '../../src/upgrade/rollout/index.ts';
import type { Event, Fleet, PlanInput, Rollout, StepName } from '../../src/upgrade/rollout/types.ts';
import type { Step } from '../../src/upgrade/steps/types.ts';
import { trial } from '../bot/support.ts';
import { belief, flawsIn } from '../support/belief.ts';
import { isAsked } from '../support/parts.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { fleetOf } from '../support/rollouts.ts';
import { eventually, production, quickRollout, systemClock, workerParts } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

/** As the settings were when the plan was made. */
const before = fleetOf();
const regions = (change: (region: Fleet['regions'][number]) => Fleet['regions'][number]): Fleet => ({
  ...before,
  regions: before.regions.map(change),
});
const without = (node: string): Fleet =>
  regions((region) => ({ ...region, nodes: region.nodes.filter(({ name }) => name !== node) }));
const service = (changes: Partial<Fleet['service']>): Fleet => ({
  ...before,
  service: { ...before.service, ...changes },
});

const upgraded = { version: 'v2.0.0', sha256: 'b'.repeat(64) };
const told = (rollout: Rollout | null): string =>
  rollout === null
    ? ''
    : posts(rollout)
        .map(({ text }) => text)
        .join('\n');

describe('a worker whose settings were edited in mid-rollout', () => {
  let redis: TestRedis;
  let store: RolloutStore;
  let ledger: LedgerStore;
  beforeAll(async () => {
    redis = await startTestRedis();
  });
  beforeEach(() => {
    store = createStore(redis.handle.caller, production, belief());
    ledger = createLedger(redis.handle.caller, production, belief());
    clock.at = Date.now();
    done.length = 0;
  });
  afterEach(() => redis.handle.caller.flushall());
  afterAll(() => redis.stop());

  const quiet = new AbortController().signal;
  /** Ahead of the real time, so that nobody has to wait for a retry. */
  const clock = { ...workerClock(), at: 0 };
  const record = (id: string, event: Event) => recorder(store, async () => undefined)(id, event);
  const done: string[] = [];
  function runner(fleet: Fleet) {
    const parts = workerParts(redis.handle);
    const steps = Object.fromEntries(
      Object.entries(parts.steps).map(([name, step]) => {
        const noted: Step = (context) => {
          done.push(`${name} ${context.node.name}`);
          return step(context);
        };
        return [name, noted];
      }),
    ) as StepParts['steps'];
    return taskRunner({ ...parts, steps, fleet, store, ledger, record, orders: async () => null, clock });
  }

  const now = async (): Promise<Rollout> => {
    const rollout = await store.load('r1');
    if (rollout === null) throw new Error('it is gone');
    return rollout;
  };
  /** Whatever is due, once; false when nothing is. */
  async function once(fleet: Fleet): Promise<boolean> {
    const [task] = todo(await now(), clock.at);
    if (task === undefined) return false;
    await runner(fleet)(task, quiet);
    return true;
  }
  const pass = (ms: number) => {
    clock.at += ms;
    return record('r1', { type: 'ticked', at: clock.at });
  };
  async function until(fleet: Fleet, fits: (rollout: Rollout) => boolean): Promise<Rollout> {
    for (let count = 0; count < 80; count += 1) {
      const rollout = await now();
      if (fits(rollout)) return rollout;
      if (!(await once(fleet))) await pass(1_000);
    }
    throw new Error(`it never came to that: ${JSON.stringify((await now()).status)}`);
  }
  const isDue = (step: StepName, node: string) => (rollout: Rollout) =>
    todo(rollout, clock.at).some((task) => task.step === step && 'node' in task && task.node === node);
  const start = (input: Partial<PlanInput> = {}) => store.create(quickRollout('r1', {}, {}, input));
  const reach = async (step: StepName, node = 'us-east-op-1') => {
    await start();
    await until(before, isDue(step, node));
  };
  /** With the settings as they were: nothing is left of the edit. */
  const ends = async () => {
    const end = await until(before, (rollout) => !isOpen(rollout));
    expect(end.status.is).toBe('done');
    expect(flawsIn('r1', await store.journal('r1'))).toEqual([]);
  };
  const goesBack = async (fleet: Fleet) => {
    await record('r1', { type: 'rollback-asked', at: clock.at, by: 'U1', scope: { is: 'all' }, epoch: clock.at + 1 });
    const end = await until(fleet, (rollout) => !isOpen(rollout));
    expect(end.status.is).toBe('rolled-back');
  };

  it('does nothing to a node that they have no more, says so, and goes on when they have it again', async () => {
    await reach('backup');
    await once(without('us-east-op-1'));
    expect(done).not.toContain('backup us-east-op-1');
    const held = await now();
    expect(held.status).toMatchObject({ is: 'held', node: 'us-east-op-1' });
    expect(told(held)).toContain('the settings of this worker have no us-east-op-1 in us-east');
    await record('r1', { type: 'retried', at: clock.at, by: 'U1', epoch: clock.at + 1 });
    await ends();
  });

  it('waits before the stop of a node that they have no more, says so after a minute, and goes on by itself', async () => {
    await reach('switch');
    const edited = without('us-east-op-1');
    await once(edited);
    await pass(60_000);
    await until(edited, ({ nodes }) => (nodes['us-east-op-1']?.held?.times ?? 0) > 1);
    for (let count = 0; count < 4; count += 1) {
      await pass(20_000);
      await once(edited);
    }
    expect(done).not.toContain('switch us-east-op-1');
    expect(told(await now())).toMatch(/us-east-op-1 waits.*the settings of this worker have no us-east-op-1/s);
    await ends();
  });

  it('concludes nothing about a switched node that they have no more, says so, and proves it when they have it again', async () => {
    await reach('verify');
    const edited = without('us-east-op-1');
    await once(edited);
    expect(told(await now())).toMatch(/Nobody knows yet what us-east-op-1 did.*have no us-east-op-1 in us-east/s);
    await pass(5_000);
    await ends();
    expect(done.filter((each) => each === 'switch us-east-op-1')).toHaveLength(1);
  });

  it('begins no node with another environment file than the plan, and calls it no work of somebody', async () => {
    await reach('switch');
    const edited = service({ envFile: '/etc/zeitwork/other.env' });
    await once(edited);
    expect(done).not.toContain('switch us-east-op-1');
    const waiting = await now();
    expect(waiting.nodes['us-east-op-1']?.held?.gates).toEqual([
      expect.objectContaining({ reason: expect.stringContaining('otherwise than the plan, service: envFile') }),
    ]);
    expect(waiting.nodes['us-east-op-1']?.foreign).toBeNull();
    await pass(60_000);
    await ends();
  });

  it('concludes nothing from a look at another unit', async () => {
    await reach('verify');
    await once(service({ unit: 'other' }));
    expect(done).not.toContain('verify us-east-op-1');
    expect((await now()).status.is).toBe('running');
    await pass(5_000);
    await ends();
  });

  it('goes back whatever they say of the service', async () => {
    const traffic = { drain: ['/bin/out'], undrain: ['/bin/in'], limit: 60_000 };
    const planned = service({ traffic });
    const { policy } = quickRollout('r1');
    await start({ fleet: { ...planned, policy } });
    await until(planned, isDue('backup', 'us-east-op-2'));
    await goesBack(service({ traffic, envFile: '/etc/zeitwork/other.env' }));
    expect(done).toContain('restore us-east-op-1');
  });

  it('keeps a raised quorum, says so, and goes on when it is lowered', async () => {
    await reach('switch');
    const edited = { ...before, policy: { ...before.policy, minimumHealthy: 3 } };
    await once(edited);
    expect(done).toContain('switch us-east-op-1');
    const waiting = await now();
    expect(waiting.nodes['us-east-op-1']?.held?.gates.map(({ name }) => name)).toEqual(['quorum']);
    await pass(60_000);
    await ends();
  });

  it('goes on by the windows and by the number at once that were planned, whatever they say of those now', async () => {
    const shut = regions((region) => ({ ...region, calendar: { ...region.calendar, windows: [] } }));
    const edited = { ...shut, policy: { ...shut.policy, atOnce: 3, minimumHealthy: 1 } };
    await start();
    let most = 0;
    const end = await until(edited, (rollout) => {
      most = Math.max(most, Object.values(rollout.nodes).filter(({ state }) => state.is === 'working').length);
      return !isOpen(rollout);
    });
    expect(end.status.is).toBe('done');
    expect(most).toBe(1);
  });

  it('counts a node that was added as a peer, and leaves it alone', async () => {
    const edited = regions((region) => ({
      ...region,
      nodes: [...region.nodes, { name: `${region.name}-op-4`, region: region.name }],
    }));
    await start();
    const end = await until(edited, (rollout) => !isOpen(rollout));
    expect(end.status.is).toBe('done');
    expect(done.filter((each) => each.endsWith('op-4'))).toEqual([]);
  });
});

function workerClock() {
  return {
    at: 0,
    now(): number {
      return this.at;
    },
    monotonic: () => performance.now(),
    // Pauses are over at once; limits are never reached.
    sleep: (ms: number) => (ms < 1_000 ? Promise.resolve() : new Promise<void>(() => undefined)),
  };
}

describe('settings that were edited in mid-rollout', () => {
  const rig = makeRig();

  it('of a worker alone: what its queue brings of a node that it has no more is told, not dropped in silence', async () => {
    await rig.worker({ fleet: without('us-east-op-2') });
    const { start, store } = rig.control();
    await start(quickRollout('r1'));
    const held = await eventually(
      () => store.load('r1'),
      (rollout) => rollout?.status.is === 'held',
    );
    expect(told(held)).toContain('the settings of this worker have no us-east-op-2 in us-east');
  });

  it('of the bot alone: those whom they name now approve, those of the plan do not, and a region that is gone stays where it is', async () => {
    await rig.worker({
      regions: ['us-east', 'eu-west', 'ap-south'],
      survey: async (node) => ({
        ...(await workerParts(rig.redis.handle).survey(node, AbortSignal.abort())),
        ...upgraded,
      }),
    });
    const control = rig.control();
    await control.start(quickRollout('r1', {}, {}, { strategy: 'regions', regions: ['us-east', 'eu-west'] }));
    await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout !== null && isAsked(rollout, 'eu-west'),
    );
    const says = (fleet: Fleet, who: string, text: string) =>
      runCommand({ ...trial().context, control, fleet, clock: systemClock }, who, text).then((reply) =>
        JSON.stringify(reply),
      );
    const named = (users: string[]) => regions((region) => ({ ...region, approvers: { users, groups: [] } }));
    const gone = { ...before, regions: before.regions.filter(({ name }) => name !== 'eu-west') };
    expect(await says(gone, 'U0INES', 'approve eu-west')).toMatch(/"outcome":"(?:denied|refused)"/);
    expect(await says(gone, 'U0INES', 'why')).toMatch(/eu-west/);
    expect(await says(named(['U0LU']), 'U0INES', 'approve eu-west')).toMatch(/"outcome":"denied"/);
    await says(named(['U0LU']), 'U0LU', 'approve eu-west');
    await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout?.status.is === 'done',
    );
    expect(await says(gone, 'U0OTTO', 'rollback all')).toMatch(/Rolling back/);
    await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout?.status.is === 'rolled-back',
    );
  });
});
