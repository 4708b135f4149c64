import { describe, expect, it } from 'vitest';
import { shiftOf } from '../../../src/upgrade/comparison/ranks.ts';
import { timesAsOften } from '../../../src/upgrade/comparison/shares.ts';
import { fc } from '../../support/fast-check.ts';

/** All ways to choose `k` of `n`. */
function choices(n: number, k: number, from = 0): number[][] {
  if (k === 0) return [[]];
  return Array.from({ length: n - from }, (_, at) => from + at).flatMap((first) =>
    choices(n, k - 1, first + 1).map((rest) => [first, ...rest]),
  );
}

/** Mann and Whitney's U of every order in which they can stand, one by one. */
function everyStatistic(n: number, m: number): number[] {
  return choices(n + m, n).map((at) => at.reduce((sum, position, index) => sum + position - index, 0));
}

const numbers = (many: number, from: number, step: number) => Array.from({ length: many }, (_, at) => from + at * step);

describe('the shift between two rows of numbers', () => {
  it('is the median of all differences, and lies between those that R leaves out', () => {
    // Of 42 differences; qwilcox(0.025, 7, 6) of R is 7.
    const [before, after] = [numbers(7, 0, 1), numbers(6, 0.5, 10)];
    const differences = after.flatMap((b) => before.map((a) => b - a)).sort((a, b) => a - b);
    const found = shiftOf(before, after, 0.05);
    expect(found).toEqual({ estimate: 22.5, low: differences[6], high: differences[35] });
  });

  it.each([
    [6, 6, 0.05],
    [6, 6, 0.0022],
    [5, 7, 0.05],
    [4, 8, 0.02],
  ])('leaves out what %i and %i rows of chance show in %f of all cases, counted one by one', (n, m, alpha) => {
    const all = everyStatistic(n, m).sort((a, b) => a - b);
    const rareUpTo = (u: number) => all.filter((each) => each <= u).length / all.length;
    let outside = 0;
    while (rareUpTo(outside) <= alpha / 2) outside += 1;
    // Far apart, so that every difference has a place of its own.
    const [before, after] = [numbers(n, 0, 1), numbers(m, 0.001, 100)];
    const differences = after.flatMap((b) => before.map((a) => b - a)).sort((a, b) => a - b);
    const found = shiftOf(before, after, alpha);
    expect(found?.low).toBe(differences[outside - 1]);
    expect(found?.high).toBe(differences[differences.length - outside]);
  });

  it('says nothing where no order is rare enough', () => {
    expect(shiftOf(numbers(5, 0, 1), numbers(5, 10, 1), 0.007)).toBeNull();
    expect(shiftOf(numbers(6, 0, 1), numbers(6, 10, 1), 0.0022)).not.toBeNull();
    expect(shiftOf([], [1], 0.05)).toBeNull();
  });

  it('moves with what is added to all after, and turns with both sides', () => {
    const row = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 6, maxLength: 40 });
    fc.assert(
      fc.property(row, row, fc.integer({ min: -50, max: 50 }), (before, after, more) => {
        const found = shiftOf(before, after, 0.05);
        const moved = shiftOf(
          before,
          after.map((each) => each + more),
          0.05,
        );
        const turned = shiftOf(after, before, 0.05);
        expect(moved?.low).toBe((found?.low ?? 0) + more);
        expect(moved?.estimate).toBe((found?.estimate ?? 0) + more);
        expect(turned?.low).toBeCloseTo(-(found?.high ?? 0), 9);
        expect(found?.low).toBeLessThanOrEqual(found?.estimate ?? 0);
      }),
    );
  });
});

/** P(X >= k), each term by itself and exact: shares in thousandths. */
function atLeast(k: number, n: number, thousandths: number): number {
  const choose = (of: bigint, some: bigint): bigint =>
    some === 0n ? 1n : (choose(of, some - 1n) * (of - some + 1n)) / some;
  let sum = 0n;
  for (let i = BigInt(k); i <= BigInt(n); i += 1n)
    sum += choose(BigInt(n), i) * BigInt(thousandths) ** i * BigInt(1000 - thousandths) ** (BigInt(n) - i);
  return Number((sum * 10n ** 12n) / 1000n ** BigInt(n)) / 1e12;
}

describe('how many times as often', () => {
  it.each([
    // binom.test(7, 10) and binom.test(20, 1000) of R
    [7, 3, 0.3475471, 0.9332605],
    [20, 980, 0.0122581, 0.0307206],
  ])('lies where R has the share of %i to %i', (mine, others, low, high) => {
    const found = timesAsOften({ grown: mine, per: 1 }, { grown: others, per: 1 }, 0.05);
    const share = (odds: number) => odds / (1 + odds);
    expect(share(found.low)).toBeCloseTo(low, 5);
    expect(share(found.high)).toBeCloseTo(high, 5);
  });

  it('goes by the share of what both were counted over', () => {
    const found = timesAsOften({ grown: 10, per: 100 }, { grown: 30, per: 300 }, 0.05);
    expect(found.low).toBeLessThan(1);
    expect(found.high).toBeGreaterThan(1);
    expect(found.estimate).toBeCloseTo(1, 1);
  });

  it('knows what to say of none at all', () => {
    const one = { grown: 10, per: 100 };
    const none = { grown: 0, per: 300 };
    expect(timesAsOften(one, none, 0.05)).toMatchObject({ high: Number.POSITIVE_INFINITY });
    expect(timesAsOften(one, none, 0.05).low).toBeGreaterThan(1);
    expect(timesAsOften(none, one, 0.05).low).toBe(0);
    expect(timesAsOften(none, one, 0.05).high).toBeLessThan(1);
  });

  it('is exact: at its lower end as many as these are as rare as was asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 200 }), (mine, others) => {
        const { low } = timesAsOften({ grown: mine, per: 1 }, { grown: others, per: 1 }, 0.05);
        const share = low / (1 + low);
        const [below, above] = [Math.floor(share * 1000), Math.ceil(share * 1000)];
        expect(atLeast(mine, mine + others, below)).toBeLessThanOrEqual(0.025 + 1e-9);
        expect(atLeast(mine, mine + others, above)).toBeGreaterThanOrEqual(0.025 - 1e-9);
      }),
      { numRuns: 60 },
    );
  });

  it('takes no time over a million', () => {
    const found = timesAsOften({ grown: 1_000_000, per: 1 }, { grown: 1_000_000, per: 1 }, 0.05);
    expect(found.low).toBeCloseTo(0.99723, 4);
  });
});
