import type { Rollout } from './types.ts';

/** A gap between two events that is longer counts as this much (ms): a clock that jumped, or nobody was there. */
export const largestGap = 10_000;

/** Milliseconds of the pause between two nodes that are over at `now`. */
export function rested({ rest }: Rollout, now: number): number {
  return rest === null ? Number.POSITIVE_INFINITY : rest.ms + capped(now - rest.at, largestGap);
}

/**
 * Counts on in whole gaps, and at the end: smaller steps would write a line each. Clocks of several workers differ, so a
 * small step back counts for nothing; a large one is a clock that was set back.
 */
export function goOnResting(rollout: Rollout, at: number): Rollout {
  const { rest, policy } = rollout;
  if (rest === null || rest.ms >= policy.pause) return rollout;
  const gap = at - rest.at;
  const isDue = gap >= largestGap || gap < -largestGap || rested(rollout, at) >= policy.pause;
  return isDue ? { ...rollout, rest: { ms: rested(rollout, at), at } } : rollout;
}

/** When the pause wants to be counted on; null when it is over. */
export function restDue({ rest, policy }: Rollout): number | null {
  if (rest === null || rest.ms >= policy.pause) return null;
  return rest.at + Math.min(largestGap, policy.pause - rest.ms);
}

/** Between 0 and `most`: time that passed, as far as it may count. */
export function capped(gap: number, most: number): number {
  return Math.min(Math.max(0, gap), most);
}
