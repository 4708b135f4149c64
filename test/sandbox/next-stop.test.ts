import { describe, expect, it } from 'vitest';
import { nextStop } from '../../sandbox/next-stop.ts';
import { fleetOf, hours, planned, tuesday } from '../support/rollouts.ts';

const calendars = fleetOf({}, { windows: 'guide' }).regions.map(({ calendar }) => calendar);
const always = fleetOf().regions.map(({ calendar }) => calendar);
const at = (days: number, hour: number) => Date.UTC(2026, 10, 24 + days, hour);

describe('a clock that jumps', () => {
  it('stops at the next window of any region', () => {
    // Wednesday, 02:00 in Kolkata.
    expect(nextStop(calendars, null, at(0, 12))).toEqual({
      at: Date.UTC(2026, 10, 24, 20, 30),
      what: 'the next window',
    });
  });

  it('does not leap over what is scheduled', () => {
    const scheduled = planned({}, { startAt: at(0, 15), now: tuesday });
    expect(nextStop(calendars, scheduled, at(0, 12))).toEqual({ at: at(0, 15), what: 'the time that is scheduled' });
    expect(nextStop(always, scheduled, at(0, 12))?.at).toBe(at(0, 15));
  });

  it('goes on to the next window once that was begun, has passed, or lies behind it', () => {
    const scheduled = planned({}, { startAt: at(0, 15), now: tuesday });
    const window = Date.UTC(2026, 10, 24, 20, 30);
    expect(nextStop(calendars, { ...scheduled, startedAt: at(0, 8) }, at(0, 12))?.at).toBe(window);
    expect(nextStop(calendars, scheduled, at(0, 15) + 1)?.at).toBe(window);
    const later = planned({}, { startAt: window + hours(1), now: tuesday });
    expect(nextStop(calendars, later, at(0, 12))?.at).toBe(window);
  });

  it('has nowhere to go where every window is open and nothing is scheduled', () => {
    expect(nextStop(always, null, tuesday)).toBeNull();
  });
});
