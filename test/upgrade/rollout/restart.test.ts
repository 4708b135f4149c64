import { describe, expect, it } from 'vitest';
import { leftBy, timedBy } from '../../../src/upgrade/ledger/index.ts';
import {
  approvals,
  askedByLooks,
  gates,
  next,
  nodesInOrder,
  ordersAfter,
  plan,
  readiness,
  todo,
  touchedNewestFirst,
  turns,
  whatRuns,
} from '../../../src/upgrade/rollout/index.ts';
import type { Event, Fleet, NodeSurvey, PlanInput, Policy, Rollout } from '../../../src/upgrade/rollout/types.ts';
import {
  fit,
  fitWith,
  fleetOf,
  hours,
  inputOf,
  newImage,
  oldImage,
  surveyOf,
  tuesday,
} from '../../support/rollouts.ts';
import { apply, drive, states, type World, worldOf } from '../../support/simulation.ts';

const traffic = { drain: ['/bin/drain'], undrain: ['/bin/undrain'], limit: 60_000 };

function restartOf(changes: Partial<PlanInput> = {}, fleet: Fleet = fleetOf()): Rollout {
  const survey = changes.survey ?? surveyOf(fleet);
  const release = whatRuns(fleet, changes.regions ?? null, survey);
  return plan(inputOf(fleet, { strategy: 'regions', change: { is: 'restart' }, release, survey, ...changes }));
}

/** Every approval is given by whoever may. */
function approvedOn(rollout: Rollout, world: World, from: number): { rollout: Rollout; now: number; events: Event[] } {
  let at = { rollout, now: from, events: [] as Event[] };
  for (let ask = 0; ask < 10; ask++) {
    const after = drive(at.rollout, world, { from: at.now });
    at = { ...after, events: [...at.events, ...after.events] };
    const phase = approvals(at.rollout).find(({ state }) => state.is === 'active');
    if (phase === undefined) return at;
    const yes = { type: 'approved', at: at.now + 1, phase: phase.id, by: 'U-other' } as const;
    at = { ...at, rollout: apply(at.rollout, yes, at.events), now: at.now + 1 };
  }
  return at;
}

describe('what is restarted', () => {
  const fleet = fleetOf();

  it('is the one build that runs there, and nothing is fetched for it', () => {
    const found = whatRuns(fleet, null, surveyOf(fleet));
    expect(found).toMatchObject({ version: 'v1.0.0', binarySha256: oldImage, archiveBytes: 0, signed: null });
  });

  it('is, of a node that is down, the file that a start would bring up', () => {
    const down = { sha256: null, version: null, healthy: false };
    expect(whatRuns(fleet, null, surveyOf(fleet, { 'us-east-op-1': down }))).toMatchObject({ binarySha256: oldImage });
    const other = { ...down, fitness: fitWith(newImage) };
    expect(() => whatRuns(fleet, null, surveyOf(fleet, { 'us-east-op-1': other }))).toThrow(/there are 2/);
  });

  it('is refused where two builds run, with where, and allowed in a region that has one', () => {
    const survey = surveyOf(fleet, { 'us-east-op-1': { sha256: newImage, version: 'v2.0.0' } });
    expect(() => whatRuns(fleet, null, survey)).toThrow(
      /v2\.0\.0 \(b+\) on us-east-op-1; v1\.0\.0 \(a+\) on us-east-op-2, us-east-op-3, eu-west-op-1 and 5 more/,
    );
    expect(whatRuns(fleet, ['eu-west'], survey)).toMatchObject({ version: 'v1.0.0' });
  });

  it('is refused where nobody knows what runs', () => {
    const nothing = surveyOf(fleet).map(({ fitness: _, ...seen }): NodeSurvey => ({ ...seen, sha256: null }));
    expect(() => whatRuns(fleet, null, nothing)).toThrow(/no node says what it runs/);
  });
});

describe('a plan of a restart', () => {
  it('has the phases of an upgrade, and on each node only a look, the restart and its proof', () => {
    const upgrade = plan(inputOf(fleetOf(), { strategy: 'regions' }));
    const rollout = restartOf();
    expect(rollout.phases.map(({ id }) => id)).toEqual(upgrade.phases.map(({ id }) => id));
    for (const { path, undo } of turns(rollout)) {
      expect(path).toEqual(['stage', 'restart', 'verify']);
      expect(undo).toEqual([]);
    }
  });

  it('takes nodes out of service where the settings say how', () => {
    const fleet = fleetOf();
    const [first] = turns(restartOf({}, { ...fleet, service: { ...fleet.service, traffic } }));
    expect(first?.path).toEqual(['stage', 'drain', 'restart', 'verify', 'undrain']);
  });

  it('restarts what runs already: no node counts as finished before', () => {
    expect(nodesInOrder(restartOf()).every(({ already }) => !already)).toBe(true);
  });

  it.each([
    ['canary', 1],
    ['nowhere', 1],
    ['anywhere', 0],
  ] as const)('is, where one may begin %s, asked for in the canary region by %i', (oneMayBegin, needed) => {
    const rollout = restartOf({}, fleetOf({ oneMayBegin }));
    expect(approvals(rollout).filter(({ opens }) => opens.includes('nodes/us-east'))).toHaveLength(needed);
    expect(approvals(rollout).filter(({ opens }) => opens.includes('nodes/eu-west'))).toHaveLength(1);
  });

  it('promises nobody a notice, and is no major, also where no node tells its version', () => {
    const fleet = fleetOf({ majors: { approvers: 3, canaryApproval: true, notice: hours(48) } });
    const survey = surveyOf(fleet).map((seen): NodeSurvey => ({ ...seen, version: null }));
    const rollout = restartOf({ survey }, fleet);
    expect(rollout.notice).toBeUndefined();
    expect(approvals(rollout).map(({ needed }) => needed)).toEqual([1, 1]);
  });

  it('rehearses nothing and brings nothing back', () => {
    const rollout = restartOf({}, fleetOf({ rehearse: 'always', autoRollback: 'everything' }));
    expect(turns(rollout).every(({ rehearsal }) => rehearsal === undefined)).toBe(true);
    expect(rollout.policy).toMatchObject({ rehearse: 'never', autoRollback: 'none' });
  });

  it('is refused where a restart would bring up another binary', () => {
    const fitness = { ...fit, seen: fit.seen && { ...fit.seen, disk: newImage } };
    const survey = surveyOf(fleetOf(), { 'eu-west-op-1': { fitness } });
    expect(() => restartOf({ survey })).toThrow(/eu-west-op-1 \(a restart would bring up another binary/);
  });
});

describe('a restart', () => {
  it.each([{}, { atOnce: 2 }] satisfies Partial<Policy>[])(
    'restarts every node once, on what it ran, %o',
    (changes) => {
      const rollout = restartOf({}, fleetOf(changes, { perRegion: 4 }));
      const world = worldOf(rollout);
      const { rollout: after } = approvedOn(rollout, world, tuesday);
      expect(after.status.is).toBe('done');
      expect(world.starts.map(({ node }) => node).toSorted()).toEqual(Object.keys(rollout.nodes).toSorted());
      expect(Object.values(world.invocation).every((count) => count === 1)).toBe(true);
      expect(world.starts.every(({ image, peersLeft }) => image === oldImage && peersLeft >= 2)).toBe(true);
      expect(nodesInOrder(after).every(({ proof }) => proof?.sha256 === oldImage && proof.invocation === 'i1')).toBe(
        true,
      );
    },
  );

  it('waits for windows, freezes, alerts, a pause and its quorum as an upgrade does, and for nothing that is about a release', () => {
    const rollout = restartOf({}, fleetOf({}, { windows: 'guide' }));
    const shut = (change: (world: World) => void, at = tuesday): string[] => {
      const world = worldOf(rollout);
      const { rollout: staged } = drive(rollout, world, {
        from: at,
        until: ({ phases }) => phases[0]?.state.is === 'done',
      });
      change(world);
      const standing = Object.fromEntries(
        Object.keys(rollout.nodes).map((name) => [name, world.down.has(name) ? 'down' : 'healthy'] as const),
      );
      const { freezes, alerts, halt, elsewhere, compatibility } = world;
      const evidence = { standing, freezes, alerts, halt, elsewhere, compatibility };
      const sight = { down: false, unchanged: true };
      return gates(staged, 'us-east-op-1', at + hours(0.1), { ...evidence, sight }).map(({ name }) => name);
    };
    const freeze = { start: 0, end: tuesday + hours(99), reason: 'audit', author: 'U1' };
    expect(shut(() => undefined)).toEqual([]);
    expect(shut(() => undefined, tuesday + hours(8))).toEqual(['window']);
    expect(shut(({ freezes }) => freezes.push(freeze))).toEqual(['freeze']);
    expect(shut((world) => Object.assign(world, { alerts: { is: 'firing', names: ['Errors'] } }))).toEqual(['alerts']);
    expect(shut((world) => Object.assign(world, { halt: { is: 'lies', reason: 'a file' } }))).toEqual(['halt']);
    expect(shut(({ down }) => down.add('us-east-op-2'))).toEqual(['quorum']);
    const ofRelease = {
      elsewhere: { is: 'unproven', reason: 'not proven' },
      compatibility: { is: 'refused', reasons: ['no'] },
    };
    expect(shut((world) => Object.assign(world, ofRelease))).toEqual([]);
    expect(askedByLooks(rollout)).toEqual(['freezes', 'alerts', 'halt']);
  });

  it('of a node that does not come back is held with it, and no further node is begun', () => {
    const rollout = restartOf({}, fleetOf({ autoRollback: 'everything' }));
    const world = worldOf(rollout);
    world.badRestart.set('us-east-op-2', 1);
    const { rollout: held } = approvedOn(rollout, world, tuesday);
    expect(held.status).toMatchObject({ is: 'held', node: 'us-east-op-2' });
    expect(held.nodes['us-east-op-2']?.state.is).toBe('unproven');
    expect(world.starts.map(({ node }) => node)).toEqual(['us-east-op-1', 'us-east-op-2']);
    expect(gates(held, 'us-east-op-3', tuesday)).toContainEqual(
      expect.objectContaining({ name: 'state', owner: 'whoever may retry or stop it' }),
    );
  });

  it('that is tried again restarts that node once more, looked at anew, also when its window has closed meanwhile', () => {
    const fleet = fleetOf({ bake: 0 }, { windows: 'guide' });
    const rollout = restartOf({}, fleet);
    const world = worldOf(rollout);
    world.badRestart.set('us-east-op-2', 1);
    const { rollout: held, now, events } = approvedOn(rollout, world, tuesday);
    const late = now + hours(8);
    const retried = apply(held, { type: 'retried', at: late, by: 'U-other', epoch: tuesday + 1 }, events);
    expect(todo(retried, late)).toContainEqual(expect.objectContaining({ node: 'us-east-op-2', step: 'stage' }));
    const { rollout: after } = drive(retried, world, {
      from: late,
      until: ({ nodes }) => nodes['us-east-op-2']?.state.is === 'done',
    });
    expect(after.nodes['us-east-op-2']?.proof?.invocation).toBe('i2');
    expect(world.starts.map(({ node }) => node)).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-2']);
    expect(world.starts.at(-1)?.at).toBeLessThan(late + hours(1));
  });

  it('whose worker is lost over it is not done twice', () => {
    const rollout = restartOf({ regions: ['us-east'] });
    const world = worldOf(rollout);
    let cut = 0;
    let state = rollout;
    let now = tuesday;
    const events: Event[] = [];
    for (let turn = 0; turn < 2_000 && state.status.is === 'running'; turn++) {
      const { rollout: until, now: then } = drive(state, world, {
        from: now,
        until: ({ nodes }) =>
          Object.values(nodes).some(
            ({ state: of }) => of.is === 'working' && of.step === 'restart' && of.unknowns === 0,
          ),
      });
      [state, now] = [until, then + 1_000];
      const node = nodesInOrder(state).find(({ state: of }) => of.is === 'working' && of.step === 'restart');
      if (node === undefined) break;
      cut += 1;
      world.invocation[node.name] = (world.invocation[node.name] ?? 0) + 1;
      const { run, attempt } = { run: state.run, attempt: node.attempt };
      const common = { at: now, run, node: node.name, step: 'restart', attempt } as const;
      state = apply(state, { type: 'begun', ...common }, events);
      state = apply(state, { type: 'reported', ...common, report: { is: 'unknown', reason: 'cut' } }, events);
    }
    expect(cut).toBe(3);
    expect(states(state)).toEqual(['done', 'done', 'done']);
    expect(Object.entries(world.invocation).filter(([name]) => name.startsWith('us-east'))).toEqual([
      ['us-east-op-1', 1],
      ['us-east-op-2', 1],
      ['us-east-op-3', 1],
    ]);
  });

  it('leads nowhere back: nothing is offered, and a rollback that is asked for changes nothing', () => {
    const rollout = restartOf({ regions: ['us-east'] });
    const { rollout: done } = approvedOn(rollout, worldOf(rollout), tuesday);
    expect(touchedNewestFirst(done, { is: 'all' })).toEqual([]);
    expect(readiness(done).all).toEqual([]);
    const asked = { type: 'rollback-asked', at: tuesday, by: 'U1', scope: { is: 'all' }, epoch: tuesday + 9 } as const;
    expect(next(done, asked)).toBe(done);
  });

  it('leaves in the ledger what it proved, and no time that a transfer would take', () => {
    const rollout = restartOf({ regions: ['us-east'] });
    const { rollout: done } = approvedOn(rollout, worldOf(rollout), tuesday);
    expect(leftBy(done)).toMatchObject({ nodes: { 'us-east-op-1': { version: 'v1.0.0', sha256: oldImage } } });
    const timed = timedBy(done);
    expect(timed?.type === 'timed' && Object.keys(timed.nodes['us-east-op-1'] ?? {})).not.toContain('stage');
    expect(timed?.type === 'timed' && Object.keys(timed.nodes['us-east-op-1'] ?? {})).toContain('restart');
  });
});

describe('the orders of a restart', () => {
  const created = { type: 'created', at: tuesday } as const;

  it('let only what nobody must approve be restarted, when it is created, and nothing be put there', () => {
    const orders = ordersAfter(restartOf(), created);
    expect(new Set(orders.map((order) => order.class))).toEqual(new Set(['restart']));
    expect(orders.map(({ node }) => node)).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3']);
    expect(orders.every(({ bytes, release }) => bytes === null && release === oldImage)).toBe(true);
    expect(ordersAfter(restartOf({}, fleetOf({ oneMayBegin: 'canary' })), created)).toEqual([]);
  });

  it('let a node that is out of service go back into it, whoever wants that', () => {
    const rollout = restartOf();
    const node = rollout.nodes['eu-west-op-1'];
    if (node === undefined) throw new Error('no node');
    const out = { ...rollout, nodes: { ...rollout.nodes, [node.name]: { ...node, drained: true } } };
    const asked = { type: 'rollback-asked', at: tuesday, by: 'U1', scope: { is: 'all' }, epoch: 2 } as const;
    expect(ordersAfter(out, asked)).toMatchObject([{ node: 'eu-west-op-1', class: 'return' }]);
  });
});
