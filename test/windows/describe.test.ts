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

it.each<[Weekday[], string]>([
  [['tue', 'wed', 'thu'], 'Tue-Thu 02:00–06:00'],
  [['thu', 'tue', 'wed'], 'Tue-Thu 02:00–06:00'],
  [['mon'], 'Mon 02:00–06:00'],
  [['mon', 'tue'], 'Mon, Tue 02:00–06:00'],
  [['mon', 'wed', 'thu', 'fri', 'sun'], 'Mon, Wed-Fri, Sun 02:00–06:00'],
  [['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'], 'daily 02:00–06:00'],
])('tells %j as %s', (days, expected) => {
  expect(describeWindow({ days, from: '02:00', to: '06:00' })).toBe(expected);
});
