import type { Actor, Gate, NodeSurvey, Report, StepName } from './facts.ts';
import type { Fleet, Release, StrategyName } from './fleet.ts';
import type { RollbackScope } from './rollout.ts';

/** Something that happened. `at` is epoch ms. `next` is total: repeats and late ones change nothing. */
export type Event =
  /** Regions that no living worker serves, as far as is known. */
  | { type: 'ticked'; at: number; silent?: string[] }
  /** Written before the first effect of a step. */
  | { type: 'begun'; at: number; run: number; node: string; step: StepName; attempt: number }
  | { type: 'reported'; at: number; run: number; node: string; step: StepName; attempt: number; report: Report }
  /** A gate was closed right before the stop: nothing was done. */
  | { type: 'gated'; at: number; run: number; node: string; step: StepName; attempt: number; gates: Gate[] }
  | { type: 'watched'; at: number; run: number; region: string; unhealthy: string[] }
  | { type: 'approved'; at: number; region: string; by: Actor }
  | { type: 'paused'; at: number; by: Actor }
  | { type: 'resumed'; at: number; by: Actor }
  | { type: 'stopped'; at: number; by: Actor }
  | { type: 'retried'; at: number; by: Actor; epoch: number }
  | { type: 'rollback-asked'; at: number; by: Actor; scope: RollbackScope; epoch: number };

/** What was asked, with everything that the decision needs. */
export interface PlanInput {
  id: string;
  fleet: Fleet;
  release: Release;
  strategy: StrategyName;
  requester: Actor;
  now: number;
  epoch: number;
  startAt: number | null;
  override: { by: Actor; reason: string } | null;
  /** Only these regions; null: all. */
  regions: string[] | null;
  /** At most this many nodes, in order of work; null: all. */
  limit: number | null;
  survey: NodeSurvey[];
}

/** The person asked for something impossible: says why and what to do instead. */
export class Refused extends Error {
  override readonly name = 'Refused';
}
