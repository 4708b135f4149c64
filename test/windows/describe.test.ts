import { expect, it } from 'vitest';
import { describeLocal, describeOpening, describePlace, describeWindow } from '../../src/windows/index.ts';
import type { Week, Weekday } from '../../src/windows/types.ts';

it.each([
  ['2026-11-24T07:00:00Z', 'America/New_York', 'Tue 24 Nov 02:00 (America/New_York)'],
  ['2026-11-23T20:30:00Z', 'Asia/Kolkata', 'Tue 24 Nov 02:00 (Asia/Kolkata)'],
  ['2026-07-05T23:59:59Z', 'UTC', 'Sun 5 Jul 23:59 (UTC)'],
])('tells %s in %s as %s', (instant, zone, expected) => {
  expect(describeLocal(Date.parse(instant), zone)).toBe(expected);
});

it.each([
  ['far ahead', '2025-11-24T07:00:00Z', '2026-11-24T07:00:00Z', 'Mon 24 Nov 2025 02:00 (America/New_York)'],
  ['far behind', '2027-11-24T07:00:00Z', '2026-11-24T07:00:00Z', 'Wed 24 Nov 2027 02:00 (America/New_York)'],
  ['next month', '2027-01-05T07:00:00Z', '2026-12-24T07:00:00Z', 'Tue 5 Jan 02:00 (America/New_York)'],
])('tells the year of what lies %s only where it is needed', (_, instant, now, expected) => {
  expect(describeLocal(Date.parse(instant), 'America/New_York', Date.parse(now))).toBe(expected);
});

/** 2026-12-01 is a Tuesday. */
it.each([
  ['2026-12-02T07:00:00Z', 'America/New_York', '2026-12-01T12:00:00Z', 'opens Wed 02:00 New York'],
  ['2026-12-01T07:00:00Z', 'America/New_York', '2026-12-01T06:59:00Z', 'opens Tue 02:00 New York'],
  ['2026-12-07T20:30:00Z', 'Asia/Kolkata', '2026-12-01T18:30:00Z', 'opens Tue 02:00 Kolkata'],
  ['2026-12-07T20:30:00Z', 'Asia/Kolkata', '2026-12-01T18:29:00Z', 'opens Tue 8 Dec 02:00 Kolkata'],
  ['2027-01-05T02:00:00Z', 'Etc/UTC', '2026-12-25T00:00:00Z', 'opens Tue 5 Jan 02:00 UTC'],
  ['2026-12-06T04:15:00Z', 'Australia/Lord_Howe', '2026-12-05T00:00:00Z', 'opens Sun 15:15 Lord Howe'],
])('tells the opening at %s in %s, asked at %s: %s', (start, zone, now, expected) => {
  const interval = { start: Date.parse(start), end: Date.parse(start) + 1 };
  expect(describeOpening({ is: 'opens', interval }, zone, Date.parse(now))).toBe(expected);
});

it('tells why nothing opens', () => {
  expect(describeOpening({ is: 'never', reason: 'frozen by ana' }, 'Etc/UTC', 0)).toBe('frozen by ana');
});

it.each([
  ['America/New_York', 'New York'],
  ['America/Argentina/Buenos_Aires', 'Buenos Aires'],
  ['America/Port-au-Prince', 'Port-au-Prince'],
  ['Asia/Kolkata', 'Kolkata'],
  ['UTC', 'UTC'],
  ['Etc/UTC', 'UTC'],
  ['Etc/GMT+5', 'Etc/GMT+5'],
])('calls the place of %s %s', (zone, expected) => {
  expect(describePlace(zone)).toBe(expected);
});

it.each<[Weekday[], string]>([
  [['tue', 'wed', 'thu'], 'Tue-Thu 02:00–06:00'],
  [['thu', 'tue', 'wed'], 'Tue-Thu 02:00–06:00'],
  [[], 'no day 02:00–06:00'],
  [['mon'], 'Mon 02:00–06:00'],
  [['mon', 'tue'], 'Mon, Tue 02:00–06:00'],
  [['mon', 'wed', 'thu', 'fri', 'sun'], 'Mon, Wed-Fri, Sun 02:00–06:00'],
  [['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], 'daily 02:00–06:00'],
])('tells %j as %s', (days, expected) => {
  expect(describeWindow({ days, from: '02:00', to: '06:00' })).toBe(expected);
});

it.each<[Week[], Weekday[], string]>([
  [[1], ['tue'], '1st Tue 02:00–06:00'],
  [[3, 1], ['tue'], '1st and 3rd Tue 02:00–06:00'],
  [['last'], ['sat', 'sun'], 'last Sat, Sun 02:00–06:00'],
  [['last', 2, 4], ['tue', 'wed', 'thu'], '2nd, 4th and last Tue-Thu 02:00–06:00'],
  [[5], ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], '5th Mon-Sun 02:00–06:00'],
  [[], ['tue'], 'no week of Tue 02:00–06:00'],
])('tells week %j of %j as %s', (weeks, days, expected) => {
  expect(describeWindow({ days, from: '02:00', to: '06:00', weeks })).toBe(expected);
});
