import { describe, expect, it } from 'vitest';
import { createCapture } from '../../../src/upgrade/ssh/capture.ts';
import { fc } from '../../support/fast-check.ts';

const half = 128 * 1024;

/** Letters that differ from place to place, so that a wrong cut shows. */
function letters(length: number): string {
  return Array.from({ length }, (_, index) => String.fromCharCode(97 + (index % 23))).join('');
}

function captured(text: string, chunk: number): string {
  const capture = createCapture();
  for (let at = 0; at < text.length; at += chunk) capture.push(Buffer.from(text.slice(at, at + chunk)));
  return capture.text();
}

describe('captured output', () => {
  it.each([0, 1, half, 2 * half])('of %i bytes is kept whole', (length) => {
    expect(captured(letters(length), 10_000)).toBe(letters(length));
  });

  it('keeps the first and the last 128 KB of more, in whatever pieces it came', () => {
    const check = (extra: number, chunk: number) => {
      const text = letters(2 * half + extra);
      const expected = `${text.slice(0, half)}\n[${extra} bytes left out]\n${text.slice(-half)}`;
      expect(captured(text, chunk) === expected).toBe(true);
    };
    fc.assert(fc.property(fc.integer({ min: 1, max: 300_000 }), fc.integer({ min: 500, max: 400_000 }), check), {
      numRuns: 30,
    });
  });

  it('may be read while it still grows', () => {
    const capture = createCapture();
    capture.push(Buffer.from('one '));
    expect(capture.text()).toBe('one ');
    capture.push(Buffer.from('two'));
    expect(capture.text()).toBe('one two');
  });
});
