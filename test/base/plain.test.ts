import { expect, it } from 'vitest';
import { plain, plainLine } from '../../src/base/plain.ts';
import { plainInput } from '../../src/bot/parse/words.ts';
import { clean, foreign } from '../../src/bot/views/text.ts';
import { lineOf } from '../../src/doctor/finding.ts';

const hostile = 'a\u001b[31mb\u001b]0;title\u0007c\u202ed\u200be\ufefff\u0085g\u2028h\ufff9i\u0000j';

it('takes away what a terminal or a chat would obey, and what nobody sees', () => {
  expect(plain(hostile)).toBe('abcdefghij');
  expect(plain('a\tb\nc')).toBe('a\tb\nc');
  expect(plainLine('a\r\nb\u2028c\t d ')).toBe('a b c d');
});

it.each([
  ['the chat', clean],
  ['a line in the chat', (text: string) => foreign(text)],
  ['what was typed', plainInput],
  ['the doctor', (text: string) => lineOf({ is: 'wrong', subject: 'x', text }, 1).slice('FAIL x  '.length)],
])('is the one rule, for %s', (_, through) => {
  expect(through(hostile).replaceAll(' ', '')).toBe('abcdefghij');
});

it('has no shortcut for what only looks harmless', () => {
  for (let code = 0; code < 0x80; code += 1) {
    const char = String.fromCharCode(code);
    // With a letter that no shortcut knows, the whole rule is asked.
    expect(plain(`a${char}b`), `${code}`).toBe(plain(`é a${char}b`).slice(2));
  }
});
