import type { Interval } from './interval.ts';

/** How often something was counted, and over how much. */
export interface Count {
  grown: number;
  per: number;
}

/**
 * How many times as often as in `others` something is counted in `mine`. Of all that was counted `mine` has a share, which is held
 * against its share of what it was counted over: an exact binomial (Clopper and Pearson), so that none at all is no trouble.
 * The interval is wrong in at most `alpha` of all cases; `high` is infinite where `others` counted none.
 */
export function timesAsOften(mine: Count, others: Count, alpha: number): Interval {
  const all = mine.grown + others.grown;
  const times = (share: number) => (share / (1 - share)) * (others.per / mine.per);
  return {
    estimate: ratioOf(mine, others),
    low: mine.grown === 0 ? 0 : times(shareWhere(mine.grown, all, alpha / 2)),
    high: others.grown === 0 ? Number.POSITIVE_INFINITY : times(1 - shareWhere(others.grown, all, alpha / 2)),
  };
}

/** With one more for both together, by their shares: so nothing is divided by none, and none on either side is no difference. */
export function ratioOf(one: Count, other: Count): number {
  const both = one.per + other.per;
  return ((one.grown + one.per / both) / one.per) * (other.per / (other.grown + other.per / both));
}

/** The share under which at least `k` of `n` are as rare as `tail`. */
function shareWhere(k: number, n: number, tail: number): number {
  let [low, high] = [0, k / n];
  for (let step = 0; step < 60; step += 1) {
    const middle = (low + high) / 2;
    if (atLeast(k, n, middle) > tail) high = middle;
    else low = middle;
  }
  return low;
}

/** How likely at least `k` of `n` are, for a share below k/n: each further one is less likely than the one before. */
function atLeast(k: number, n: number, share: number): number {
  if (share <= 0) return 0;
  const logOf = logFactorial(n) - logFactorial(k) - logFactorial(n - k);
  let term = Math.exp(logOf + k * Math.log(share) + (n - k) * Math.log1p(-share));
  let sum = term;
  for (let i = k; i < n && term > sum * 1e-13; i += 1) {
    term *= ((n - i) / (i + 1)) * (share / (1 - share));
    sum += term;
  }
  return sum;
}

/** Stirling's series; below ten by hand. */
function logFactorial(n: number): number {
  if (n < 10) return Math.log([1, 1, 2, 6, 24, 120, 720, 5_040, 40_320, 362_880][n] ?? 1);
  return (
    (n + 0.5) * Math.log(n) - n + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * n) - 1 / (360 * n ** 3) + 1 / (1260 * n ** 5)
  );
}
