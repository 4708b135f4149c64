import { describe, expect, it } from 'vitest';
import { Refused } from '../../../src/base/errors.ts';
import { isBegunFreely, plan, regionsOf, turns } from '../../../src/upgrade/rollout/index.ts';
import type { Fleet, NodeSurvey, PlanInput } from '../../../src/upgrade/rollout/types.ts';
import type { Window } from '../../../src/windows/types.ts';
import { parts } from '../../support/parts.ts';
import {
  fit,
  fitWith,
  fleetOf,
  hours,
  inputOf,
  minutes,
  newImage,
  oldImage,
  surveyOf,
  tuesday,
} from '../../support/rollouts.ts';

const fleet = fleetOf();
const disk = { device: '1', freeBytes: 0, freeInodes: null };
const seen = (changes: Record<string, Partial<NodeSurvey>>) => ({ survey: surveyOf(fleet, changes) });
const full =
  fit.seen === null ? fit : { ...fit, seen: { ...fit.seen, room: { space: { home: disk }, writable: true } } };
const everywhere = (change: Partial<NodeSurvey>) =>
  Object.fromEntries(fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => [name, change])));

describe('a plan', () => {
  const idsOf = (input: Partial<PlanInput>) => plan(inputOf(fleet, input)).phases.map(({ id }) => id);

  it('holds every node in order of work', () => {
    const { nodes } = plan(inputOf(fleet));
    expect(Object.keys(nodes)).toEqual(fleet.regions.flatMap((region) => region.nodes.map(({ name }) => name)));
  });

  it('stages everything first, and asks nobody in between by rolling', () => {
    expect(idsOf({ strategy: 'rolling' })).toEqual(['stage', 'nodes/all']);
  });

  it('watches after every region but the last, and asks before every one but the first, by regions', () => {
    expect(idsOf({ strategy: 'regions' })).toEqual([
      'stage',
      'nodes/us-east',
      'watch/us-east',
      'approval/eu-west',
      'nodes/eu-west',
      'watch/eu-west',
      'approval/ap-south',
      'nodes/ap-south',
    ]);
    const { phases } = plan(inputOf(fleet, { strategy: 'regions' }));
    expect(phases.flatMap((phase) => (phase.is === 'watch' ? [phase.for] : []))).toEqual([hours(1), hours(1)]);
  });

  describe('over regions that run the release already', () => {
    const onIt = { sha256: newImage, fitness: fitWith(newImage) };
    const over = (...regions: string[]) =>
      seen(
        Object.fromEntries(
          fleet.regions.flatMap(({ name, nodes }) =>
            regions.includes(name) ? nodes.map((node) => [node.name, onIt]) : [],
          ),
        ),
      );
    it.each([
      [
        ['us-east'],
        'nodes/us-east, watch/us-east, approval/eu-west, nodes/eu-west, watch/eu-west, approval/ap-south, nodes/ap-south',
      ],
      [['eu-west'], 'nodes/us-east, nodes/eu-west, watch/eu-west, approval/ap-south, nodes/ap-south'],
      [['ap-south'], 'nodes/us-east, watch/us-east, approval/eu-west, nodes/eu-west, nodes/ap-south'],
      [['us-east', 'eu-west'], 'nodes/us-east, nodes/eu-west, watch/eu-west, approval/ap-south, nodes/ap-south'],
    ])('asks nobody for them, watches all that came before, and only proves them: %s', (regions, ids) => {
      const rollout = plan(inputOf(fleet, { strategy: 'regions', ...over(...regions) }));
      expect(idsOf({ strategy: 'regions', ...over(...regions) }).join(', ')).toBe(`stage, ${ids}`);
      const proven = turns(rollout).flatMap(({ title, path }) => (path.join() === 'verify' ? [title] : []));
      expect(proven).toEqual(regions);
    });

    it('watches every region since the last watch', () => {
      const { phases } = plan(inputOf(fleet, { strategy: 'regions', ...over('eu-west') }));
      expect(phases.find(({ id }) => id === 'watch/eu-west')).toMatchObject({
        title: 'us-east, eu-west',
        regions: ['us-east', 'eu-west'],
        nodes: fleet.regions.slice(0, 2).flatMap(({ nodes }) => nodes.map(({ name }) => name)),
      });
    });

    it('never asks fewer for what comes later, where one person may begin', () => {
      const canary = fleetOf({ oneMayBegin: 'anywhere' });
      const rollout = plan(inputOf(canary, { strategy: 'regions', ...over('us-east') }));
      expect(rollout.phases.map(({ id }) => id)).toContain('approval/eu-west');
      expect(isBegunFreely(rollout)).toBe(false);
    });

    it('asks as ever where one node runs something else, or nobody knows what lies on its disk', () => {
      const all = idsOf({ strategy: 'regions' });
      const { survey } = over('eu-west');
      const changed = (change: Partial<NodeSurvey>) =>
        survey.map((each) => (each.node === 'eu-west-op-2' ? { ...each, ...change } : each));
      expect(idsOf({ strategy: 'regions', survey: changed({ sha256: oldImage }) })).toEqual(all);
      expect(idsOf({ strategy: 'regions', survey: changed({ fitness: fitWith(oldImage) }) })).toEqual(all);
      const unknown = survey.map(({ fitness: _, ...each }) => each);
      expect(idsOf({ strategy: 'regions', survey: unknown })).toEqual(all);
    });
  });

  it('takes the first node of every region and then the rest, by canary-all', () => {
    const rollout = plan(inputOf(fleet, { strategy: 'canary-all' }));
    expect(rollout.phases.map(({ id }) => id)).toEqual([
      'stage',
      'nodes/canaries',
      'watch/canaries',
      'approval/rest',
      'nodes/rest',
    ]);
    expect(parts(rollout).map(({ nodes }) => nodes.length)).toEqual([3, 6]);
    expect(parts(rollout)[0]?.nodes).toEqual(['us-east-op-1', 'eu-west-op-1', 'ap-south-op-1']);
    const approval = rollout.phases.find(({ id }) => id === 'approval/rest');
    expect(approval).toMatchObject({ by: { users: ['U-us-east', 'U-eu-west', 'U-ap-south'] }, needed: 1 });
    expect(idsOf({ strategy: 'canary-all', limit: 1 })).toEqual(['stage', 'nodes/canaries']);
  });

  it('begins with a node that is not healthy', () => {
    const [first] = parts(plan(inputOf(fleet, seen({ 'us-east-op-2': { healthy: false } }))));
    expect(first?.nodes.slice(0, 3)).toEqual(['us-east-op-2', 'us-east-op-1', 'us-east-op-3']);
  });

  it('takes the first nodes only when so many are asked for, and still counts all peers', () => {
    const rollout = plan(inputOf(fleet, { limit: 4 }));
    expect(Object.keys(rollout.nodes)).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3', 'eu-west-op-1']);
    expect(rollout.peers['eu-west']).toHaveLength(3);
  });

  it('goes where a window opens first, unless the order is declared', () => {
    const guide = fleetOf({ order: 'next-opening' }, { windows: 'guide' });
    const monday = tuesday - hours(24);
    const rollout = plan(inputOf(guide, { now: monday, survey: surveyOf(guide) }));
    expect(regionsOf(rollout)).toEqual(['ap-south', 'eu-west', 'us-east']);
  });

  const refusals: [string, Partial<PlanInput>, RegExp][] = [
    ['a region that is not there', { regions: ['mars'] }, /no region mars. The fleet has us-east, eu-west, ap-south/],
    ['a time that has passed', { startAt: tuesday - 1 }, /has passed/],
    [
      'a node that SSH does not reach',
      seen({ 'eu-west-op-2': { unit: null, detail: 'ssh: no route' } }),
      /eu-west-op-2 \(ssh: no route\)/,
    ],
    [
      'what the steps would stumble over, told once for all that have it',
      seen({
        'eu-west-op-1': { fitness: { ...fit, tools: ['flock'] } },
        'eu-west-op-2': { fitness: { ...fit, tools: ['flock'] } },
        'us-east-op-3': { unit: null, detail: 'ssh: no route', fitness: { ...fit, seen: null } },
      }),
      /^Nothing was started: nobody can work on us-east-op-3 \(ssh: no route\), eu-west-op-1, eu-west-op-2 \(install flock on it\)\. Mend that \(zeitwork doctor says how\), or leave/,
    ],
    [
      'a node without room for the release',
      seen({ 'eu-west-op-1': { fitness: full } }),
      /nobody can work on eu-west-op-1 \(the disk is too full: 0 MB free/,
    ],
    ['nothing to do', seen(everywhere({ sha256: newImage })), /Nothing to do: all 9 nodes run v2.0.0/],
    [
      'an older version than what runs',
      seen({ 'us-east-op-1': { version: 'v2.1.0' } }),
      /older than what runs on us-east-op-1 \(v2.1.0\)/,
    ],
    [
      'an open window that is too short, with none after it that is not',
      {
        fleet: withWindow(fleetOf(), 'us-east', { days: ['tue'], from: '02:28', to: '02:33' }),
        now: tuesday,
      },
      /longer than the windows of us-east/,
    ],
    [
      'a window that is too short for one node',
      { fleet: fleetOf({ expectedNode: hours(5) }, { windows: 'guide' }), now: tuesday - hours(24) },
      /longer than the windows/,
    ],
  ];
  it.each(refusals)('is refused for %s', (_what, changes, words) => {
    expect(() => plan(inputOf(fleet, changes))).toThrow(words);
    expect(() => plan(inputOf(fleet, changes))).toThrow(Refused);
  });

  it('is not refused for what may wait, nor for room where the release runs already, nor for a node that it leaves out', () => {
    const late = { ...fit, clock: { ahead: 60_000, blur: 10 } };
    const survey = seen({
      'us-east-op-1': { fitness: late },
      'us-east-op-2': { fitness: full, sha256: newImage },
      'eu-west-op-1': { fitness: full },
    });
    expect(() => plan(inputOf(fleet, { ...survey, regions: ['us-east'] }))).not.toThrow();
  });

  it('is not refused for a freeze that leaves a short piece of the next window, when the one after it is whole', () => {
    const guide = fleetOf({}, { windows: 'guide' });
    const freeze = { start: tuesday - minutes(29), end: tuesday + hours(3.5), reason: 'sale', author: 'U1' };
    const regions = guide.regions.map((each) => ({ ...each, calendar: { ...each.calendar, freezes: [freeze] } }));
    expect(plan(inputOf({ ...guide, regions }, { now: tuesday - hours(24), regions: ['us-east'] })).status.is).toBe(
      'running',
    );
  });

  const strange = ['v1.2.3.4', '', 'v2', 'TOKEN=x', 'v999999999999999999999.0.0'];
  it.each(strange)('is not stopped by a node that says it runs %j', (version) => {
    expect(plan(inputOf(fleet, seen({ 'us-east-op-1': { version } }))).status.is).toBe('running');
  });

  it('lets an override end four hours after the start that was asked for', () => {
    const override = { by: 'U1', reason: 'incident' };
    expect(plan(inputOf(fleet, { override, startAt: tuesday + minutes(30) })).override?.until).toBe(
      tuesday + minutes(270),
    );
  });
});

function withWindow(fleet: Fleet, name: string, window: Window): Fleet {
  const regions = fleet.regions.map((region) =>
    region.name === name ? { ...region, calendar: { ...region.calendar, windows: [window] } } : region,
  );
  return { ...fleet, regions };
}
