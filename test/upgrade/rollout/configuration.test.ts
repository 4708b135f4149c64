import { describe, expect, it } from 'vitest';
import { noRules, type Wanted, wantsNothing } from '../../../src/upgrade/environment/index.ts';
import { leftBy } from '../../../src/upgrade/ledger/index.ts';
import {
  approvals,
  backQuestion,
  nodesInOrder,
  ordersAfter,
  plan,
  touchedNewestFirst,
  turns,
  whatRuns,
} from '../../../src/upgrade/rollout/index.ts';
import type { Event, Fleet, NodeSurvey, PlanInput, Policy, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fit, fleetOf, hours, inputOf, newImage, oldImage, surveyOf, tuesday } from '../../support/rollouts.ts';
import { apply, drive, states, worldOf } from '../../support/simulation.ts';

const traffic = { drain: ['/bin/drain'], undrain: ['/bin/undrain'], limit: 60_000 };
const [was, becomes] = ['1'.repeat(64), '2'.repeat(64)];
const difference = { key: 'MAX_CONNECTIONS', from: '100', to: '200' };
const read = { is: 'read' as const, before: was, after: becomes, differences: [difference] };
const wanted: Wanted = { ...wantsNothing, set: { MAX_CONNECTIONS: '200' } };

const surveyed = (fleet: Fleet, changes: Record<string, Partial<NodeSurvey>> = {}): NodeSurvey[] =>
  surveyOf(fleet, changes).map((seen) => ({ environment: read, ...seen }));

function configOf(changes: Partial<PlanInput> = {}, fleet: Fleet = fleetOf()): Rollout {
  const survey = changes.survey ?? surveyed(fleet);
  const release = whatRuns(fleet, changes.regions ?? null, survey);
  const change = { is: 'config', wanted, files: {} } as const;
  return plan(inputOf(fleet, { strategy: 'regions', change, release, survey, ...changes }));
}

const on = (changes: Record<string, Partial<NodeSurvey>>) => ({ survey: surveyed(fleetOf(), changes) });

describe('a plan of a change of configuration', () => {
  it('freezes for each node of it what its file is and becomes', () => {
    const { change } = configOf({ regions: ['us-east'] });
    const names = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'];
    expect(change).toMatchObject({
      files: Object.fromEntries(names.map((name) => [name, { before: was, after: becomes }])),
    });
    expect(Object.keys(change?.is === 'config' ? change.files : {})).toEqual(names);
  });

  it('has the phases of an upgrade with the file in the place of the binary, and its way back', () => {
    const upgrade = plan(inputOf(fleetOf(), { strategy: 'regions' }));
    const rollout = configOf();
    expect(rollout.phases.map(({ id }) => id)).toEqual(upgrade.phases.map(({ id }) => id));
    for (const { path, undo } of turns(rollout)) {
      expect(path).toEqual(['backup', 'configure', 'verify', 'cleanup']);
      expect(undo).toEqual(['diagnose', 'restore', 'verify-restored', 'cleanup']);
    }
    const fleet = fleetOf();
    const [first] = turns(configOf({}, { ...fleet, service: { ...fleet.service, traffic } }));
    expect(first?.path).toEqual(['backup', 'drain', 'configure', 'verify', 'undrain', 'cleanup']);
  });

  it('goes back by itself as the settings say, rehearses nothing, promises no notice and is no major', () => {
    const fleet = fleetOf({
      autoRollback: 'region',
      rehearse: 'always',
      majors: { approvers: 3, canaryApproval: true, notice: hours(48) },
    });
    const rollout = configOf({ survey: surveyed(fleet).map((seen) => ({ ...seen, version: null })) }, fleet);
    expect(rollout.policy).toMatchObject({ autoRollback: 'region', rehearse: 'never' });
    expect(turns(rollout).every(({ rehearsal }) => rehearsal === undefined)).toBe(true);
    expect(rollout.notice).toBeUndefined();
    expect(approvals(rollout).map(({ needed }) => needed)).toEqual([1, 1]);
  });

  it('is asked for in the canary region as well: it is no release', () => {
    expect(approvals(configOf({}, fleetOf({ oneMayBegin: 'canary' }))).map(({ opens }) => opens)).toContainEqual([
      'nodes/us-east',
    ]);
  });

  it.each<[string, Partial<PlanInput>, RegExp]>([
    [
      'all files have it',
      { survey: surveyed(fleetOf()).map((seen) => ({ ...seen, environment: { ...read, after: was } })) },
      /Nothing to do: .* all 9 nodes have it.* restart/,
    ],
    [
      'a file cannot be changed so',
      on({ 'eu-west-op-1': { environment: { is: 'refused', reason: 'there is no MAX_CONNECTIONS in it' } } }),
      /eu-west-op-1: there is no MAX_CONNECTIONS/,
    ],
    ['a worker does not answer that', { survey: surveyOf(fleetOf()) }, /older version: update it/],
    [
      'a node has a helper',
      on({ 'us-east-op-2': { fitness: { ...fit, helper: { silent: null, other: [] } } } }),
      /us-east-op-2: a helper keeps .* by hand .* use restart/,
    ],
    [
      'workers would make different files of one',
      on({ 'ap-south-op-1': { environment: { ...read, after: '3'.repeat(64) } } }),
      /op-\d and ap-south-op-1 have the same .* secret files .* differ/,
    ],
    [
      'a restart would bring up another binary',
      on({ 'eu-west-op-1': { fitness: { ...fit, seen: fit.seen && { ...fit.seen, disk: '9'.repeat(64) } } } }),
      /a restart would bring up another binary/,
    ],
  ])('is refused where %s', (_, input, reason) => {
    expect(() => configOf(input)).toThrow(reason);
  });

  it('is refused where the service has no environment file', () => {
    const fleet = fleetOf();
    expect(() => configOf({}, { ...fleet, service: { ...fleet.service, envFile: null } })).toThrow(
      /no environment file/,
    );
  });

  it('orders nothing of helpers', () => {
    expect(ordersAfter(configOf(), { type: 'created', at: tuesday })).toEqual([]);
  });
});

describe('a change of configuration', () => {
  it('restarts every node once and leaves in the ledger the file that it put there', () => {
    const rollout = configOf({ regions: ['us-east'] });
    const world = worldOf(rollout);
    const { rollout: after } = drive(rollout, world, { from: tuesday });
    expect(after.status.is).toBe('done');
    expect(world.starts.map(({ node }) => node)).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3']);
    expect(world.starts.every(({ peersLeft }) => peersLeft >= 2)).toBe(true);
    expect(leftBy(after)).toMatchObject({ nodes: { 'us-east-op-1': { sha256: oldImage, envSha256: becomes } } });
  });

  it('restarts no node that has it', () => {
    const rollout = configOf({ regions: ['us-east'] });
    const world = worldOf(rollout);
    for (const set of [world.configured, world.runsConfigured]) set.add('us-east-op-2');
    drive(rollout, world, { from: tuesday });
    expect(world.starts.map(({ node }) => node)).toEqual(['us-east-op-1', 'us-east-op-3']);
  });

  it('that makes a node sick goes back there by itself, and no further node is begun', () => {
    const rollout = configOf({ regions: ['us-east'] });
    const world = worldOf(rollout);
    world.badFile.add('us-east-op-2');
    const { rollout: held } = drive(rollout, world, { from: tuesday });
    expect(held.status).toMatchObject({ is: 'held', node: 'us-east-op-2' });
    expect(states(held)).toEqual(['done', 'rolled-back', 'ready']);
    expect([...world.runsConfigured]).toEqual(['us-east-op-1']);
  });

  it('can be brought back, newest first, once it is over', () => {
    const rollout = configOf({ regions: ['us-east'] });
    const world = worldOf(rollout);
    const { rollout: done, now } = drive(rollout, world, { from: tuesday });
    expect(touchedNewestFirst(done, { is: 'all' })).toEqual(['us-east-op-3', 'us-east-op-2', 'us-east-op-1']);
    const [node] = nodesInOrder(done);
    expect(node && backQuestion(done, node)).toMatchObject({ put: becomes });
    const events: Event[] = [];
    const asked = { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: done.epoch + 1 } as const;
    const { rollout: back } = drive(apply(done, asked, events), world, { from: now });
    expect(back.status.is).toBe('rolled-back');
    expect(world.runsConfigured.size).toBe(0);
    expect(leftBy(back)).toMatchObject({ nodes: { 'us-east-op-1': { envSha256: 'e'.repeat(64) } } });
  });

  it('whose worker is lost between rename and restart is finished, and restarted once', () => {
    const rollout = configOf({ regions: ['us-east'] });
    const world = worldOf(rollout);
    const atFirst = (of: Rollout): boolean =>
      Object.values(of.nodes).some(({ state }) => state.is === 'working' && state.step === 'configure');
    const { rollout: there, now } = drive(rollout, world, { from: tuesday, until: atFirst });
    const node = nodesInOrder(there).find(({ state }) => state.is === 'working');
    if (node === undefined) throw new Error('nobody is under way');
    const common = { at: now + 1, run: there.run, node: node.name, step: 'configure', attempt: node.attempt } as const;
    const events: Event[] = [];
    const begun = apply(there, { type: 'begun', ...common }, events);
    world.configured.add(node.name);
    const cut = apply(begun, { type: 'reported', ...common, report: { is: 'unknown', reason: 'cut' } }, events);
    const { rollout: after } = drive(cut, world, { from: now + 2 });
    expect(after.status.is).toBe('done');
    expect(world.starts.filter((each) => each.node === node.name)).toHaveLength(1);
  });
});

describe('an upgrade with which environment files are changed', () => {
  const changes = [
    { ...wantsNothing, version: 'v1.0.0', ensure: { LONG_AGO: '1' } },
    { ...wantsNothing, version: 'v2.0.0', ensure: { NEW_PARAM: 'enabled' }, rename: { OLD: 'NEW' } },
    { ...wantsNothing, version: 'v1.5.0', ensure: { NEW_PARAM: 'later says otherwise', FIRST: '1' } },
    { ...wantsNothing, version: 'v3.0.0', ensure: { TOO_EARLY: '1' } },
  ];
  const fleet = (more: Partial<Policy> = {}): Fleet => ({ ...fleetOf(more), config: { ...noRules, changes } });
  const upgrade = (input: Partial<PlanInput> = {}, of = fleet()) =>
    plan(inputOf(of, { strategy: 'regions', survey: surveyed(of), ...input }));

  it('carries all that belongs to a version that is crossed, in order, with the hashes of every node', () => {
    const { config, change } = upgrade({ regions: ['us-east'] });
    expect(change).toBeUndefined();
    expect(config).toMatchObject({
      wanted: { ensure: { FIRST: '1', NEW_PARAM: 'enabled' }, rename: { OLD: 'NEW' } },
      files: { 'us-east-op-1': { before: was, after: becomes } },
    });
    expect(Object.keys(config?.wanted.ensure ?? {}).sort()).toEqual(['FIRST', 'NEW_PARAM']);
  });

  it('carries nothing where nothing is crossed, and nothing for a node that runs the release', () => {
    expect(plan(inputOf(fleetOf(), { strategy: 'regions' })).config).toBeUndefined();
    const none = { ...fleet(), config: { ...noRules, changes: changes.slice(3) } };
    expect(upgrade({}, none).config).toBeUndefined();
    const of = fleet();
    const onIt = { sha256: newImage, version: 'v2.0.0' };
    const { config } = upgrade({ survey: surveyed(of, { 'us-east-op-2': onIt }), regions: ['us-east'] });
    expect(Object.keys(config?.files ?? {})).toEqual(['us-east-op-1', 'us-east-op-3']);
  });

  it('is planned although all files have it', () => {
    const of = fleet();
    const survey = surveyed(of).map((seen) => ({ ...seen, environment: { ...read, after: was } }));
    expect(upgrade({ survey }).config?.files['us-east-op-1']).toEqual({ before: was, after: was });
  });

  it.each<[string, Record<string, Partial<NodeSurvey>>, RegExp]>([
    ['nobody knows what is crossed', { 'eu-west-op-1': { version: null } }, /eu-west-op-1 does not say which version/],
    [
      'one node says that it comes from further back than the others: nothing of that reaches them',
      { 'eu-west-op-1': { version: 'v0.9.0' } },
      /eu-west-op-1 \(v0\.9\.0\) .*another part of config\.changes goes than us-east-op-1 \(v1\.0\.0\)/,
    ],
    [
      'a key is missing',
      { 'eu-west-op-1': { environment: { is: 'refused', reason: 'there is no OLD in it' } } },
      /no OLD/,
    ],
    [
      'a helper is there',
      { 'us-east-op-2': { fitness: { ...fit, helper: { silent: null, other: [] } } } },
      /a helper keeps/,
    ],
  ])('is refused where %s', (_, of, reason) => {
    expect(() => upgrade({ survey: surveyed(fleet(), of) })).toThrow(reason);
  });

  it('is refused where the settings have a secret in the clear', () => {
    const secret = { ...wantsNothing, version: 'v2.0.0', ensure: { API_TOKEN: 'hush-hush' } };
    const of = { ...fleet(), config: { ...noRules, changes: [secret] } };
    expect(() => upgrade({}, of)).toThrow(/config\.changes: API_TOKEN is a secret/);
    expect(() => upgrade({}, of)).not.toThrow(/hush/);
  });

  it('keeps the steps of an upgrade, and leaves in the ledger the file that it put there', () => {
    const rollout = upgrade({ regions: ['us-east'] });
    expect(turns(rollout)[0]?.path).toEqual(turns(upgrade({}, fleetOf()))[0]?.path);
    const world = worldOf(rollout);
    const { rollout: done } = drive(rollout, world, { from: tuesday });
    expect(leftBy(done)).toMatchObject({ nodes: { 'us-east-op-1': { sha256: newImage, envSha256: becomes } } });
    const [node] = nodesInOrder(done);
    expect(node && backQuestion(done, node)).toMatchObject({ put: becomes });
  });
});
