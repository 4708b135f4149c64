import { describe, expect, it } from 'vitest';
import { type BuildTold, heard, nothingTold, readsFrom } from '../../src/jobs/build-told.ts';

const fresh = nothingTold('v2.0.0', 1);
/** As looks bring it: in pieces of these sizes, each from where the last one was read to. */
function readIn(log: string, sizes: number[], every = 2_000): BuildTold {
  const bytes = Buffer.from(log);
  let told = fresh;
  let end = 0;
  let now = 0;
  for (const size of sizes) {
    end = Math.min(bytes.length, end + size);
    now += every;
    told = heard(told, told.read, bytes.subarray(told.read, end), now, false);
  }
  return heard(told, told.read, bytes.subarray(told.read), now, true);
}

describe('what is told of a log', () => {
  it('is all of it, where it fits, however it was read', () => {
    const log = Array.from({ length: 100 }, (_, at) => `compiling ${at}`).join('\n');
    for (const sizes of [[], [1, 2, 3, 500, 7], Array.from({ length: 300 }, () => 5)]) {
      const told = readIn(log, sizes);
      expect(told.pieces.join('\n')).toBe(log);
      expect([told.leftOut, told.read]).toEqual([0, log.length]);
    }
  });

  it('shows no half of a line, so no half of a secret', () => {
    const log = 'begin\ntoken=ghp_abcdefghijklmnopqrstuvwxyz0123456789\nend\n';
    for (let at = 1; at < log.length; at += 1) {
      const told = readIn(log, [at], 20_000);
      expect(JSON.stringify(told)).not.toMatch(/ghp_|abcdefgh|0123456789/);
      expect(told.pieces.join('\n').split('\n')[0]).toBe('begin');
    }
  });

  it('comes in pieces that fit a message, or of what fifteen seconds brought', () => {
    const told = readIn(`${'x '.repeat(140)}\n`.repeat(40), [20_000]);
    expect(told.pieces.length).toBeGreaterThan(3);
    expect(told.pieces.every((piece) => piece.length <= 2_400)).toBe(true);
    const slow = readIn('a\nb\nc\nd\n', [2, 2, 2, 2], 10_000);
    expect(slow.pieces).toEqual(['a\nb\nc', 'd']);
    const slower = readIn(
      'x\n'.repeat(400),
      Array.from({ length: 400 }, () => 2),
    );
    expect(slower.pieces.length).toBeLessThanOrEqual(12);
    expect(slower.leftOut).toBe(0);
  });

  it('is no more than a thread holds, and the end', () => {
    const log = Array.from({ length: 50_000 }, (_, at) => `line ${at}`).join('\n');
    const told = readIn(
      log,
      Array.from({ length: 40 }, () => 20_000),
    );
    expect(told.pieces.length).toBeLessThanOrEqual(12);
    expect(told.leftOut).toBeGreaterThan(400_000);
    expect(told.last.at(-1)).toBe('line 49999');
    expect(JSON.stringify(told).length).toBeLessThan(40_000);
  });

  it('is read at its end where it grows faster than it is read, and by whole lines there', () => {
    expect(readsFrom(fresh, 200_000)).toBe(0);
    expect(readsFrom(fresh, 1_000_000)).toBe(980_000);
    const told = heard(fresh, 980_000, Buffer.from('alf a line\nwhole\n'), 0, true);
    expect(told.last).toEqual(['whole']);
    expect(told).toMatchObject({ read: 980_017, leftOut: 980_011 });
  });

  it('leaves out a line that is not whole in one look, and goes on behind it', () => {
    const told = heard(fresh, 0, Buffer.alloc(24_000, 'x'), 0, false);
    expect(told).toMatchObject({ read: 24_000, leftOut: 24_000, last: [] });
  });

  it('shows what a terminal would, without its signs', () => {
    expect(readIn('10%\r50%\r100%\n\u001b[31mred\u001b[0m\n', []).last).toEqual(['100%', 'red']);
  });
});
