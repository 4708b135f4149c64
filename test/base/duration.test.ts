import { expect, it } from 'vitest';
import { day, inSeconds, inWords, minute } from '../../src/base/duration.ts';

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
  [90_001, '2 min'],
  [minute * 15, '15 min'],
])('says %i ms as %s, never less than it is', (ms, words) => {
  expect(inWords(ms)).toBe(words);
});
