import { describe, expect, it } from 'vitest';
import { fits, frozenBy, nextOpening, openInterval } from '../../src/windows/index.ts';
import type { Calendar, Freeze, Weekday, Window } from '../../src/windows/types.ts';

const usual: Window = { days: ['tue', 'wed', 'thu'], from: '02:00', to: '06:00' };

function calendar(zone: string, windows: Window[] = [usual], freezes: Freeze[] = []): Calendar {
  return { zone, windows, freezes };
}

function at(utc: string): number {
  return Date.parse(`${utc}Z`);
}

function on(day: Weekday, from: string, to: string): Window {
  return { days: [day], from, to };
}

function freeze(start: string, end: string, author = 'ana'): Freeze {
  return { start: at(start), end: at(end), reason: 'year-end sale', author };
}

function opened(zone: string, now: string, windows?: Window[], freezes?: Freeze[]): string | null {
  const interval = openInterval(calendar(zone, windows, freezes), at(now));
  return interval && `${shown(interval.start)} ${shown(interval.end)}`;
}

function opensNext(zone: string, after: string, windows?: Window[], freezes?: Freeze[]): string {
  const opening = nextOpening(calendar(zone, windows, freezes), at(after));
  if (opening.is === 'never') return opening.reason;
  return `${shown(opening.interval.start)} ${shown(opening.interval.end)}`;
}

function shown(instant: number): string {
  return new Date(instant).toISOString().slice(0, 16);
}

describe('the usual window, Tuesday to Thursday 02:00–06:00 local', () => {
  it.each([
    ['Asia/Kolkata', '2026-07-06T00:00', '2026-07-06T20:30 2026-07-07T00:30'],
    ['Europe/Dublin', '2026-07-06T00:00', '2026-07-07T01:00 2026-07-07T05:00'],
    ['America/New_York', '2026-07-06T00:00', '2026-07-07T06:00 2026-07-07T10:00'],
    ['Asia/Kolkata', '2026-11-30T00:00', '2026-11-30T20:30 2026-12-01T00:30'],
    ['Europe/Dublin', '2026-11-30T00:00', '2026-12-01T02:00 2026-12-01T06:00'],
    ['America/New_York', '2026-11-30T00:00', '2026-12-01T07:00 2026-12-01T11:00'],
    ['Asia/Kolkata', '2027-03-15T00:00', '2027-03-15T20:30 2027-03-16T00:30'],
    ['Europe/Dublin', '2027-03-15T00:00', '2027-03-16T02:00 2027-03-16T06:00'],
    ['America/New_York', '2027-03-15T00:00', '2027-03-16T06:00 2027-03-16T10:00'],
  ])('in %s opens next after %s at %s', (zone, after, expected) => {
    expect(opensNext(zone, after)).toBe(expected);
  });

  it.each([
    ['a millisecond before the start', '2026-12-01T06:59:59.999', null],
    ['at the start', '2026-12-01T07:00', '2026-12-01T07:00 2026-12-01T11:00'],
    ['a millisecond before the end', '2026-12-01T10:59:59.999', '2026-12-01T07:00 2026-12-01T11:00'],
    ['at the end', '2026-12-01T11:00', null],
    ['on the last day', '2026-12-03T08:00', '2026-12-03T07:00 2026-12-03T11:00'],
    ['on a Friday', '2026-12-04T08:00', null],
    ['on a Monday', '2026-11-30T08:00', null],
  ])('in New York %s (%s) is %s', (_, now, expected) => {
    expect(opened('America/New_York', now)).toBe(expected);
  });

  it.each([
    ['is open on Monday evening UTC, which is Tuesday there', '2026-11-30T21:00', '2026-11-30T20:30 2026-12-01T00:30'],
    ['is closed on Thursday evening UTC, which is Friday there', '2026-12-03T21:00', null],
  ])('in Kolkata %s', (_, now, expected) => {
    expect(opened('Asia/Kolkata', now)).toBe(expected);
  });

  it.each([
    ['the same night when it is still closed', '2026-12-01T06:00', '2026-12-01T07:00 2026-12-01T11:00'],
    ['the next day when it is open now', '2026-12-01T07:00', '2026-12-02T07:00 2026-12-02T11:00'],
    ['the next week after Thursday', '2026-12-03T11:00', '2026-12-08T07:00 2026-12-08T11:00'],
    ['the right instant across the spring change', '2027-03-11T12:00', '2027-03-16T06:00 2027-03-16T10:00'],
    ['the right instant across the autumn change', '2026-10-29T12:00', '2026-11-03T07:00 2026-11-03T11:00'],
  ])('in New York opens next %s', (_, after, expected) => {
    expect(opensNext('America/New_York', after)).toBe(expected);
  });
});

describe('a window that meets a clock change', () => {
  const newYork = 'America/New_York';
  const cairo = 'Africa/Cairo';

  it.each([
    [
      'is an hour shorter over the gap',
      newYork,
      on('sun', '01:00', '06:00'),
      '2027-03-14T06:30',
      '2027-03-14T06:00 2027-03-14T10:00',
    ],
    [
      'begins after the gap when its start is skipped',
      newYork,
      on('sun', '02:30', '06:00'),
      '2027-03-14T07:45',
      '2027-03-14T07:30 2027-03-14T10:00',
    ],
    ['is not open before a skipped start', newYork, on('sun', '02:30', '06:00'), '2027-03-14T07:15', null],
    [
      'is an hour longer over the overlap',
      newYork,
      on('sun', '01:00', '06:00'),
      '2026-11-01T05:30',
      '2026-11-01T05:00 2026-11-01T11:00',
    ],
    [
      'takes the first of two equal times',
      newYork,
      on('sun', '01:30', '01:45'),
      '2026-11-01T05:40',
      '2026-11-01T05:30 2026-11-01T05:45',
    ],
    ['is not open in the repeated hour', newYork, on('sun', '01:30', '01:45'), '2026-11-01T06:40', null],
    ['vanishes when both ends fall into the gap', newYork, on('sun', '02:00', '03:00'), '2027-03-14T07:00', null],
    ['vanishes when the gap would turn it around', newYork, on('sun', '02:30', '03:00'), '2027-03-14T07:30', null],
    [
      'loses the midnight hour in Cairo',
      cairo,
      on('fri', '00:00', '04:00'),
      '2027-04-29T22:30',
      '2027-04-29T22:00 2027-04-30T01:00',
    ],
    ['vanishes in the midnight hour of Cairo', cairo, on('fri', '00:00', '01:00'), '2027-04-29T22:00', null],
    [
      'gains the hour before midnight in Cairo',
      cairo,
      on('thu', '22:00', '02:00'),
      '2026-10-29T21:30',
      '2026-10-29T19:00 2026-10-30T00:00',
    ],
  ])('%s', (_, zone, window, now, expected) => {
    expect(opened(zone, now, [window])).toBe(expected);
  });

  it('is skipped for the next week when nothing of it is left', () => {
    expect(opensNext(newYork, '2027-03-13T12:00', [on('sun', '02:00', '03:00')])).toBe(
      '2027-03-21T06:00 2027-03-21T07:00',
    );
  });
});

describe('a window over midnight', () => {
  const late = on('sat', '22:00', '04:00');

  it.each([
    ['is open on its own day', '2026-12-05T23:00', '2026-12-05T22:00 2026-12-06T04:00'],
    ['is open on the next day', '2026-12-06T03:00', '2026-12-05T22:00 2026-12-06T04:00'],
    ['is closed on the morning of its own day', '2026-12-05T03:00', null],
    ['is closed on the next evening', '2026-12-06T23:00', null],
  ])('%s', (_, now, expected) => {
    expect(opened('UTC', now, [late])).toBe(expected);
  });

  it('lasts a whole day when both times are equal', () => {
    expect(opened('UTC', '2026-12-05T12:00', [on('sat', '00:00', '00:00')])).toBe('2026-12-05T00:00 2026-12-06T00:00');
  });
});

describe('several windows', () => {
  const evening = on('sat', '22:00', '00:00');
  const night = on('sun', '00:00', '04:00');

  it('count as one when they touch', () => {
    expect(opened('UTC', '2026-12-05T23:00', [evening, night])).toBe('2026-12-05T22:00 2026-12-06T04:00');
    expect(opensNext('UTC', '2026-12-05T23:00', [evening, night])).toBe('2026-12-12T22:00 2026-12-13T04:00');
  });

  it('last until the later end when they overlap', () => {
    const windows = [on('sat', '02:00', '08:00'), on('sat', '03:00', '05:00')];
    expect(opened('UTC', '2026-12-05T04:00', windows)).toBe('2026-12-05T02:00 2026-12-05T08:00');
  });

  it('stay apart when there is a gap', () => {
    const windows = [on('sat', '02:00', '04:00'), on('sat', '05:00', '06:00')];
    expect(opensNext('UTC', '2026-12-05T03:00', windows)).toBe('2026-12-05T05:00 2026-12-05T06:00');
  });

  it('that never close leave hours of room just before midnight', () => {
    const always: Window = { days: ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], from: '00:00', to: '00:00' };
    const now = at('2026-12-05T23:59');
    const interval = openInterval(calendar('UTC', [always]), now);
    expect(interval !== null && fits(interval, now, 3_600_000)).toBe(true);
    expect(opensNext('UTC', '2026-12-05T23:59', [always])).toMatch(/open all the time/);
  });
});

describe('a freeze', () => {
  it.each([
    ['closes the window while it lasts', '2026-12-01T03:00', [freeze('2026-12-01T02:30', '2026-12-01T04:00')], null],
    [
      'ends the window at its start',
      '2026-12-01T02:15',
      [freeze('2026-12-01T02:30', '2026-12-01T04:00')],
      '2026-12-01T02:00 2026-12-01T02:30',
    ],
    [
      'lets the window go on at its end',
      '2026-12-01T04:00',
      [freeze('2026-12-01T02:30', '2026-12-01T04:00')],
      '2026-12-01T04:00 2026-12-01T06:00',
    ],
    [
      'that ends at the start of a window changes nothing',
      '2026-12-01T02:00',
      [freeze('2026-11-20T00:00', '2026-12-01T02:00')],
      '2026-12-01T02:00 2026-12-01T06:00',
    ],
    [
      'that is written the wrong way round changes nothing',
      '2026-12-01T03:00',
      [freeze('2026-12-01T04:00', '2026-12-01T02:30')],
      '2026-12-01T02:00 2026-12-01T06:00',
    ],
  ])('%s', (_, now, freezes, expected) => {
    expect(opened('Europe/Dublin', now, [usual], freezes)).toBe(expected);
  });

  it('moves the next opening to its end, inside the window', () => {
    const freezes = [freeze('2026-11-28T00:00', '2026-12-01T04:00')];
    expect(opensNext('Europe/Dublin', '2026-11-29T00:00', [usual], freezes)).toBe('2026-12-01T04:00 2026-12-01T06:00');
  });

  it('moves the next opening to the next window that it leaves', () => {
    const freezes = [freeze('2026-11-28T00:00', '2026-12-02T12:00')];
    expect(opensNext('Europe/Dublin', '2026-11-29T00:00', [usual], freezes)).toBe('2026-12-03T02:00 2026-12-03T06:00');
  });

  it('is named with its author, reason and end when it covers the next 14 days', () => {
    const freezes = [freeze('2026-12-10T00:00', '2027-01-04T00:00')];
    expect(opensNext('Europe/Dublin', '2026-12-11T00:00', [usual], freezes)).toBe(
      'no window (Tue-Thu 02:00–06:00, Europe/Dublin) opens within 14 days: ' +
        'frozen until Mon 4 Jan 00:00 (Europe/Dublin) by ana (year-end sale)',
    );
  });

  it('is found while it lasts, the longest first, and not at its end', () => {
    const freezes = [
      freeze('2026-12-01T00:00', '2026-12-02T00:00'),
      freeze('2026-12-01T00:00', '2026-12-05T00:00', 'bo'),
    ];
    expect(frozenBy(calendar('UTC', [usual], freezes), at('2026-12-01T00:00'))?.author).toBe('bo');
    expect(frozenBy(calendar('UTC', [usual], freezes), at('2026-12-05T00:00'))).toBeNull();
  });
});

it('says that no window is configured instead of looking for one', () => {
  expect(opensNext('UTC', '2026-12-01T00:00', [])).toBe('no maintenance window is configured');
});

it('does not promise a window that is more than 14 days away', () => {
  const freezes = [freeze('2026-12-01T00:00', '2026-12-15T00:00')];
  expect(opensNext('UTC', '2026-12-01T00:00', [on('tue', '01:00', '02:00')], freezes)).toMatch(
    /^no window .* within 14 days/,
  );
});

it.each([
  ['ends exactly with the interval', 10, 90, true],
  ['ends one millisecond later', 10, 91, false],
  ['begins before the interval', -1, 10, false],
  ['begins at its end', 100, 0, false],
])('fits work that %s: %i + %i -> %s', (_, now, needed, expected) => {
  expect(fits({ start: 0, end: 100 }, now, needed)).toBe(expected);
});
