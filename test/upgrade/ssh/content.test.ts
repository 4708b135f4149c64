import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { openContent } from '../../../src/upgrade/ssh/content.ts';

const folder = mkdtempSync(join(tmpdir(), 'content-'));
afterAll(() => rmSync(folder, { recursive: true }));
let count = 0;

/** What is heard of a stream that comes in pieces that end at these places. */
function heard(stream: Buffer, cuts: number[], most = 1_000_000) {
  const path = join(folder, String(++count));
  const content = openContent({ path, most });
  const ends = [...new Set([...cuts.map((cut) => cut % (stream.length + 1)), stream.length])].sort((a, b) => a - b);
  let from = 0;
  let text = '';
  for (const end of ends) {
    text += content.text(stream.subarray(from, end)).toString('latin1');
    from = end;
  }
  content.close();
  return { text, file: readFileSync(path), mode: statSync(path).mode & 0o777 };
}
const framed = (body: Buffer, size = body.length) =>
  Buffer.concat([Buffer.from(`Welcome!\n@@zw content ${size}\n`), body, Buffer.from('@@zw end ok\n')]);

describe('content in what a command says', () => {
  it('is parted from it, wherever the stream is cut and whatever it holds', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.nat(400), { maxLength: 8 }), (bytes, cuts) => {
        const body = Buffer.from(bytes);
        const { text, file, mode } = heard(framed(body), cuts);
        expect(text).toBe(`Welcome!\n@@zw content ${body.length}\n@@zw end ok\n`);
        expect(file.equals(body)).toBe(true);
        expect(mode).toBe(0o600);
      }),
    );
  });

  it('holds lines like its own without being misread', () => {
    const body = Buffer.from('@@zw content 3\nabc@@zw end ok\n');
    expect(heard(framed(body), [30, 41]).file.equals(body)).toBe(true);
  });

  it('is no more than was asked for, and nothing without a number', () => {
    expect(heard(framed(Buffer.alloc(50, 1)), [], 10).file.length).toBe(10);
    expect(heard(framed(Buffer.alloc(5, 1), Number.NaN), []).file.length).toBe(0);
    expect(heard(framed(Buffer.alloc(5, 1), -1), []).file.length).toBe(0);
    expect(heard(Buffer.from('no content at all\n'), []).text).toBe('no content at all\n');
  });
});
