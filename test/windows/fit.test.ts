import { describe, expect, it } from 'vitest';
import { fits, latestStart, neverCloses, openInterval } from '../../src/windows/index.ts';
import { at, calendarOf } from './tables.ts';

const interval = { start: 1_000, end: 1_100 };

describe('work in the interval [1000, 1100)', () => {
  it.each([
    [0, 1_099],
    [1, 1_099],
    [2, 1_098],
    [40, 1_060],
    [99, 1_001],
    [100, 1_000],
    [0.5, 1_099],
    [40.5, 1_059],
    [101, null],
    [Number.POSITIVE_INFINITY, null],
    [Number.NaN, null],
  ])('of %s ms can begin at %s at the latest', (needed, latest) => {
    expect(latestStart(interval, needed)).toBe(latest);
    if (latest === null) expect(fits(interval, interval.start, needed)).toBe(false);
    else expect([latest, latest + 1].map((now) => fits(interval, now, needed))).toEqual([true, false]);
  });

  it.each([
    ['at its start, all of it', 1_000, 100, true],
    ['a millisecond before it', 999, 10, false],
    ['without any length, in its last millisecond', 1_099, 0, true],
    ['without any length, at its end', 1_100, 0, false],
    ['and ends with it', 1_040, 60, true],
    ['and ends a millisecond after it', 1_040, 61, false],
  ])('begun %s: %i for %i ms -> %s', (_, now, needed, expected) => {
    expect(fits(interval, now, needed)).toBe(expected);
  });

  it('cannot begin in an interval that lasts no time', () => {
    expect(latestStart({ start: 1_000, end: 1_000 }, 0)).toBeNull();
    expect(fits({ start: 1_000, end: 1_000 }, 1_000, 0)).toBe(false);
  });
});

describe('work in the last week of a month', () => {
  it('fits up to the end that its windows have together, into the next month', () => {
    const now = at('2024-08-31T23:00');
    const open = openInterval(calendarOf('Etc/UTC', 'last Sat 22:00-02:00 + 1st Sun 02:00-04:00'), now);
    expect(open && [5, 6].map((hours) => fits(open, now, hours * 3_600_000))).toEqual([true, false]);
  });
});

describe('what is open', () => {
  it.each([
    ['daily 00:00-24:00', true],
    ['1st, 2nd, 3rd, 4th and last daily 00:00-24:00', true],
    ['1st, 2nd and 3rd daily 00:00-24:00', false],
    ['Tue-Sun 00:00-24:00 + 1st, 2nd, 3rd and 4th Mon 00:00-24:00', false],
    ['Tue 02:00-06:00', false],
    ['Wed 02:00-06:00', false],
  ])('by %s never closes: %s', (windows, expected) => {
    expect(neverCloses(calendarOf('Etc/UTC', windows), at('2020-12-01T03:00'))).toBe(expected);
  });
});
