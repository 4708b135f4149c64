import { describe, expect, it } from 'vitest';
import { Messages, readerOf } from '../../../src/upgrade/ssh/postgres.ts';

const message = (letter: string, body: string | number[]): Buffer => {
  const bytes = Buffer.from(typeof body === 'string' ? Buffer.from(body, 'latin1') : body);
  const head = Buffer.from([letter.charCodeAt(0), 0, 0, 0, 0]);
  head.writeUInt32BE(bytes.length + 4, 1);
  return Buffer.concat([head, bytes]);
};
const read = (...chunks: Buffer[]): string[] => {
  const messages = new Messages();
  return chunks.flatMap((chunk) => [...messages.in(chunk)].map((each) => each.toString('latin1')));
};

describe('what a server says', () => {
  const ready = message('Z', 'I');
  const error = message('E', 'SERROR\0C28P01\0Mno\0\0');

  it('is read message by message, however it is cut', () => {
    const all = Buffer.concat([error, ready, message('S', ''), ready]);
    const each = [error, ready, message('S', ''), ready].map((one) => one.toString('latin1'));
    expect(read(all)).toEqual(each);
    expect(read(...[...all].map((byte) => Buffer.from([byte])))).toEqual(each);
    expect(read(all.subarray(0, 7), all.subarray(7))).toEqual(each);
    expect(read(ready.subarray(0, 5))).toEqual([]);
  });

  it.each([
    ['E', ''],
    ['E', 'M'],
    ['E', 'Mno'],
    ['E', 'Mno\0'],
    ['E', 'Mno\0C'],
    ['N', 'Mno\0'],
  ])('is no %s when it is %j without its end: it would be looked through for ever', (letter, body) => {
    expect(() => read(message(letter, body))).toThrow('began an error');
  });

  it.each([0, 3])('is nothing when it is %i long', (length) => {
    expect(() => read(Buffer.from([0x5a, 0, 0, 0, length]))).toThrow('does not speak PostgreSQL');
  });
});

describe('a value', () => {
  it.each([
    [16, 't', true],
    [20, '9007199254740993', '9007199254740993'],
    [23, '12', 12],
    [701, '0.5', 0.5],
    [1007, '{1,2}', [1, 2]],
    [1009, '{a,b}', ['a', 'b']],
    [3802, '{"a":1}', { a: 1 }],
    [1184, '2026-11-30 02:00:00+00', new Date('2026-11-30T02:00:00Z')],
    [1185, '{"2026-11-30 02:00:00+00"}', '{"2026-11-30 02:00:00+00"}'],
  ])('of type %i that is %j is %j', (type, text, value) => {
    expect(readerOf(type)(text)).toEqual(value);
  });

  it.each([1082, 1114, 1184, 1115, 1182, 1185])('of type %i that is longer than any date is a text', (type) => {
    const long = '1'.repeat(20_000);
    const from = performance.now();
    expect(readerOf(type)(long)).toBe(long);
    expect(performance.now() - from).toBeLessThan(100);
  });
});
