import { expect, it } from 'vitest';
import { describeLocal, describeWindow } from '../../src/windows/index.ts';
import type { Weekday } from '../../src/windows/types.ts';

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
