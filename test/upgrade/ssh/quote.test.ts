import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandLine, quote, stdinOf } from '../../../src/upgrade/ssh/quote.ts';
import type { Command } from '../../../src/upgrade/ssh/types.ts';
import { fc } from '../../support/fast-check.ts';

const nasty = fc.constantFrom(
  "'",
  '"',
  '\n',
  '$(id)',
  '`id`',
  '\\',
  '-n',
  '--',
  ' ',
  '\t',
  '!',
  '*',
  '~',
  '#',
  'ü',
  '🚀',
  '',
);
/** A lone surrogate has no UTF-8, so nobody could send one. */
const wellFormed = (text: string) => Buffer.from(text, 'utf8').toString('utf8');

const word = fc
  .array(fc.oneof(nasty, fc.string({ unit: 'binary' })), { maxLength: 6 })
  .map((parts) => wellFormed(parts.join('').replaceAll('\0', '')));

const command: Command = { name: 'try', script: 'true', args: ['v2.0.0', "it's"], sudo: false, timeoutMs: 1500 };
const clean = 'env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C';

describe('quoting', () => {
  it('brings any words through a real sh unchanged', () => {
    const check = (words: string[]) => {
      const line = ['printf', "'%s\\0'", ...words.map(quote)].join(' ');
      const out = execFileSync('/bin/sh', ['-c', line], { encoding: 'utf8' });
      expect(out).toBe(words.map((one) => `${one}\0`).join(''));
    };
    fc.assert(fc.property(fc.array(word, { minLength: 1, maxLength: 5 }), check), { numRuns: 150 });
  });

  it('refuses a NUL byte, which would cut the word short', () => {
    expect(() => quote('a\0b')).toThrow(TypeError);
  });
});

describe('a rendered command', () => {
  it('empties the environment and limits the time', () => {
    expect(commandLine(command)).toBe(`exec /usr/bin/${clean} timeout -k 5 2 sh -s -- 'v2.0.0' 'it'\\''s'`);
  });

  it('becomes root without ever asking for a password', () => {
    expect(commandLine({ ...command, sudo: true, args: [] })).toBe(
      `exec /usr/bin/${clean} sudo -n -- ${clean} timeout -k 5 2 sh -s --`,
    );
  });

  it('has no effect at all when its script is cut anywhere', () => {
    const whole = stdinOf({ ...command, script: 'echo one\necho two # end' });
    for (let cut = 0; cut < whole.trimEnd().length; cut++) {
      const out = execFileSync('/bin/sh', ['-c', 'sh -s 2>&1 || true'], {
        input: whole.slice(0, cut),
        encoding: 'utf8',
      });
      expect(out).not.toMatch(/^(one|two)$/m);
    }
    expect(execFileSync('/bin/sh', ['-s'], { input: whole, encoding: 'utf8' })).toBe('one\ntwo\n');
  });
});
