import { describe, expect, it } from 'vitest';
import { Refused } from '../../../src/base/errors.ts';
import { plan } from '../../../src/upgrade/rollout/index.ts';
import type { NodeSurvey, PlanInput } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, inputOf, minutes, newImage, surveyOf, tuesday } from '../../support/rollouts.ts';

const fleet = fleetOf();
const seen = (changes: Record<string, Partial<NodeSurvey>>) => ({ survey: surveyOf(fleet, changes) });
const everywhere = (change: Partial<NodeSurvey>) =>
  Object.fromEntries(fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => [name, change])));

describe('a plan', () => {
  it('holds every node in order of work, by region', () => {
    const { batches, nodes } = plan(inputOf(fleet));
    expect(batches.map(({ region, nodes: names }) => [region, names.length])).toEqual([
      ['us-east', 3],
      ['eu-west', 3],
      ['ap-south', 3],
    ]);
    expect(Object.keys(nodes)).toHaveLength(9);
  });

  it('asks before every region but the first by regions, and never by rolling', () => {
    const asks = (strategy: PlanInput['strategy']) =>
      plan(inputOf(fleet, { strategy })).batches.map(({ approval }) => approval);
    expect(asks('regions')).toEqual([false, true, true]);
    expect(asks('rolling')).toEqual([false, false, false]);
  });

  it('watches after every region but the last, by regions', () => {
    expect(plan(inputOf(fleet, { strategy: 'regions' })).batches.map(({ bake }) => bake)).toEqual([
      hours(1),
      hours(1),
      0,
    ]);
  });

  it('begins with a node that is not healthy', () => {
    const [first] = plan(inputOf(fleet, seen({ 'us-east-op-2': { healthy: false } }))).batches;
    expect(first?.nodes).toEqual(['us-east-op-2', 'us-east-op-1', 'us-east-op-3']);
  });

  it('takes the first nodes only when so many are asked for, and still counts all peers', () => {
    const rollout = plan(inputOf(fleet, { limit: 4 }));
    expect(Object.keys(rollout.nodes)).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3', 'eu-west-op-1']);
    expect(rollout.peers['eu-west']).toHaveLength(3);
  });

  it('goes where a window opens first, unless the order is declared', () => {
    const guide = fleetOf({ order: 'next-opening' }, { windows: 'guide' });
    const monday = tuesday - hours(24);
    const { batches } = plan(inputOf(guide, { now: monday, survey: surveyOf(guide) }));
    expect(batches.map(({ region }) => region)).toEqual(['ap-south', 'eu-west', 'us-east']);
  });

  const refusals: [string, Partial<PlanInput>, RegExp][] = [
    ['a region that is not there', { regions: ['mars'] }, /no region mars. The fleet has us-east, eu-west, ap-south/],
    ['a time that has passed', { startAt: tuesday - 1 }, /has passed/],
    [
      'a node that SSH does not reach',
      seen({ 'eu-west-op-2': { unit: null, detail: 'ssh: no route' } }),
      /eu-west-op-2 \(ssh: no route\)/,
    ],
    ['nothing to do', seen(everywhere({ sha256: newImage })), /Nothing to do: all 9 nodes run v2.0.0/],
    [
      'an older version than what runs',
      seen({ 'us-east-op-1': { version: 'v2.1.0' } }),
      /older than what runs on us-east-op-1 \(v2.1.0\)/,
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
