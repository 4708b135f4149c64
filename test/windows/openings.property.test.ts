import { expect, it } from 'vitest';
import { frozenBy, nextOpening, openInterval } from '../../src/windows/index.ts';
import { type Calendar, type Freeze, type Window, weekdays, weeks } from '../../src/windows/types.ts';
import { fc } from '../support/fast-check.ts';

const dayMs = 86_400_000;
const firstInstant = Date.UTC(2026, 0, 1);
const instant = fc.integer({ min: firstInstant, max: firstInstant + 730 * dayMs });
const clock = fc
  .record({ hour: fc.integer({ min: 0, max: 23 }), quarter: fc.integer({ min: 0, max: 3 }) })
  .map(({ hour, quarter }) => `${String(hour).padStart(2, '0')}:${String(quarter * 15).padStart(2, '0')}`);
const window: fc.Arbitrary<Window> = fc.record({
  days: fc.subarray([...weekdays], { minLength: 1 }),
  from: clock,
  to: clock,
  weeks: fc.option(fc.subarray([...weeks], { minLength: 1 }), { nil: undefined, freq: 1 }),
});

/** A freeze near the instant that is asked about, so that they meet often. */
const freezeAfter = fc.record({
  offset: fc.integer({ min: -3 * dayMs, max: 5 * dayMs }),
  length: fc.integer({ min: 0, max: 4 * dayMs }),
});

const question = fc
  .record({
    zone: fc.constantFrom(
      'America/New_York',
      'Europe/Dublin',
      'Asia/Kolkata',
      'Africa/Cairo',
      'Australia/Lord_Howe',
      'UTC',
    ),
    windows: fc.array(window, { maxLength: 3 }),
    freezes: fc.array(freezeAfter, { maxLength: 2 }),
    now: instant,
  })
  .map(({ zone, windows, freezes, now }) => {
    const made: Freeze[] = freezes.map(({ offset, length }) => ({
      start: now + offset,
      end: now + offset + length,
      reason: 'test',
      author: 'test',
    }));
    const calendar: Calendar = { zone, windows, freezes: made };
    return { calendar, now };
  });

const runs = { seed: 20261124, numRuns: 1_500 };

it('an open interval contains the instant that was asked about and nothing frozen', () => {
  fc.assert(
    fc.property(question, ({ calendar, now }) => {
      const interval = openInterval(calendar, now);
      if (interval === null) return;
      expect(interval.start).toBeLessThanOrEqual(now);
      expect(interval.end).toBeGreaterThan(now);
      expect(frozenBy(calendar, interval.start)).toBeNull();
      expect(frozenBy(calendar, interval.end - 1)).toBeNull();
    }),
    runs,
  );
});

it('every instant of an open interval sees an end that is not earlier', () => {
  fc.assert(
    fc.property(question, fc.double({ min: 0, max: 1, noNaN: true }), ({ calendar, now }, part) => {
      const interval = openInterval(calendar, now);
      if (interval === null) return;
      const later = now + Math.floor((interval.end - 1 - now) * part);
      expect(openInterval(calendar, later)?.end).toBeGreaterThanOrEqual(interval.end);
    }),
    runs,
  );
});

it('the next opening starts later, within 14 days (210 with named weeks), and is what is open at its start', () => {
  fc.assert(
    fc.property(question, ({ calendar, now }) => {
      const opening = nextOpening(calendar, now);
      if (opening.is === 'never') return;
      expect(opening.interval.start).toBeGreaterThan(now);
      const horizon = calendar.windows.some((each) => each.weeks !== undefined) ? 210 : 14;
      // Of local days; minutes.property.test.ts knows which of them have 25 hours.
      expect(opening.interval.start).toBeLessThanOrEqual(now + horizon * dayMs + 3_600_000);
      expect(openInterval(calendar, opening.interval.start)).toEqual(opening.interval);
      expect(openInterval(calendar, opening.interval.start - 1)).toBeNull();
    }),
    runs,
  );
});

it('nothing opens between now and the next opening', () => {
  fc.assert(
    fc.property(question, fc.double({ min: 0, max: 1, noNaN: true }), ({ calendar, now }, part) => {
      const opening = nextOpening(calendar, now);
      if (opening.is === 'never' || openInterval(calendar, now) !== null) return;
      const between = now + Math.floor((opening.interval.start - 1 - now) * part);
      expect(openInterval(calendar, between)).toBeNull();
    }),
    runs,
  );
});
