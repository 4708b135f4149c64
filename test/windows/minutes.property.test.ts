import { describe, expect, it } from 'vitest';
import { fits, frozenBy, latestStart, nextOpening, openInterval, openingsUntil } from '../../src/windows/index.ts';
import {
  type Calendar,
  type Freeze,
  type Interval,
  type Week,
  type Weekday,
  type Window,
  weekdays,
  weeks,
} from '../../src/windows/types.ts';
import { fc } from '../support/fast-check.ts';
import { Oracle } from './oracle.ts';
import { at, calendarOf } from './tables.ts';

const minuteMs = 60_000;
const dayMs = 1_440 * minuteMs;

/** Zones, each at an instant where its clock was changed; or at any time, where it is not. */
const changes: [zone: string, change: string][] = [
  ['America/New_York', '2024-03-10T07:00'],
  ['America/New_York', '2024-11-03T06:00'],
  ['America/St_Johns', '2010-11-07T02:31'],
  ['America/St_Johns', '2011-03-13T03:31'],
  ['America/St_Johns', '2024-03-10T05:30'],
  ['America/Sao_Paulo', '2018-02-18T02:00'],
  ['America/Sao_Paulo', '2018-11-04T03:00'],
  ['America/Havana', '2024-11-03T05:00'],
  ['America/Nuuk', '2024-03-31T01:00'],
  ['Europe/Dublin', '2024-03-31T01:00'],
  ['Europe/Dublin', '2024-10-27T01:00'],
  ['Africa/Cairo', '2024-04-25T22:00'],
  ['Africa/Cairo', '2024-10-31T21:00'],
  ['Africa/Casablanca', '2024-03-10T02:00'],
  ['Antarctica/Troll', '2024-03-31T01:00'],
  ['Asia/Beirut', '2024-03-30T22:00'],
  ['Asia/Beirut', '2024-10-26T21:00'],
  ['Asia/Kolkata', '2024-05-07T20:30'],
  ['Asia/Kathmandu', '2024-05-07T20:15'],
  ['Asia/Pyongyang', '2018-05-04T15:00'],
  ['Australia/Lord_Howe', '2024-04-06T15:00'],
  ['Australia/Lord_Howe', '2024-10-05T15:30'],
  ['Pacific/Chatham', '2024-04-06T14:00'],
  ['Pacific/Chatham', '2024-09-28T14:00'],
  ['Pacific/Apia', '2011-12-30T10:00'],
  ['Pacific/Kiritimati', '2024-05-07T12:00'],
  ['Etc/UTC', '2024-02-29T00:00'],
];

const clockText = (minutes: number) =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;

/** Mostly where clocks are changed: around midnight, and from one to four. */
const clock = fc
  .oneof(
    { weight: 3, arbitrary: fc.integer({ min: 0, max: 16 }).map((quarter) => quarter * 15) },
    { weight: 1, arbitrary: fc.integer({ min: 92, max: 95 }).map((quarter) => quarter * 15) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 1_439 }) },
  )
  .map(clockText);
const days: fc.Arbitrary<Weekday[]> = fc.oneof(
  fc.constant<Weekday[]>([...weekdays]),
  fc.constant<Weekday[]>(['fri', 'sat', 'sun']),
  fc.subarray([...weekdays], { minLength: 1 }),
);
const named: fc.Arbitrary<Week[]> = fc.oneof(
  fc.constantFrom<Week[][]>([1], [5], ['last'], [1, 2, 3, 4]),
  fc.subarray([...weeks], { minLength: 1 }),
);
const weekly: fc.Arbitrary<Window> = fc.record({ days, from: clock, to: clock });
const monthly: fc.Arbitrary<Window> = fc.record({ days, from: clock, to: clock, weeks: named });
const windows = fc.oneof(
  { weight: 3, arbitrary: fc.array(weekly, { maxLength: 3 }) },
  { weight: 1, arbitrary: fc.array(monthly, { minLength: 1, maxLength: 3 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(weekly, monthly, fc.oneof(weekly, monthly)).map((mixed): Window[] => mixed),
  },
);

const minutesAround = (length: number) =>
  fc.integer({ min: -length, max: length }).map((minutes) => minutes * minuteMs);
/** Near the change, near what is asked, or long enough that nothing opens. */
const freeze = fc.record({
  from: fc.oneof(minutesAround(180), minutesAround(5 * 1_440)),
  length: fc.oneof(
    fc.integer({ min: 0, max: 300 }),
    fc.integer({ min: 0, max: 5 * 1_440 }),
    fc.integer({ min: 13 * 1_440, max: 20 * 1_440 }),
  ),
});
const question = fc
  .record({
    change: fc.constantFrom(...changes),
    offset: fc.oneof(minutesAround(240), minutesAround(2 * 1_440), minutesAround(20 * 1_440)),
    ms: fc.constantFrom(0, 0, 1, 59_999),
    windows,
    freezes: fc.array(freeze, { maxLength: 3 }),
    neededMs: fc.oneof(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 6 * 60 * minuteMs })),
    spanDays: fc.integer({ min: 0, max: 20 }),
  })
  .map(({ change: [zone, instant], offset, ms, freezes, neededMs, spanDays, ...rest }) => {
    const made = freezes.map(({ from, length }, index): Freeze => {
      const start = at(instant) + from;
      return { start, end: start + length * minuteMs, reason: 'test', author: `U${index}` };
    });
    const calendar: Calendar = { zone, windows: rest.windows, freezes: made };
    return { calendar, now: at(instant) + offset + ms, neededMs, spanMs: spanDays * dayMs };
  });

/** The same; only what never closes may be cut, and not within two weeks of `from` or `to`. */
function expectSame(found: Interval | null, expected: Interval | null, from: number, to = from): void {
  const start = found && expected && expected.start < found.start && found.start <= from - 14 * dayMs;
  const end = found && expected && found.end < expected.end && to + 14 * dayMs <= found.end;
  expect(found).toEqual(
    expected && { start: start ? found.start : expected.start, end: end ? found.end : expected.end },
  );
}

const runs = { numRuns: Number(process.env.RUNS ?? 800), endOnFailure: false };

describe('minute by minute, as Intl.DateTimeFormat tells local time', () => {
  it('every answer is the same, over seeded calendars and instants', { timeout: 300_000 }, () => {
    fc.assert(
      fc.property(question, ({ calendar, now, neededMs, spanMs }) => {
        const oracle = new Oracle(calendar, now);
        const open = openInterval(calendar, now);
        expectSame(open, oracle.openAt(now), now);
        checkNext(calendar, now, oracle);
        checkFrozen(calendar, now);
        if (open !== null) checkFit(open, now, neededMs);
        const openings = openingsUntil(calendar, now, now + spanMs);
        const expected = oracle.runs.filter(({ start, end }) => start < now + spanMs && end > now && spanMs > 0);
        expect(openings).toHaveLength(expected.length);
        for (const [index, each] of expected.entries()) {
          expectSame(openings[index] ?? null, each, now, now + spanMs);
        }
      }),
      runs,
    );
  });

  it.each(changes)('in %s nothing differs on the days around %s', (zone, change) => {
    for (const windows of [
      'daily 02:00-02:15',
      'daily 23:40-00:10 + Sun 01:00-03:00',
      'Thu-Sun 00:00-24:00',
      '1st and last Thu-Sun 23:40-03:00',
    ]) {
      const calendar = calendarOf(zone, windows);
      const oracle = new Oracle(calendar, at(change));
      for (let now = at(change) - 2 * dayMs; now < at(change) + 2 * dayMs; now += 5 * minuteMs) {
        expectSame(openInterval(calendar, now), oracle.openAt(now), now);
      }
    }
  });
});

function checkNext(calendar: Calendar, now: number, oracle: Oracle): void {
  const next = nextOpening(calendar, now);
  const expected = oracle.nextAfter(now);
  expectSame(next.is === 'opens' ? next.interval : null, expected, now, expected?.start);
  if (next.is === 'opens') return;
  const open = oracle.openAt(now);
  const horizon = calendar.windows.some(({ weeks }) => weeks !== undefined) ? 210 : 14;
  if (calendar.windows.length === 0) expect(next.reason).toBe('no maintenance window is configured');
  else if (open !== null && open.end > oracle.latest(now)) expect(next.reason).toMatch(/open all the time/);
  else expect(next.reason).toMatch(new RegExp(`opens within ${horizon} days: frozen until .* by U`));
}

function checkFrozen({ freezes, ...rest }: Calendar, now: number): void {
  const ends = freezes.filter(({ start, end }) => now >= start && now < end).map(({ end }) => end);
  expect(frozenBy({ freezes, ...rest }, now)?.end ?? null).toBe(ends.length === 0 ? null : Math.max(...ends));
}

function checkFit(open: Interval, now: number, neededMs: number): void {
  expect(fits(open, now, neededMs)).toBe(open.end - now >= neededMs);
  const latest = latestStart(open, neededMs);
  if (latest === null) {
    expect(fits(open, open.start, neededMs)).toBe(false);
    return;
  }
  expect(fits(open, latest, neededMs)).toBe(true);
  expect(fits(open, latest + 1, neededMs)).toBe(false);
}
