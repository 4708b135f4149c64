import { expect, it } from 'vitest';
import { lenient, nearest } from '../../src/base/nearest.ts';

it.each([
  ['stauts', ['status', 'start'], 'status'],
  ['Stop', ['stop', 'start'], 'stop'],
  ['halt', ['help', 'stop'], null],
  ['', ['status'], null],
])('for %s typed among %j it suggests %s', (word, known, expected) => {
  expect(nearest(word, known)).toBe(expected);
});

it.each([
  ['prot', ['port', 'path'], 'port'],
  ['Zone', ['name', 'zone'], 'zone'],
  ['minimumHealth', ['minimumHealthy', 'healthyAnswers'], 'minimumHealthy'],
  ['America/New_Jork', ['America/New_York', 'America/Nome'], 'America/New_York'],
  ['colour', ['port', 'zone'], null],
  ['x', ['port', 'zone'], null],
])('for %s written among %j it suggests %s', (word, known, expected) => {
  expect(nearest(word, known, lenient)).toBe(expected);
});

it('guesses longer words from more mistakes where words are written into a file', () => {
  expect(nearest('selfAproovl', ['selfApproval'])).toBeNull();
  expect(nearest('selfAproovl', ['selfApproval'], lenient)).toBe('selfApproval');
});

it('takes no longer for a word that never ends', () => {
  expect(nearest('a'.repeat(1_000_000), ['status'])).toBeNull();
});
