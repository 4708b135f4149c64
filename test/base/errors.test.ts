import { expect, it } from 'vitest';
import { Bug, Refused, wordsOf } from '../../src/base/errors.ts';

it('tells whose fault it is by the name, which a room can ask for without loading the one that threw', () => {
  expect(new Refused('There is no release v3.0.0.').name).toBe('Refused');
  expect(new Bug('start is not stop').name).toBe('Bug');
});

it('says of a mistake of ours that it is one', () => {
  expect(new Bug('start is not stop').message).toBe('bug: start is not stop');
});

it('finds words for whatever was thrown', () => {
  expect(wordsOf(new Refused('There is no release v3.0.0.'))).toBe('There is no release v3.0.0.');
  expect(wordsOf('gone')).toBe('gone');
  expect(wordsOf(undefined)).toBe('undefined');
});
