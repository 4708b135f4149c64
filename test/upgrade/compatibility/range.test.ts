import { describe, expect, it } from 'vitest';
import { holds, overlap, rangeIn } from '../../../src/upgrade/compatibility/index.ts';
import { fc } from '../../support/fast-check.ts';

describe('a range of versions', () => {
  it.each([
    ['1.1.x', ['v1.1.0', '1.1.9', 'v1.1.0-rc.1'], ['v1.0.9', 'v1.2.0', 'v1.2.0-rc.1', 'v2.1.0']],
    ['v1.1', ['v1.1.0', 'v1.1.7'], ['v1.2.0', 'v1.0.0']],
    ['2.x', ['v2.0.0-alpha', 'v2.9.9'], ['v3.0.0-alpha', 'v1.9.9']],
    ['2.0.3', ['v2.0.3', '2.0.3'], ['v2.0.3-rc.1', 'v2.0.4', 'v2.0.2']],
    ['2.0.3-rc.2', ['v2.0.3-rc.2'], ['v2.0.3', 'v2.0.3-rc.1']],
    ['1.0.x - 1.1.x', ['v1.0.0', 'v1.1.9', 'v1.0.0-rc.1'], ['v1.2.0-rc.1', 'v0.9.9']],
    ['1.0.2 - 1.1.4', ['v1.0.2', 'v1.1.4', 'v1.1.4-rc.1'], ['v1.0.2-rc.1', 'v1.1.5']],
  ])('%s has %j and not %j', (range, inside, outside) => {
    expect(inside.filter((version) => !holds(range, version))).toEqual([]);
    expect(outside.filter((version) => holds(range, version))).toEqual([]);
  });

  it.each([
    '',
    'x',
    '1.x.3',
    '1.0.x - ',
    '1.0.x - 1.1.x - 1.2.x',
    '>=1.0.0',
    '^1',
    '2.0.x - 1.1.x',
    '1.1.4 - 1.1.3',
    '1..x',
    'v',
  ])('is not written %j', (written) => expect(rangeIn(written)).toBeNull());

  it.each(['', 'dev', '1.1', 'latest', 'v1.1.x'])('has no %j, which is no version', (version) => {
    expect(holds('1.x', version)).toBe(false);
  });

  const number = fc.integer({ min: 0, max: 3 });
  const version = fc
    .tuple(number, number, number, fc.constantFrom('', '', '-rc.1', '-0'))
    .map(([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre}`);
  const line = fc.oneof(
    version,
    fc.tuple(number, number).map(([major, minor]) => `${major}.${minor}.x`),
    number.map((major) => `${major}.x`),
  );
  const range = fc
    .oneof(
      line,
      fc.tuple(line, line).map((both) => both.join(' - ')),
    )
    .filter((written) => rangeIn(written) !== null);

  it('overlaps with another exactly where some version is in both', () => {
    const numbers = [0, 1, 2, 3, 4];
    const all = numbers.flatMap((major) =>
      numbers.flatMap((minor) =>
        numbers.flatMap((patch) => ['', '-rc.1', '-0'].map((pre) => `${major}.${minor}.${patch}${pre}`)),
      ),
    );
    fc.assert(
      fc.property(range, range, (one, other) => {
        expect(overlap(one, other)).toBe(all.some((each) => holds(one, each) && holds(other, each)));
      }),
    );
  });
});
