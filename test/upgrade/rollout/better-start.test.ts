import { describe, expect, it } from 'vitest';
import { betterStart, forecast, plan, straddled } from '../../../src/upgrade/rollout/index.ts';
import type { Fleet, PlanInput } from '../../../src/upgrade/rollout/types.ts';
import type { Freeze } from '../../../src/windows/types.ts';
import { fleetOf, hours, inputOf, tuesday } from '../../support/rollouts.ts';

const guide = (order: 'declared' | 'next-opening', freezes: Record<string, Freeze> = {}): Fleet => {
  const fleet = fleetOf({ order }, { windows: 'guide' });
  const regions = fleet.regions.map((each) => {
    const freeze = freezes[each.name];
    return freeze === undefined ? each : { ...each, calendar: { ...each.calendar, freezes: [freeze] } };
  });
  return { ...fleet, regions };
};
const monday = tuesday - hours(24);
const thursday = tuesday + hours(48);
const at = (utc: string) => Date.parse(`${utc}Z`);
const asked = (fleet: Fleet, changes: Partial<PlanInput>): PlanInput =>
  inputOf(fleet, { strategy: 'regions', ...changes });
const found = (input: PlanInput) => {
  const rollout = plan(input);
  return straddled(rollout, forecast(rollout, 'p50'));
};

describe('a start', () => {
  it('on Monday goes through one night, whichever way the sun goes', () => {
    expect(found(asked(guide('next-opening'), { now: monday }))).toBeNull();
    expect(found(asked(guide('declared'), { now: monday }))).toBeNull();
  });

  it('on Thursday in the declared order goes over the weekend, and next Tuesday is offered', () => {
    const input = asked(guide('declared'), { now: thursday });
    // New York is open on Thursday at 02:30; Dublin and Kolkata open on Tuesday again.
    expect(found(input)).toMatchObject({ over: 'weekend', region: 'eu-west', until: at('2026-12-01T02:00') });
    // From Kolkata's opening on Monday evening on, New York is the first again.
    expect(betterStart(input, 'p50')).toBe(at('2026-11-30T20:30'));
  });

  it('is not offered a start from which it would go over the weekend as well', () => {
    // Only Thursdays are open, and the declared order goes against the sun: each region is a week after the one before.
    const fleet = guide('declared');
    const regions = fleet.regions.map((each) => {
      const windows = [{ days: ['thu' as const], from: '02:00', to: '06:00' }];
      return { ...each, calendar: { ...each.calendar, windows } };
    });
    const input = asked({ ...fleet, regions }, { now: monday });
    expect(found(input)).toMatchObject({ over: 'weekend' });
    expect(betterStart(input, 'p50')).toBeNull();
  });

  it('before a freeze of the second region goes over that, and the first start after it is offered', () => {
    const freeze = { start: at('2026-11-24T00:00'), end: at('2026-11-26T12:00'), reason: 'sale', author: 'U1' };
    const input = asked(guide('next-opening', { 'eu-west': freeze }), { now: monday });
    expect(found(input)).toMatchObject({ over: 'freeze', region: 'eu-west', freeze });
    expect(betterStart(input, 'p50')).toBe(at('2026-11-30T20:30'));
  });
});
