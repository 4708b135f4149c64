import { describe, expect, it } from 'vitest';
import { asked, asksFrom, gates, isOpen, next, nextWake, plan, sinceOf } from '../../../src/upgrade/rollout/index.ts';
import type { ApprovalPhase, Policy, Rollout } from '../../../src/upgrade/rollout/types.ts';
import type { Freeze, Window } from '../../../src/windows/types.ts';
import { fleetOf, hours, inputOf, minutes } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const daily: Window['days'] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const waking: Window[] = [{ days: daily, from: '08:00', to: '22:00' }];
const at = (written: string): number => Date.parse(`${written}:00Z`);
/** Tuesday. */
const tonight = at('2026-11-24T22:00');

/** Of two regions, planned on Tuesday evening: the first may begin at any time, the second when its window opens. */
function planned(
  second: Window[],
  policy: Partial<Policy> = { waking },
  zone = 'Etc/UTC',
  freezes: Freeze[] = [],
): Rollout {
  const fleet = fleetOf({ order: 'declared', bake: hours(1), approvalExpires: hours(200), ...policy });
  const [us, eu] = fleet.regions;
  if (us === undefined || eu === undefined) throw new Error('two regions are wanted');
  const regions = [us, { ...eu, calendar: { zone, windows: second, freezes } }];
  return plan(inputOf({ ...fleet, regions }, { now: tonight, strategy: 'regions' }));
}

/** Driven until somebody is asked for the second one. */
function asking(rollout: Rollout): Rollout {
  const { rollout: there } = drive(rollout, worldOf(rollout), {
    from: tonight,
    until: (each) => asked(each).length > 0 || !isOpen(each),
    limit: 20_000,
  });
  return there;
}

const second = ({ phases }: Rollout): ApprovalPhase =>
  phases.find((phase): phase is ApprovalPhase => phase.is === 'approval' && phase.title === 'eu-west') as ApprovalPhase;
const hourOfAsk = (rollout: Rollout): string => new Date(sinceOf(second(asking(rollout))) ?? 0).toISOString();
const from = (day: Window['days'][number], time: string): Window[] => [{ days: [day], from: time, to: '16:00' }];

describe('an approval whose window is far', () => {
  it('is asked for when its approvers are awake, and until then the rollout says when', () => {
    const rollout = planned(from('wed', '12:00'));
    expect(hourOfAsk(rollout)).toMatch(/^2026-11-25T08:00:/);
    const { rollout: night } = drive(rollout, worldOf(rollout), {
      from: tonight,
      until: (each) => each.phases.find(({ is }) => is === 'watch')?.state.is === 'done',
    });
    const morning = at('2026-11-25T08:00');
    expect(asked(night)).toEqual([]);
    expect(asksFrom(night, second(night))).toBe(morning);
    const shut = gates(night, 'eu-west-op-1', at('2026-11-25T02:00')).find(({ name }) => name === 'approval');
    expect(shut).toMatchObject({ reason: 'eu-west is not asked for yet', opensAt: morning });
    expect(nextWake(night, morning - minutes(1))).toBeLessThanOrEqual(morning);
    expect(asked(next(night, { type: 'ticked', at: morning - 1 }))).toEqual([]);
  });

  it.each([
    ['two hours before the window at the latest', from('wed', '10:00'), '2026-11-25T08:00'],
    ['at once, where there are less', from('wed', '09:59'), '2026-11-24T23:'],
    ['at once, where the window is open', from('tue', '20:00'), '2026-11-24T23:'],
    ['in the first of several mornings', from('fri', '12:00'), '2026-11-25T08:00'],
  ])('is asked for %s', (_what, windows, expected) => {
    expect(hourOfAsk(planned(windows)).startsWith(expected)).toBe(true);
  });

  const weekdaysOnly: Window[] = [{ days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '08:00', to: '18:00' }];
  const fleetwide = { start: tonight - hours(1), end: tonight + hours(80), reason: 'quarter end', author: 'U9' };

  it.each([
    ['for a window in the afternoon, that morning', from('fri', '13:00'), waking, [], '2026-11-27T08:00'],
    ['for one at night, the day before', from('fri', '02:00'), waking, [], '2026-11-26T14:00'],
    [
      'whoever is awake or not, where nobody gets up before it',
      from('sun', '02:00'),
      weekdaysOnly,
      [],
      '2026-11-28T14:00',
    ],
    [
      'for what opens when a freeze of the settings ends',
      from('wed', '02:00'),
      waking,
      [fleetwide],
      '2026-12-01T14:00',
    ],
    [
      'for what opens when a freeze is lifted',
      from('wed', '02:00'),
      waking,
      [{ ...fleetwide, id: 'f-1' }],
      '2026-11-24T23:',
    ],
  ])('is not asked for so early that a yes expires: %s', (_what, windows, awake, freezes, expected) => {
    const rollout = planned(windows, { waking: awake, approvalExpires: hours(24) }, 'Etc/UTC', freezes);
    expect(hourOfAsk(rollout).startsWith(expected)).toBe(true);
  });

  it('goes by the clock of the region that it opens', () => {
    // The bake is over shortly after eleven in the evening UTC: that is past four in the morning in Kolkata, and six in New York.
    expect(hourOfAsk(planned(from('thu', '12:00'), { waking }, 'Asia/Kolkata'))).toMatch(/^2026-11-25T02:30:/);
    expect(hourOfAsk(planned(from('thu', '12:00'), { waking }, 'America/New_York'))).toMatch(/^2026-11-24T23:/);
  });

  it.each([
    ['where the settings want nobody to be waited for', { waking: [] }],
    ['in what was planned before anybody was waited for', {}],
  ])('is asked for at once %s', (_what, policy) => {
    expect(hourOfAsk(planned(from('wed', '12:00'), policy))).toMatch(/^2026-11-24T23:/);
  });

  it.each([
    ['in the afternoon is asked for in the morning', '2026-11-25T14:00', at('2026-11-25T08:00')],
    ['in the morning is asked for in the evening', '2026-11-26T09:30', at('2026-11-25T21:30')],
    ['in the morning, planned too late for the evening, is asked for at once', '2026-11-25T09:30', null],
  ])('of a start %s, also where a window is always open', (_what, startAt, expected) => {
    const always: Window[] = [{ days: daily, from: '00:00', to: '00:00' }];
    const fleet = fleetOf({ order: 'declared', waking, oneMayBegin: 'nowhere', approvalExpires: hours(24) });
    const regions = fleet.regions.map((each) => ({
      ...each,
      calendar: { zone: 'Etc/UTC', windows: always, freezes: [] },
    }));
    const rollout = plan(inputOf({ ...fleet, regions }, { now: tonight, startAt: at(startAt), strategy: 'regions' }));
    const first = rollout.phases.find((phase): phase is ApprovalPhase => phase.is === 'approval') as ApprovalPhase;
    const asks = asksFrom(rollout, first);
    expect(asks !== null && asks <= tonight ? null : asks).toBe(expected);
  });

  it('is asked for at once in an emergency', () => {
    const rollout = {
      ...planned(from('wed', '12:00')),
      override: { by: 'U1', reason: 'fire', until: tonight + hours(4) },
    };
    expect(hourOfAsk(rollout)).toMatch(/^2026-11-24T23:/);
  });
});
