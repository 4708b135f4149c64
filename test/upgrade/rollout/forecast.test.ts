import { describe, expect, it } from 'vitest';
import { emptyLedger, fold, paceOf, timedBy } from '../../../src/upgrade/ledger/index.ts';
import type { Ledger } from '../../../src/upgrade/ledger/types.ts';
import { type Forecast, forecast, next, plan } from '../../../src/upgrade/rollout/index.ts';
import type { Fleet, NodePace, Pace, PlanInput, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { openInterval } from '../../../src/windows/index.ts';
import { fc } from '../../support/fast-check.ts';
import { aWorld, playedBy } from '../../support/nights.ts';
import { fleetOf, hours, inputOf, minutes, surveyOf, tuesday } from '../../support/rollouts.ts';

const always = (ms: number) => ({ p50: ms, p90: 2 * ms });
/** On a usual night 7.5 min, and the soak: 30 s, of the first node of a region 60 s. To bring back: 2 min, and 30 s. */
const usual: NodePace = {
  stage: always(minutes(5)),
  backup: always(minutes(1)),
  switch: always(minutes(2)),
  verify: always(minutes(4)),
  cleanup: always(30_000),
  restore: always(minutes(1)),
  'verify-restored': always(30_000),
};
const paceFor = (fleet: Fleet, pace: NodePace = usual): Pace =>
  Object.fromEntries(fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => [name, pace])));

const monday = tuesday - hours(24);
const guide = fleetOf({ order: 'next-opening' }, { windows: 'guide' });
const planOf = (fleet: Fleet, changes: Partial<PlanInput> = {}): Rollout =>
  plan(inputOf(fleet, { now: monday, strategy: 'regions', pace: paceFor(fleet), survey: surveyOf(fleet), ...changes }));

const clock = (at: number | null) => at && new Date(at).toISOString().slice(5, 19);
const shown = ({ regions, end, mixed }: Forecast) => [
  ...regions.map(({ region, begin, end: last, goesOn }) =>
    [region, clock(begin), clock(last), ...goesOn.map(clock)].join(' '),
  ),
  `end ${clock(end)}`,
  `mixed ${mixed === null ? null : mixed / 60_000} min`,
];

describe('the forecast', () => {
  it('of the usual night follows the sun: 8.5 + 8 + 8 min for each region, with 30 s between two nodes', () => {
    expect(shown(forecast(planOf(guide), 'p50'))).toEqual([
      'ap-south 11-23T20:30:00 11-23T20:55:30',
      'eu-west 11-24T02:00:00 11-24T02:25:30',
      'us-east 11-24T07:00:00 11-24T07:25:30',
      'end 11-24T07:25:30',
      // From the first switch, a minute after the first node was begun.
      'mixed 654.5 min',
    ]);
  });

  it('of the declared order of the guide tells 38 hours of mixed versions', () => {
    const declared = fleetOf({ order: 'declared' }, { windows: 'guide' });
    expect(shown(forecast(planOf(declared), 'p50'))).toEqual([
      'us-east 11-24T07:00:00 11-24T07:25:30',
      'eu-west 11-25T02:00:00 11-25T02:25:30',
      'ap-south 11-25T20:30:00 11-25T20:55:30',
      'end 11-25T20:55:30',
      'mixed 2274.5 min',
    ]);
  });

  it('nearly at worst takes the longer times', () => {
    expect(shown(forecast(planOf(guide, { regions: ['eu-west'] }), 'p90'))).toEqual([
      // 16 + 15.5 + 15.5 min, and twice the pause.
      'eu-west 11-24T02:00:00 11-24T02:48:00',
      'end 11-24T02:48:00',
      'mixed 46 min',
    ]);
  });

  it('goes on in the next window where the nodes do not fit with the way back of what was switched before', () => {
    // At worst 70 min each and 20 to bring back: 70 + 20 fit, then 70 + 40, and of 240 min no 70 + 60 are left at 141.5.
    const slow = { ...usual, verify: { p50: minutes(64.5), p90: minutes(64.5) } };
    const back = { restore: { p50: minutes(1), p90: minutes(30) } };
    const pace = paceFor(guide, { ...slow, ...back });
    expect(shown(forecast(planOf(guide, { regions: ['eu-west'], pace }), 'p50'))).toEqual([
      'eu-west 11-24T02:00:00 11-25T03:08:30 11-25T02:00:00',
      'end 11-25T03:08:30',
      'mixed 1507.5 min',
    ]);
  });

  it('goes by the settings where nothing was recorded', () => {
    expect(shown(forecast(planOf(guide, { regions: ['eu-west'], pace: {} }), 'p50'))).toEqual([
      'eu-west 11-24T02:00:00 11-24T02:10:00',
      'end 11-24T02:10:00',
      'mixed 10 min',
    ]);
  });

  it('stages first, and watches before the next part', () => {
    const open = fleetOf({ bake: hours(1) }, { windows: 'always' });
    expect(shown(forecast(planOf(open, { now: tuesday, regions: ['us-east', 'eu-west'] }), 'p50')).slice(0, 2)).toEqual(
      ['us-east 11-24T07:35:00 11-24T08:00:30', 'eu-west 11-24T09:00:30 11-24T09:26:00'],
    );
  });

  it('loses no interval of watching to a bake that has no length', () => {
    const open = fleetOf({ bake: 0 }, { windows: 'always' });
    const [first, second] = forecast(planOf(open, { now: tuesday, regions: ['us-east', 'eu-west'] }), 'p50').regions;
    expect((second?.begin ?? 0) - (first?.end ?? 0)).toBeLessThanOrEqual(30_000);
  });

  it('waits for the start that was asked for', () => {
    const open = fleetOf({}, { windows: 'always' });
    const startAt = tuesday + hours(5);
    expect(forecast(planOf(open, { now: tuesday, startAt }), 'p50').regions[0]?.begin).toBe(startAt);
  });

  it('has an end where the first of each region go together, and nothing is watched', () => {
    const open = fleetOf({ bake: 0 }, { windows: 'always' });
    expect(forecast(planOf(open, { now: tuesday, strategy: 'canary-all' }), 'p50').end).not.toBeNull();
  });

  it('takes several nodes at once where the policy does, after the first', () => {
    const open = fleetOf({ atOnce: 3, minimumHealthy: 1 }, { windows: 'always' });
    expect(shown(forecast(planOf(open, { now: tuesday, regions: ['us-east'] }), 'p50'))[0]).toBe(
      'us-east 11-24T07:35:00 11-24T07:52:00',
    );
  });

  it('counts a node that runs the release already only with its proof', () => {
    const rollout = planOf(guide, { regions: ['eu-west'] });
    const already = ['eu-west-op-2', 'eu-west-op-3'];
    // 8.5 min; then twice 4 min, the soak and the clean-up. After a node that was not changed nobody pauses.
    expect(shown(forecast(rollout, 'p50', already))[0]).toBe('eu-west 11-24T02:00:00 11-24T02:19:00');
  });

  it('is cut by a freeze, and tells of no end where nothing opens', () => {
    const frozen = (start: number, end: number): Fleet => ({
      ...guide,
      regions: guide.regions.map((region) => {
        const freeze = { start, end, reason: 'sale', author: 'U1' };
        return { ...region, calendar: { ...region.calendar, freezes: region.name === 'eu-west' ? [freeze] : [] } };
      }),
    });
    const from = Date.UTC(2026, 10, 24, 2, 15);
    expect(shown(forecast(planOf(frozen(from, from + hours(1)), { regions: ['eu-west'] }), 'p50'))).toEqual([
      // 15 min are too short for a node with its way back, nearly at worst.
      'eu-west 11-24T03:15:00 11-24T03:40:30',
      'end 11-24T03:40:30',
      'mixed 24.5 min',
    ]);
    const long = forecast(planOf(frozen(from + minutes(15), from + hours(24 * 60))), 'p50');
    expect([long.regions.length, (long.mixed ?? 0) > hours(24 * 55)]).toEqual([3, true]);
    const rollout = planOf(guide);
    const calendars = { ...rollout.calendars, 'eu-west': { zone: 'Europe/Dublin', windows: [], freezes: [] } };
    const never = forecast({ ...rollout, calendars }, 'p50');
    expect([never.regions.map(({ region }) => region), never.end, never.mixed]).toEqual([['ap-south'], null, null]);
  });

  it('of one that is paused or held is as if it went on from where it is', () => {
    const rollout = planOf(guide);
    const by = 'U1';
    const paused = next(rollout, { type: 'paused', at: monday + 1, by });
    expect(paused.status.is).toBe('paused');
    expect(forecast(paused, 'p50')).toEqual(forecast(rollout, 'p50'));
    const held: Rollout = {
      ...rollout,
      status: { is: 'held', reason: 'x', node: null, at: monday + 1, pending: null },
    };
    expect(forecast(held, 'p50')).toEqual(forecast(rollout, 'p50'));
  });

  it('says nothing of what is over', () => {
    const over: Rollout = { ...planOf(guide), status: { is: 'stopped', by: 'U1', at: monday } };
    expect(forecast(over, 'p50')).toEqual({ regions: [], end: null, mixed: null });
  });

  it('changes nothing', () => {
    const rollout = planOf(guide);
    const before = JSON.stringify(rollout);
    forecast(rollout, 'p50');
    expect(JSON.stringify(rollout)).toBe(before);
  });
});

describe('after ten recorded rollouts', () => {
  /** One region is three times as slow; every step, look and queue takes between 0.8 and 1.2 of what is usual there. */
  it('the forecast is within 20 % of the eleventh, over seeded fleets', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(aWorld, (world) => {
        const fleet = fleetOf(world.policy, { windows: 'always' });
        let ledger: Ledger = emptyLedger;
        // Overridden windows are not looked at, which saves most of the time that this takes.
        const override = { by: 'U1', reason: 'to be quick' };
        const planned = (count: number): Rollout => {
          const now = tuesday + hours(24 * count);
          const pace = paceOf(ledger, fleet, 1_000);
          return plan(inputOf(fleet, { id: `r${count}`, now, pace, strategy: world.strategy, override }));
        };
        for (let count = 0; count < 10; count++) {
          const event = timedBy(playedBy(planned(count), world));
          if (event === null) throw new Error('nothing was timed');
          ledger = fold(ledger, event);
        }
        const eleventh = planned(10);
        const now = eleventh.createdAt;
        const foreseen = forecast(eleventh, 'p50');
        const over = playedBy(eleventh, world);
        const really = over.status.is === 'done' ? over.status.at - now : Number.NaN;
        const ratio = ((foreseen.end ?? Number.NaN) - now) / really;
        expect(ratio, `${foreseen.end} against ${really}`).toBeGreaterThan(0.8);
        expect(ratio).toBeLessThan(1.2);
        expect(forecast(eleventh, 'p90').end).toBeGreaterThanOrEqual(foreseen.end ?? 0);
      }),
      { numRuns: 12, endOnFailure: true },
    );
  });
});

describe('whatever the windows are', () => {
  const span = fc.record({ from: fc.integer({ min: 0, max: 23 }), length: fc.integer({ min: 1, max: 10 }) });
  const hour = (count: number) => `${String(count % 24).padStart(2, '0')}:00`;
  it('every region is begun, and goes on, inside of one in which a node still fits', { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(
        fc.array(span, { minLength: 3, maxLength: 3 }),
        fc.integer({ min: 1, max: 40 }),
        (spans, slowness) => {
          const fleet: Fleet = {
            ...guide,
            regions: guide.regions.map((region, index) => {
              const { from = 0, length = 1 } = spans[index] ?? {};
              const window = { days: ['mon', 'wed', 'fri', 'sat'] as const, from: hour(from), to: hour(from + length) };
              return { ...region, calendar: { ...region.calendar, windows: [{ ...window, days: [...window.days] }] } };
            }),
          };
          const pace = paceFor(fleet, { ...usual, verify: always(minutes(slowness) / 4) });
          const rollout = planOf(fleet, { pace });
          for (const { region, begin, end, goesOn } of forecast(rollout, 'p50').regions) {
            const calendar = rollout.calendars[region];
            if (!calendar) throw new Error('no calendar');
            const nodesAt = [begin, ...goesOn];
            const open = nodesAt.map((at) => openInterval(calendar, at));
            // 7 min at worst before and after its proof, its soak, its proof, and 3.5 min to bring it back.
            const least = minutes(7) + 30_000 + minutes(slowness) / 2 + minutes(3.5);
            for (const [index, each] of open.entries()) {
              expect(each && each.end - (nodesAt[index] ?? 0)).toBeGreaterThanOrEqual(least);
            }
            expect(new Set(open.map((each) => each?.start)).size).toBe(nodesAt.length);
            expect(end).toBeLessThanOrEqual(open.at(-1)?.end ?? 0);
          }
        },
      ),
      { numRuns: 30, endOnFailure: true },
    );
  });
});
