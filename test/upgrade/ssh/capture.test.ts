import { describe, expect, it } from 'vitest';
import { longestSecret } from '../../../src/base/cut.ts';
import { redact } from '../../../src/base/redact.ts';
import { createCapture } from '../../../src/upgrade/ssh/capture.ts';
import { shapes } from '../../base/secrets.ts';
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

  it('keeps whole lines of the first and the last 128 KB of more, in whatever pieces it came', () => {
    const lines = Array.from({ length: 90_000 }, (_, at) => `line ${at}\n`).join('');
    const check = (extra: number, chunk: number) => {
      const text = lines.slice(0, 2 * half + extra);
      const [first = '', left = '', last = ''] = captured(text, chunk).split(/\[(\d+) bytes left out\]\n/);
      expect(text.startsWith(first) && text.endsWith(last)).toBe(true);
      expect(first).toMatch(/^line 0\n.*\d\n$/s);
      expect(last).toMatch(/^line \d+\n/);
      expect(first.length + Number(left) + last.length).toBe(text.length);
      expect(first.length).toBeGreaterThan(half - 20);
      expect(last.length).toBeGreaterThan(half - longestSecret - 20);
    };
    fc.assert(fc.property(fc.integer({ min: 1, max: 300_000 }), fc.integer({ min: 500, max: 400_000 }), check), {
      numRuns: 30,
    });
  });

  it('keeps nothing of a line that is longer than all of that', () => {
    expect(captured(letters(3 * half), 10_000)).toBe(`[${3 * half} bytes left out]\n`);
  });

  it('holds no part of a secret where it was cut, whatever shape it has and wherever the cut is', () => {
    const small = longestSecret + 1_024;
    const pad = 'a line of nothing much\n'.repeat(small);
    const leaking = shapes.flatMap(({ name, before, secret, after }) => {
      const text = before + secret + after;
      const bytes = Buffer.from(text);
      const parts = secret.split('\n').flatMap((line) => Array.from(line, (_, from) => line.slice(from, from + 6)));
      return Array.from(bytes, (_, at) => at).flatMap((at) => {
        const capture = createCapture(small);
        const rest = small - (bytes.length - at) - 1;
        capture.push(Buffer.from(pad.slice(-(small - at))));
        for (const part of [bytes, Buffer.from(pad), bytes]) capture.push(part);
        capture.push(Buffer.from(`\n${pad.slice(-rest)}`));
        const kept = capture.text();
        expect(kept).toContain(' bytes left out]');
        // What is far from the cut is nothing much.
        const clean = redact(kept.slice(small - 1_000).slice(0, 3_000));
        return parts.some((part) => part.length === 6 && clean.includes(part))
          ? [`${name}, cut at ${at}: ${clean}`]
          : [];
      });
    });
    expect(leaking.slice(0, 10)).toEqual([]);
  });

  it('may be read while it still grows', () => {
    const capture = createCapture();
    capture.push(Buffer.from('one '));
    expect(capture.text()).toBe('one ');
    capture.push(Buffer.from('two'));
    expect(capture.text()).toBe('one two');
  });
});
