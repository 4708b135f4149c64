import type { Clock } from '../../base/clock.ts';
import type { ActionName, ActionPhase, ActionReport, Gate, Rollout } from '../rollout/types.ts';

export interface ActionContext {
  rollout: Rollout;
  phase: ActionPhase;
  /** What a host compares beside the rollout's epoch: it rises with every try of an action of this subject. */
  fence: number;
  clock: Clock;
  signal: AbortSignal;
  /**
   * The gates, evaluated now. Called right before anything is changed; the action returns `gated` unless it is empty.
   * `unchanged`: it was just seen that no earlier try changed anything.
   */
  gates(unchanged: boolean): Promise<Gate[]>;
}

export type ActionResult = ActionReport | { is: 'gated'; gates: Gate[]; unchanged: boolean };

/** One action: looks first, does only what is lacking, reports. Never waits for what takes long, and never throws for a host's fault. */
export type Action = (context: ActionContext) => Promise<ActionResult>;

/** By name; what a worker's settings say nothing of is absent. */
export type Actions = Partial<Record<ActionName, Action>>;
