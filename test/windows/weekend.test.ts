import { expect, it } from 'vitest';
import { spansWeekend } from '../../src/windows/index.ts';
import { at } from './tables.ts';

/** 2024-06-08 is a Saturday. */
it.each([
  ['Thursday morning to Tuesday', 'Europe/Dublin', '2024-06-06T05:00', '2024-06-11T01:00', true],
  ['Tuesday to Thursday', 'Europe/Dublin', '2024-06-04T01:00', '2024-06-06T05:00', false],
  [
    'Friday night to Saturday night, by whoever works at weekends',
    'Etc/UTC',
    '2024-06-07T22:00',
    '2024-06-08T22:00',
    false,
  ],
  ['exactly two days', 'Etc/UTC', '2024-06-07T22:00', '2024-06-09T22:00', false],
  ['a little more than two days', 'Etc/UTC', '2024-06-07T22:00', '2024-06-09T22:01', true],
  // Noon in Auckland is midnight in UTC.
  ['up to noon of Saturday there', 'Pacific/Auckland', '2024-06-05T20:00', '2024-06-08T00:00', false],
  ['past noon of Saturday there', 'Pacific/Auckland', '2024-06-05T20:00', '2024-06-08T00:01', true],
  ['from noon of Saturday there', 'Pacific/Auckland', '2024-06-08T00:00', '2024-06-11T00:00', false],
  ['back in time', 'Etc/UTC', '2024-06-11T01:00', '2024-06-06T05:00', false],
])('%s: %s, %s to %s spans a weekend: %s', (_what, zone, from, until, expected) => {
  expect(spansWeekend(at(from), at(until), zone)).toBe(expected);
});
