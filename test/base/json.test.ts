import { expect, it } from 'vitest';
import { jsonIn, objectIn } from '../../src/base/json.ts';

it('finds an object in what somebody sent, and nothing in anything else', () => {
  expect(objectIn(JSON.parse('{"status":"healthy"}'))).toEqual({ status: 'healthy' });
  for (const other of [null, undefined, 'healthy', 7, [{ status: 'healthy' }]]) expect(objectIn(other)).toBeNull();
});

it.each<[string, unknown]>([
  ['{"a":[1,{"b":"]}"}]}', { a: [1, { b: ']}' }] }],
  ['"[[[["', '[[[['],
  [`"${'\\\\[\\"['.repeat(100)}"`, '\\["['.repeat(100)],
  ['['.repeat(32) + ']'.repeat(32), JSON.parse('['.repeat(32) + ']'.repeat(32))],
  ['['.repeat(33) + ']'.repeat(33), undefined],
  ['{"a":'.repeat(2_000_000), undefined],
  ['{"a":1', undefined],
  ['', undefined],
  ['healthy', undefined],
])('reads JSON that is no deeper than an answer may be: %.40s', (text, value) => {
  expect(jsonIn(text)).toEqual(value);
});
