import { minute } from '../../base/duration.ts';
import { neglected } from './neglected.ts';
import { sinceOf, watching } from './phases.ts';
import { goesForward } from './queries.ts';
import type { Rollout, WatchPhase } from './types.ts';

/** A watch that should have been over for long. */
export interface LongWatch {
  phase: WatchPhase;
  /** When it began; and since when it has taken twice its length, epoch ms. */
  from: number;
  since: number;
  /** Names of the nodes that were found unwell in it, and how often; the worst first. */
  flapping: [name: string, times: number][];
}

/** What a short watch may take beyond its length (ms), in whole looks and in time. */
const atLeast = { looks: 4, ms: 2 * minute };

/**
 * The watch that goes on, once it has taken twice as long as it was to: a node that flaps begins it anew each time, and is never
 * gone for long enough to hold the rollout. null before; and where nobody looks, since people are told of that.
 */
export function longWatch(rollout: Rollout): LongWatch | null {
  const phase = goesForward(rollout) ? watching(rollout) : null;
  const from = phase?.anewAt ?? sinceOf(phase);
  if (phase === null || from === null || neglected(rollout).some(({ region }) => phase.regions.includes(region)))
    return null;
  const since = from + phase.for + Math.max(phase.for, atLeast.ms, atLeast.looks * rollout.policy.watch);
  const seenAt = Math.max(...phase.regions.map((region) => rollout.looks[region]?.at ?? 0));
  if (seenAt < since) return null;
  return { phase, from, since, flapping: Object.entries(phase.unwell ?? {}).sort(([, a], [, b]) => b - a) };
}
