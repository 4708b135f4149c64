import { expect, it } from 'vitest';
import { canonical } from '../../src/trust/canonical.ts';
import { fc } from '../support/fast-check.ts';

it.each([
  [{ b: 1, a: [true, null, undefined], c: undefined }, '{"a":[true,null,null],"b":1}'],
  [{ 10: 'x', 9: 'y', é: 1, Z: 2, a: 3 }, '{"10":"x","9":"y","Z":2,"a":3,"é":1}'],
  [{ '': { '"': '\n' } }, '{"":{"\\"":"\\n"}}'],
  [null, 'null'],
  [undefined, 'null'],
  ['a', '"a"'],
])('%j is spelled %s', (value, spelled) => {
  expect(canonical(value)).toBe(spelled);
});

/** Names in whatever order; the order of code units is that of UTF-16, not of a language. */
const inOrder = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => [name, inOrder(member)]);
};

it('spells equal values alike, whatever order their members have, and says the same when it is read again', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), (made) => {
      const value: unknown = JSON.parse(JSON.stringify(made));
      const read: unknown = JSON.parse(canonical(value));
      expect(read).toEqual(value);
      const turned = JSON.parse(JSON.stringify(value), (_, each) =>
        typeof each === 'object' && each !== null && !Array.isArray(each)
          ? Object.fromEntries(Object.entries(each).reverse())
          : each,
      );
      expect(canonical(turned)).toBe(canonical(value));
      expect(canonical(read)).toBe(canonical(value));
      expect(JSON.stringify(inOrder(read))).toBe(JSON.stringify(inOrder(value)));
    }),
    { numRuns: 500 },
  );
});
