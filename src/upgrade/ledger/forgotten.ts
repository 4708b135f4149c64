import type { NodeSurvey } from '../rollout/types.ts';

/** A node that was changed by a run that the store does not know. */
export interface Forgotten {
  node: string;
  region: string;
  /** The number of that run. */
  held: number;
}

/**
 * Numbers of runs are the milliseconds at which they were decided, so that two runs are further apart than this. Closer
 * ones come of the ways back: each order and each return by hand counts on by one.
 */
const waysBack = 1_000;

/** Nodes that know of a newer run than `known`, the highest number that the store can prove. */
export const forgottenBy = (survey: readonly NodeSurvey[], known: number): Forgotten[] =>
  survey.flatMap(({ node, region, held = 0 }) => (held > known + waysBack ? [{ node, region, held }] : []));
