import type { Interval } from './interval.ts';
import { median } from './median.ts';

/**
 * By how much `after` lies above `before`: the median of all differences (Hodges and Lehmann), and the exact interval of Mann and
 * Whitney around it, which is wrong in at most `alpha` of all cases. null: there are too few for that.
 */
export function shiftOf(before: readonly number[], after: readonly number[], alpha: number): Interval | null {
  const differences = after.flatMap((b) => before.map((a) => b - a)).sort((a, b) => a - b);
  const rank = rankOf(before.length, after.length, alpha / 2);
  const [low, high] = [differences[rank - 1], differences[differences.length - rank]];
  if (rank === 0 || low === undefined || high === undefined) return null;
  return { estimate: median(differences), low, high };
}

/** How many of the differences, sorted, lie outside at either end: the most for which fewer are as rare as `tail`. */
function rankOf(before: number, after: number, tail: number): number {
  const ways = waysOf(before, after);
  const all = ways.reduce((sum, each) => sum + each, 0);
  let seen = 0;
  for (const [statistic, count] of ways.entries()) {
    seen += count;
    if (seen / all > tail) return statistic;
  }
  return 0;
}

/** By Mann and Whitney's U: in how many ways `n` and `m` values can stand in a row so that it comes out. */
function waysOf(n: number, m: number): number[] {
  // The coefficients of the Gaussian binomial: times (1 - q^(m+i)), over (1 - q^i).
  const ways: number[] = Array.from({ length: n * m + 1 }, (_, u) => (u === 0 ? 1 : 0));
  for (let i = 1; i <= n; i += 1) {
    for (let u = ways.length - 1; u >= m + i; u -= 1) ways[u] = (ways[u] ?? 0) - (ways[u - m - i] ?? 0);
    for (let u = i; u < ways.length; u += 1) ways[u] = (ways[u] ?? 0) + (ways[u - i] ?? 0);
  }
  return ways;
}
