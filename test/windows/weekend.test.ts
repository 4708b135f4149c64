import { expect, it } from 'vitest';
import { nextWorkingDay, spansWeekend } from '../../src/windows/index.ts';
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

it.each([
  ['Tuesday at night: Wednesday morning', 'Etc/UTC', '2024-06-04T03:00', '2024-06-05T09:00'],
  ['Friday morning, before work: Monday', 'Etc/UTC', '2024-06-07T05:00', '2024-06-10T09:00'],
  ['Saturday', 'Etc/UTC', '2024-06-08T12:00', '2024-06-10T09:00'],
  ['Sunday at midnight', 'Etc/UTC', '2024-06-09T00:00', '2024-06-10T09:00'],
  // Friday evening in UTC is Saturday in Auckland, and Sunday evening is Monday.
  ['Saturday there', 'Pacific/Auckland', '2024-06-07T20:00', '2024-06-09T21:00'],
  ['Monday there', 'Pacific/Auckland', '2024-06-09T20:00', '2024-06-10T21:00'],
  ['over the night in which clocks change', 'America/New_York', '2024-03-08T12:00', '2024-03-11T13:00'],
  // Apia had no Friday, 30 December 2011: after Thursday the 29th comes a Saturday.
  ['over a day that nobody lived', 'Pacific/Apia', '2011-12-29T20:00', '2012-01-01T19:00'],
])('after %s in %s, %s, people begin to work at %s', (_what, zone, from, expected) => {
  expect(new Date(nextWorkingDay(at(from), zone)).toISOString().slice(0, 16)).toBe(expected);
});
