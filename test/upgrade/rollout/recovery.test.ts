import { describe, expect, it } from 'vitest';
import { emptyLedger, fold, isRecorded, leftBy, recordedFor } from '../../../src/upgrade/ledger/index.ts';
import type { Ledger, Left } from '../../../src/upgrade/ledger/types.ts';
import type { Installed } from '../../../src/upgrade/rollout/fitness.ts';
import {
  forecast,
  gates,
  isOfNode,
  next,
  onlyBack,
  ordersAfter,
  planRecovery,
  type RecoveryInput,
  readiness,
  todo,
  turns,
} from '../../../src/upgrade/rollout/index.ts';
import type { Evidence, Fleet, NodeSurvey, Rollout, StepName } from '../../../src/upgrade/rollout/types.ts';
import { Refused } from '../../../src/upgrade/rollout/types.ts';
import { fitWith, fleetOf, newImage, oldImage, release, surveyOf, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const node = 'eu-west-op-2';
const left: Left = { version: 'v2.0.0', sha256: newImage, envSha256: 'e'.repeat(64), at: tuesday - 1, rollout: 'r0' };
const gone = { disk: null, image: null, runs: false, env: false, state: 'failed/failed' };
const broken = (seen: Partial<Installed> = gone): Partial<NodeSurvey> => {
  const fit = fitWith(newImage);
  const fitness = fit.seen === null ? fit : { ...fit, seen: { ...fit.seen, ...seen } };
  return { sha256: null, version: null, healthy: false, detail: 'connection refused', unit: 'failed/failed', fitness };
};
const onNew = { sha256: newImage, version: 'v2.0.0', fitness: fitWith(newImage) };
const surveyWith = (fleet: Fleet, own: Partial<NodeSurvey> = broken()): NodeSurvey[] =>
  surveyOf(fleet).map((seen) => ({ ...seen, ...onNew, ...(seen.node === node ? own : {}) }));
const ledgerOf = (nodes: Record<string, Partial<Left>>): Ledger => ({
  ...emptyLedger,
  nodes: Object.fromEntries(Object.entries(nodes).map(([name, more]) => [name, { ...left, ...more }])),
});

function recovery(changes: Partial<RecoveryInput> = {}, fleet = fleetOf({}, { windows: 'guide' })): Rollout {
  const survey = changes.survey ?? surveyWith(fleet);
  const recorded = recordedFor(ledgerOf({ [node]: {} }), fleet, node, survey);
  const asked = { id: 'r1', fleet, node, recorded, shelf: release, from: null, requester: 'U-requester', pace: {} };
  return planRecovery({ ...asked, now: tuesday, epoch: tuesday, survey, ...changes });
}
const stepsOf = (rollout: Rollout): StepName[] => turns(rollout).flatMap(({ path }) => path);
const traffic = { drain: ['/bin/drain'], undrain: ['/bin/undrain'], limit: 60_000 };

describe('what a broken node is to run again', () => {
  const fleet = fleetOf();
  const survey = surveyWith(fleet);

  it('is what the ledger has of it, and nothing that its peers run', () => {
    const ledger = ledgerOf({ [node]: { version: 'v1.9.0', sha256: oldImage }, 'eu-west-op-1': {} });
    expect(recordedFor(ledger, fleet, node, survey)).toMatchObject({ version: 'v1.9.0', recordOf: [node] });
  });

  it('is, without a record of its own, what its healthy peers of the same region run, if they agree', () => {
    const ledger = ledgerOf({ 'eu-west-op-1': {}, 'eu-west-op-3': {}, 'us-east-op-1': { sha256: oldImage } });
    const found = recordedFor(ledger, fleet, node, survey);
    expect(found).toMatchObject({ sha256: newImage, envSha256: null, recordOf: ['eu-west-op-1', 'eu-west-op-3'] });
  });

  it.each([
    ['nobody has a record', {}, survey, /nobody knows what it is to run/],
    ['only another region has one', { 'us-east-op-1': {} }, survey, /nobody knows/],
    [
      'the peer that has one is not healthy',
      { 'eu-west-op-1': {} },
      survey.map((seen) => ({ ...seen, healthy: seen.node !== 'eu-west-op-1' && seen.healthy })),
      /nobody knows/,
    ],
    [
      'the peer runs something else than was proven on it',
      { 'eu-west-op-1': { sha256: oldImage } },
      survey,
      /nobody knows/,
    ],
    [
      'the peers do not agree',
      { 'eu-west-op-1': {}, 'eu-west-op-3': { sha256: oldImage, version: 'v1.0.0' } },
      survey.map((seen) => (seen.node === 'eu-west-op-3' ? { ...seen, sha256: oldImage } : seen)),
      /its peers do not agree: eu-west-op-1 runs v2\.0\.0, eu-west-op-3 runs v1\.0\.0/,
    ],
  ] as const)('is not known where %s', (_, nodes, seen, reason) => {
    expect(() => recordedFor(ledgerOf(nodes), fleet, node, [...seen])).toThrow(reason);
  });

  it('is asked of the ledger again by the worker, who believes nothing else of it', () => {
    const peers = ['eu-west-op-1', node, 'eu-west-op-3'];
    expect(isRecorded(ledgerOf({ [node]: {} }), node, newImage, peers)).toBe(true);
    expect(isRecorded(ledgerOf({ [node]: {} }), node, oldImage, peers)).toBe(false);
    expect(isRecorded(ledgerOf({ [node]: { sha256: oldImage }, 'eu-west-op-1': {} }), node, newImage, peers)).toBe(
      false,
    );
    expect(isRecorded(ledgerOf({ 'eu-west-op-1': {} }), node, newImage, peers)).toBe(true);
    expect(isRecorded(ledgerOf({ 'us-east-op-1': {} }), node, newImage, peers)).toBe(false);
  });
});

describe('a plan to recover a node', () => {
  it('is a rollout of that node alone, which nobody is asked for and which has no way back', () => {
    const rollout = recovery();
    expect(Object.keys(rollout.nodes)).toEqual([node]);
    expect(rollout.phases.map(({ id }) => id)).toEqual(['stage', 'nodes/recovery']);
    expect(stepsOf(rollout)).toEqual(['recover', 'verify', 'cleanup']);
    expect(turns(rollout)[0]?.undo).toEqual([]);
    expect(rollout.policy).toMatchObject({ autoRollback: 'none', rehearse: 'never', atOnce: 1 });
  });

  it('takes a node that still serves out of service first, and one that is down not', () => {
    const fleet = fleetOf();
    const with_ = { ...fleet, service: { ...fleet.service, traffic } };
    const serving = { healthy: true, ...onNew, fitness: broken({ disk: null }).fitness };
    expect(stepsOf(recovery({ survey: surveyWith(with_, serving as Partial<NodeSurvey>) }, with_))).toEqual([
      'drain',
      'recover',
      'verify',
      'undrain',
      'cleanup',
    ]);
    expect(stepsOf(recovery({}, with_))).toEqual(['recover', 'verify', 'cleanup']);
  });

  const ok = surveyWith(fleetOf(), {});
  const with1 = (own: Partial<NodeSurvey>) =>
    surveyWith(fleetOf()).map((seen) => (seen.node === 'eu-west-op-1' ? { ...seen, ...own } : seen));
  const withHelper = { ...(broken().fitness ?? fitWith(newImage)), helper: { silent: null, other: [] } };

  it('takes the shelf, else the first healthy peer of the region that runs what the ledger has, else the one that is named', () => {
    expect(recovery().recovery?.from).toBeUndefined();
    expect(recovery({ shelf: null }).recovery?.from).toBe('eu-west-op-1');
    expect(recovery({ shelf: { ...release, binarySha256: oldImage } }).recovery?.from).toBe('eu-west-op-1');
    expect(recovery({ shelf: null, survey: with1({ healthy: false }) }).recovery?.from).toBe('eu-west-op-3');
    const named = recovery({ from: 'eu-west-op-3' });
    expect(named.recovery?.from).toBe('eu-west-op-3');
    expect(named.release).toMatchObject({
      version: 'v2.0.0',
      binarySha256: newImage,
      archiveSha256: newImage,
      signed: null,
    });
  });

  it('brings a node that serves back to its own record, when it runs or has something else', () => {
    const others = fitWith(oldImage);
    for (const own of [{ sha256: oldImage }, { fitness: others }, { sha256: oldImage, fitness: others }]) {
      const survey = surveyWith(fleetOf(), { ...onNew, healthy: true, unit: 'active/running', ...own });
      expect(recovery({ survey }).release.binarySha256).toBe(newImage);
    }
  });

  it.each<[string, Partial<RecoveryInput>, RegExp]>([
    ['the node is as it was recorded', { survey: ok }, /^Nothing to do/],
    [
      'it runs something else, healthy, and only its peers have a record',
      {
        survey: surveyWith(fleetOf(), { sha256: oldImage, version: 'v3.0.0' }),
        recorded: recordedFor(ledgerOf({ 'eu-west-op-1': {} }), fleetOf(), node, surveyWith(fleetOf())),
      },
      /runs v3\.0\.0 and is healthy, so it is not broken: that is somebody's work/,
    ],
    [
      'neither the shelf nor a peer has it',
      { shelf: { ...release, binarySha256: oldImage }, survey: surveyOf(fleetOf(), { [node]: broken() }) },
      /is another build .* no healthy peer in eu-west can give it/,
    ],
    [
      'the shelf says why, and nobody can give it',
      { shelf: null, lack: 'There is no release v2.0.0.', survey: surveyOf(fleetOf(), { [node]: broken() }) },
      /does not give v2\.0\.0 \(There is no release v2\.0\.0\), and no healthy peer/,
    ],
    ['the peer is in another region', { from: 'us-east-op-1' }, /us-east-op-1 is no other node of eu-west/],
    ['the peer is itself', { from: node }, /is no other node of eu-west, .*eu-west-op-1, eu-west-op-3/],
    [
      'the peer runs something else',
      { from: 'eu-west-op-1', survey: with1({ sha256: oldImage }) },
      /eu-west-op-1 does not have bbbbbbbbbbbb, which is what the ledger has/,
    ],
    [
      'the peer is not healthy',
      { from: 'eu-west-op-1', survey: with1({ healthy: false }) },
      /eu-west-op-1 is not healthy/,
    ],
    [
      'the peer has a helper',
      {
        from: 'eu-west-op-1',
        survey: with1({ fitness: { ...fitWith(newImage), helper: { silent: null, other: [] } } }),
      },
      /has a helper, which gives no binary away/,
    ],
    [
      'the node has a helper and the shelf nothing',
      { shelf: null, survey: surveyWith(fleetOf(), { ...broken(), fitness: withHelper }) },
      /takes what it gets back from the shelf alone/,
    ],
    ['nobody reaches it', { survey: surveyWith(fleetOf(), { unit: null, detail: 'ssh: no route' }) }, /ssh: no route/],
    ['there is no unit', { survey: surveyWith(fleetOf(), broken({ ...gone, loaded: false })) }, /there is no unit/],
    [
      'a link lies there',
      { survey: surveyWith(fleetOf(), broken({ ...gone, link: 'a symbolic link' })) },
      /a symbolic/,
    ],
  ])('is refused where %s', (_, changes, reason) => {
    expect(() => recovery(changes)).toThrow(Refused);
    expect(() => recovery(changes)).toThrow(reason);
  });
});

describe('the gates of a recovery', () => {
  // Saturday noon in Dublin: no window is open, and everything is frozen.
  const saturday = Date.UTC(2026, 10, 28, 12);
  const fleet = fleetOf({}, { windows: 'guide' });
  const frozen = {
    ...fleet,
    regions: fleet.regions.map((region) => ({
      ...region,
      calendar: {
        ...region.calendar,
        freezes: [{ start: 0, end: saturday * 2, reason: 'sale', author: 'U1' }],
      },
    })),
  };
  const standing = (down: string[]) =>
    Object.fromEntries(
      frozen.regions
        .flatMap(({ nodes }) => nodes)
        .map(({ name }) => [name, down.includes(name) ? ('down' as const) : ('healthy' as const)]),
    );
  const evidence = (down: string[], sight = { down: true, unchanged: true }): Evidence => ({
    standing: standing(down),
    freezes: frozen.regions[0]?.calendar.freezes ?? [],
    alerts: { is: 'firing', names: ['OperatorDown'] },
    elsewhere: { is: 'not wanted' },
    compatibility: { is: 'not wanted' },
    halt: { is: 'clear' },
    sight,
  });
  const staged = (rollout: Rollout) =>
    drive(
      rollout,
      { ...worldOf(rollout), down: new Set([node]) },
      { from: saturday, until: (now) => now.nodes[node]?.state.is === 'ready' },
    ).rollout;
  const start = () => staged(recovery({ now: saturday }, frozen));
  const shut = (rollout: Rollout, known: Evidence | null) =>
    gates(rollout, node, saturday + 10_000, known).map(({ name }) => name);

  it('are neither windows nor freezes nor alerts, which may be about this very node', () => {
    expect(shut(start(), null)).toEqual([]);
    expect(shut(start(), evidence([node]))).toEqual([]);
  });

  it('are the quorum of its peers where it still serves, a pause, and a file that stops everything', () => {
    expect(shut(start(), evidence(['eu-west-op-1'], { down: false, unchanged: true }))).toEqual(['quorum']);
    expect(shut(start(), { ...evidence([node]), halt: { is: 'lies', reason: 'STOP' } })).toEqual(['halt']);
    const paused = next(start(), { type: 'paused', at: saturday + 9_000, by: 'U1' });
    expect(shut(paused, evidence([node]))).toEqual(['pause']);
  });

  it('are foreseen as none: nobody is told of a window that is not waited for', () => {
    const foreseen = forecast(recovery({ now: saturday }, frozen), 'p50');
    expect(foreseen.end).not.toBeNull();
    expect((foreseen.end ?? 0) - saturday).toBeLessThan(10 * 60_000);
  });
});

describe('a recovery', () => {
  const world = (rollout: Rollout) => {
    const made = worldOf(rollout);
    return { ...made, image: { ...made.image, [node]: '' }, disk: { ...made.disk, [node]: '' }, down: new Set([node]) };
  };

  it('goes through, and the ledger has afterwards what was put there', () => {
    const rollout = recovery();
    const { rollout: after, events } = drive(rollout, world(rollout), { from: tuesday });
    expect(after.status.is).toBe('done');
    expect(events.flatMap((event) => (event.type === 'begun' ? [event.step] : []))).toEqual([
      'stage',
      'recover',
      'verify',
      'cleanup',
    ]);
    const said = leftBy(after);
    if (said === null) throw new Error('nothing was left');
    expect(fold(emptyLedger, said).nodes[node]).toMatchObject({ sha256: newImage, envSha256: 'e'.repeat(64) });
  });

  it('that is not proven stays as it is and asks people: nothing goes back, by itself or by anybody', () => {
    const rollout = recovery();
    const here = { ...world(rollout), bad: new Set([node]) };
    const { rollout: after, now } = drive(rollout, here, { from: tuesday });
    expect(after.nodes[node]?.state.is).toBe('unproven');
    expect(after.status.is).toBe('held');
    const asked = { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: now } as const;
    expect(next(after, asked)).toBe(after);
    expect(readiness(after).all).toEqual([]);
    const again = next(after, { type: 'retried', at: now, by: 'U1', epoch: now });
    here.bad.clear();
    expect(drive(again, here, { from: now }).rollout.status.is).toBe('done');
  });

  it('whose worker is lost at any place goes on to its end', () => {
    for (const lost of ['stage', 'recover', 'verify', 'cleanup'] as const) {
      const rollout = recovery();
      const here = world(rollout);
      const until = (now: Rollout, clock: number) => {
        const { state } = now.nodes[node] ?? {};
        return state?.is === 'working' ? state.step === lost : todo(now, clock).some(({ step }) => step === lost);
      };
      const { rollout: at, now } = drive(rollout, here, { from: tuesday, until });
      const task = todo(at, now).find(({ step }) => step === lost);
      if (task === undefined || !isOfNode(task)) throw new Error(`nothing is due at ${lost}`);
      const { run, step, attempt } = task;
      const begun = next(at, { type: 'begun', at: now + 1, run, node, step, attempt });
      const silent = next(begun, { type: 'begun', at: now + 60_000, run, node, step, attempt });
      expect(drive(silent, here, { from: now + 60_000 }).rollout.status.is).toBe('done');
      expect(here.starts.filter((each) => each.node === node)).toHaveLength(1);
    }
  });

  it('is ended by stop, before it began and while it is held', () => {
    const stop = (rollout: Rollout, at: number) => next(rollout, { type: 'stopped', at, by: 'U1' }).status.is;
    expect(stop(recovery(), tuesday + 1)).toBe('stopped');
  });

  it('that nobody signed is ended by stop in the middle, and a person looks', () => {
    const rollout = recovery();
    const here = world(rollout);
    const { rollout: begun, now: at } = drive(rollout, here, {
      from: tuesday,
      until: ({ nodes }) => nodes[node]?.state.is === 'working' && nodes[node].touched,
    });
    const after = next(onlyBack({ ...begun, unsigned: true }, at), { type: 'stopped', at, by: 'U1' });
    expect([after.status.is, after.nodes[node]?.state.is]).toEqual(['stopped', 'stuck']);
  });

  it('has one order for its node to recover, one to clean up once it stands, and nothing else', () => {
    const rollout = recovery();
    const orders = ordersAfter(rollout, { type: 'created', at: tuesday });
    expect(orders.map(({ node: name, class: of, release: what }) => [name, of, what])).toEqual([
      [node, 'recover', newImage],
      [node, 'tidy', newImage],
    ]);
    expect(orders[0]?.bytes).toBe(release.archiveBytes);
  });
});
