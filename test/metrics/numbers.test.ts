import { describe, expect, it } from 'vitest';
import type { Census } from '../../src/jobs/index.ts';
import { callOf } from '../../src/metrics/calls.ts';
import { numbersOf, waitingForWindow } from '../../src/metrics/numbers.ts';
import { next, plan, turns, waitingForPeople } from '../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { isAsked } from '../support/parts.ts';
import { fleetOf, hours, inputOf, minutes, planned, tuesday } from '../support/rollouts.ts';
import { drive, worldOf } from '../support/simulation.ts';

const regions = fleetOf().regions.map(({ name }) => name);
const census = (rollouts: Rollout[], changes: Partial<Census> = {}): Census => ({
  rollouts,
  unbelieved: 0,
  workers: new Map(),
  queues: [],
  nights: [],
  ...changes,
});
const numbers = (rollout: Rollout, now: number) => numbersOf(census([rollout]), regions, now);

function held(): { rollout: Rollout; now: number } {
  const start = planned({ pause: 0 });
  const world = worldOf(start);
  world.bad.add('us-east-op-1');
  return drive(start, world, {
    from: tuesday,
    until: ({ nodes }) => nodes['us-east-op-1']?.state.is === 'rolled-back',
  });
}

function askedFor(): { rollout: Rollout; now: number } {
  const start = plan(inputOf(fleetOf(), { strategy: 'regions' }));
  return drive(start, worldOf(start), { from: tuesday, until: (rollout) => isAsked(rollout, 'eu-west') });
}

describe('the numbers of a fleet', () => {
  it('say none of everything where nothing is open, and never nothing', () => {
    const none = numbersOf(census([]), regions, tuesday);
    expect(Object.values(none.rollouts)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Object.values(none.waiting).map(({ count }) => count)).toEqual([0, 0, 0, 0, 0, 0]);
    expect(none.workers).toEqual(Object.fromEntries(regions.map((region) => [region, 0])));
    expect(none.nodes).toHaveLength(8 * regions.length);
  });

  it('count a rollout by its state, its nodes by theirs, and what waits for people from when it did', () => {
    const { rollout } = held();
    const since = waitingForPeople(rollout).find(({ what }) => what === 'held')?.since ?? 0;
    const seen = numbers(rollout, since + minutes(7));
    expect(seen.rollouts).toMatchObject({ held: 1, running: 0 });
    expect(seen.waiting.held).toEqual({ count: 1, oldest: 420 });
    const back = seen.nodes.filter(({ state }) => state === 'rolled-back');
    expect(back.map(({ region, count }) => [region, count])).toEqual(
      regions.map((name, at) => [name, at === 0 ? 1 : 0]),
    );
  });

  it('count an approval from when it was asked for, also after a no', () => {
    const { rollout, now } = askedFor();
    expect(numbers(rollout, now + hours(5)).waiting.approval).toEqual({ count: 1, oldest: 5 * 3_600 });
    const phase = 'approval/eu-west';
    const declined = next(rollout, { type: 'declined', at: now + hours(1), phase, by: 'U-eu-west', reason: 'not yet' });
    expect(declined).not.toBe(rollout);
    expect(numbers(declined, now + hours(5)).waiting.approval).toEqual({ count: 1, oldest: 5 * 3_600 });
  });

  it('tell one that is to begin later from one that is under way', () => {
    const later = planned({}, { startAt: tuesday + hours(1) });
    expect(numbers(later, tuesday).rollouts).toMatchObject({ scheduled: 1, running: 0 });
    expect(numbers(later, tuesday + hours(2)).rollouts).toMatchObject({ scheduled: 0, running: 1 });
  });

  it('name no region, worker or finding that the settings do not have', () => {
    const workers = new Map([
      ['us-east', 2],
      ['made-up', 9],
    ]);
    const found = (is: string) =>
      ({ node: 'x', as: '', version: null, sha256: null, disk: null, found: { is } }) as never;
    const nights = [
      { region: 'us-east', night: '2026-11-24', at: 0, looked: 3, nodes: [found('off'), found('made up')] },
    ];
    const rollout = planned();
    const nodes = Object.entries(rollout.nodes).map(([name, node]) => [name, { ...node, region: 'made-up' }]);
    const moved: Rollout = { ...rollout, nodes: Object.fromEntries(nodes) };
    const seen = numbersOf(census([moved], { workers, nights }), regions, tuesday);
    expect(seen.workers['us-east']).toBe(2);
    expect(seen.drift).toEqual({ off: 1, unseen: 0, 'unknown-run': 0 });
    expect(JSON.stringify(seen)).not.toMatch(/made/);
  });
});

describe('waiting for a window', () => {
  it('is the wait of a region that nothing but the calendar keeps', () => {
    const fleet = fleetOf();
    const windows = [{ days: ['tue' as const], from: '02:00', to: '06:00' }];
    const nightly = fleet.regions.map((region) => ({ ...region, calendar: { ...region.calendar, windows } }));
    const start = plan(inputOf({ ...fleet, regions: nightly }, { strategy: 'regions' }));
    const staged = (rollout: Rollout) => turns(rollout)[0]?.state.is === 'active';
    const { rollout, now } = drive(start, worldOf(start), { from: tuesday, until: staged });
    const wednesday = now + hours(24);
    expect(waitingForWindow([rollout], regions, now)).toEqual([]);
    expect(waitingForWindow([rollout], regions, wednesday)).toEqual(['us-east']);
    const paused = next(rollout, { type: 'paused', at: now, by: 'U1' });
    expect(waitingForWindow([paused], regions, wednesday)).toEqual([]);
  });
});

it('a message calls people by the first word of its key, or nobody', () => {
  expect(['remind.held.1.2', 'failed.x', 'wait.region', 'gate.eu-west', 'dm.ask.U1.gate.x'].map(callOf)).toEqual([
    'reminder',
    'failure',
    'wait',
    'approval',
    'direct',
  ]);
  expect(['main', 'node.x', 'constructor', ''].map(callOf)).toEqual([null, null, null, null]);
});
