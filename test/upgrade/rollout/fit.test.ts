import { describe, expect, it } from 'vitest';
import { gates, plan } from '../../../src/upgrade/rollout/index.ts';
import { settlePhases } from '../../../src/upgrade/rollout/phases.ts';
import {
  type NodePace,
  type NodeRun,
  type Pace,
  type Policy,
  Refused,
  type Rollout,
} from '../../../src/upgrade/rollout/types.ts';
import type { Calendar } from '../../../src/windows/types.ts';
import {
  fleetOf,
  hours,
  inputOf,
  minutes,
  noHalt,
  notWanted,
  planned,
  quiet,
  tuesday,
} from '../../support/rollouts.ts';

/** 02:30 in New York. */
const now = tuesday;
const region = 'us-east';
const names = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'];
const [first = '', second = '', third = ''] = names;
const always = (ms: number) => ({ p50: ms, p90: ms });

/** Ten minutes forward (the soak of 30 s, of the first node 60 s, comes on top), four back (30 s of soak and the clean-up in them). */
const paced: NodePace = {
  backup: always(minutes(2)),
  switch: { p50: minutes(1), p90: minutes(3) },
  verify: always(minutes(4)),
  cleanup: always(minutes(1)),
  restore: always(minutes(2)),
  'verify-restored': always(30_000),
};
const paceOf = (unknown?: keyof NodePace): Pace => {
  const { [unknown ?? 'between']: _, ...known } = paced;
  return Object.fromEntries(names.map((name) => [name, known]));
};

/** All of the region is ready, and its window is open until `to`. */
function ready(
  to: string,
  policy: Partial<Policy>,
  pace: Pace | null,
  changes: Record<string, Partial<NodeRun>> = {},
): Rollout {
  const planning = planned(policy, { regions: [region], pace: pace ?? {} });
  const nodes = Object.values(planning.nodes).map((node): [string, NodeRun] => [
    node.name,
    { ...node, state: { is: 'ready', notBefore: 0 }, ...changes[node.name] },
  ]);
  const window = { days: ['tue' as const], from: '01:00', to };
  const calendar: Calendar = { zone: 'America/New_York', windows: [window], freezes: [] };
  const look = { count: 1, at: now - 1_000, standing: {}, misses: {} };
  const rollout: Rollout = {
    ...planning,
    pace,
    nodes: Object.fromEntries(nodes),
    calendars: { ...planning.calendars, [region]: calendar },
    looks: { ...planning.looks, [region]: look },
  };
  return settlePhases(rollout, now);
}

const done = { is: 'done', at: now - minutes(2), already: false } as const;
const proven = { state: done, provenAt: now - 1_000, seenAt: now - 1_000 };
const switched = (at: number): Partial<NodeRun> => ({ ...proven, touched: true, touchedAt: at });
const holds = (rollout: Rollout, node: string) => gates(rollout, node, now).map(({ name }) => name);

describe('a node is begun only if it fits with all that would have to go back', () => {
  /** Minutes after 02:30 at which the window must be open still, to the second, in rows of: who was switched, what is known. */
  const rows: [string, Partial<Policy>, Pace | null, Record<string, Partial<NodeRun>>, string, number][] = [
    ['goes by the settings where nothing was recorded', {}, {}, {}, first, minutes(6)],
    ['goes by what was recorded, with its soak, nearly at worst', {}, paceOf(), {}, first, minutes(11) + minutes(4)],
    ['soaks less when it is not the first', {}, paceOf(), { [first]: proven }, second, 630_000 + minutes(4)],
    [
      'needs no way back for one that runs it already',
      {},
      paceOf(),
      { [first]: proven, [second]: { already: true } },
      second,
      330_000,
    ],
    [
      'brings back with it what was switched before it in this window',
      {},
      paceOf(),
      { [first]: switched(now - minutes(5)), [second]: switched(now - minutes(4)) },
      third,
      630_000 + 3 * minutes(4),
    ],
    [
      'counts one that was switched when the window opened',
      {},
      paceOf(),
      { [first]: switched(now - minutes(90)) },
      second,
      630_000 + 2 * minutes(4),
    ],
    [
      'counts none that was switched before it opened',
      {},
      paceOf(),
      { [first]: switched(now - minutes(90) - 1) },
      second,
      630_000 + minutes(4),
    ],
    [
      'takes the settings for a way of which one step was never timed',
      {},
      paceOf('restore'),
      { [first]: switched(now - minutes(5)) },
      second,
      630_000 + 2 * minutes(3),
    ],
    ['and for the way forward', {}, paceOf('switch'), {}, first, minutes(3) + minutes(4)],
    ['does without a step that may fail', {}, paceOf('cleanup'), {}, first, minutes(10) + minutes(3)],
    ['keeps no reserve where the settings want none', { rollbackReserve: 0 }, paceOf(), {}, first, minutes(11)],
    [
      'goes as it was planned by an older version: one node, and one back',
      {},
      null,
      { [first]: switched(now - minutes(5)), [second]: switched(now - minutes(4)) },
      third,
      minutes(6),
    ],
  ];

  it.each(rows)('%s', (_what, policy, pace, changes, node, needed) => {
    // The window is a whole minute; the soak makes up the seconds.
    const whole = Math.ceil(needed / 60_000);
    const to = (length: number) => `02:${30 + length}`;
    expect(holds(ready(to(whole), policy, pace, changes), node)).toEqual([]);
    expect(holds(ready(to(whole - 1), policy, pace, changes), node)).toEqual(['window']);
  });

  it('counts what is under way beside it', () => {
    const working: NodeRun['state'] = {
      is: 'working',
      direction: 'forward',
      phase: 'nodes/all',
      index: 0,
      step: 'backup',
      failures: 0,
      unknowns: 0,
      notBefore: 0,
      since: now,
      lastReason: null,
    };
    const changes = { [first]: proven, [second]: { state: working } };
    const both = (to: string) => holds(ready(to, { atOnce: 2, minimumHealthy: 1 }, paceOf(), changes), third);
    expect([both('02:49'), both('02:48')]).toEqual([[], ['window']]);
  });

  it('counts what was switched before a freeze in the same window', () => {
    const freeze = { start: now - minutes(20), end: now - minutes(1), reason: 'x', author: 'U1' };
    const frozen = (to: string) => {
      const rollout = ready(to, {}, paceOf(), { [first]: switched(now - minutes(30)) });
      const calendar = rollout.calendars[region];
      if (!calendar) throw new Error('no calendar');
      const calendars = { ...rollout.calendars, [region]: { ...calendar, freezes: [freeze] } };
      return holds({ ...rollout, calendars }, second);
    };
    expect([frozen('02:49'), frozen('02:48')]).toEqual([[], ['window']]);
  });

  it('needs, once it is under way, only what is left of its way', () => {
    const backedUp: NodeRun['state'] = {
      is: 'working',
      direction: 'forward',
      phase: 'nodes/all',
      index: 1,
      step: 'switch',
      failures: 0,
      unknowns: 0,
      notBefore: 0,
      since: now,
      lastReason: null,
    };
    const sight = { down: false, unchanged: true };
    const standing = Object.fromEntries(names.map((name) => [name, 'healthy' as const]));
    const evidence = {
      sight,
      standing,
      freezes: [],
      alerts: quiet,
      halt: noHalt,
      elsewhere: notWanted,
      compatibility: notWanted,
    };
    const asked = (to: string) =>
      gates(ready(to, {}, paceOf(), { [first]: { state: backedUp } }), first, now, evidence).map(({ name }) => name);
    // Two minutes less than before its backup.
    expect([asked('02:43'), asked('02:42')]).toEqual([[], ['window']]);
  });

  it('says what it would take, and when it goes on', () => {
    const changes = { [first]: switched(now - minutes(5)), [second]: switched(now - minutes(4)) };
    const [gate] = gates(ready('02:52', {}, paceOf(), changes), third, now);
    expect(gate?.reason).toBe(
      'us-east: a node no longer fits before the window closes: it takes 11 min, and to bring back 3 in case of need 12 min; opens Tue 1 Dec 01:00 (America/New_York)',
    );
    expect(gate?.opensAt).toBe(Date.UTC(2026, 11, 1, 6));
  });
});

describe('a plan', () => {
  const guide = fleetOf({}, { windows: 'guide' });
  const monday = tuesday - hours(24);

  it('is refused when its slowest node, with its way back, fits no window', () => {
    const slow = { ...paceOf(), [third]: { ...paced, switch: always(hours(4)) } };
    expect(() => plan(inputOf(guide, { now: monday, pace: slow }))).toThrow(Refused);
    expect(() => plan(inputOf(guide, { now: monday, pace: slow }))).toThrow(
      /252 min, longer than the windows of us-east/,
    );
    expect(plan(inputOf(guide, { now: monday, pace: paceOf() })).pace).toEqual(paceOf());
  });
});
