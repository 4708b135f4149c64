import { expect, it } from 'vitest';
import { day, hour, inSeconds, inWords, minute } from '../../src/base/duration.ts';

it.each([
  [0, '0 s'],
  [1_499, '1 s'],
  [15_000, '15 s'],
  [90 * minute, '5400 s'],
])('says %i ms as %s', (ms, words) => {
  expect(inSeconds(ms)).toBe(words);
});

it('says tenths where they count', () => {
  expect(inSeconds(1_490, 1)).toBe('1.5 s');
  expect(inSeconds(3_000, 1)).toBe('3 s');
});

it('has days of 24 hours; what a clock change does to one is the business of windows', () => {
  expect(day).toBe(86_400_000);
});

it.each([
  [0, '0 s'],
  [400, '1 s'],
  [90_000, '90 s'],
  [90_001, '91 s'],
  [119_001, '2 min'],
  [minute * 15, '15 min'],
  [hour * 2, '2 h'],
  [hour * 3 + minute * 20, '3 h 20 min'],
  [hour * 48, '48 h'],
  [hour * 47 + 1, '47 h 1 min'],
  [hour * 48 + 1, '2 days 1 h'],
  [hour * 49, '2 days 1 h'],
  [hour * 72, '3 days'],
  [hour * 132 + minute * 40, '5 days 13 h'],
])('says %i ms as %s, never less than it is', (ms, words) => {
  expect(inWords(ms)).toBe(words);
});

it('says what is over to the nearest', () => {
  expect(inWords(minute * 5 + 20_000, Math.round)).toBe('5 min');
  expect(inWords(hour * 132 + minute * 20, Math.round)).toBe('5 days 12 h');
});
