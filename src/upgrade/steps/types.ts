import type { Clock } from '../../base/clock.ts';
import type { AskChecks } from '../checks/types.ts';
import type { Resolve } from '../environment/index.ts';
import type { Probe } from '../http/types.ts';
import type { Gate, NodeRun, Report, Rollout, Sight, StepName } from '../rollout/types.ts';
import type { Shell } from '../ssh/types.ts';
import type { Balancing } from './balance.ts';

export interface StepContext {
  rollout: Rollout;
  node: NodeRun;
  attempt: number;
  shell: Shell;
  probe: Probe;
  clock: Clock;
  signal: AbortSignal;
  /** Local path of the release archive, its hash verified. */
  archive(): Promise<string>;
  /** Why the release is not accepted any more, although it was when it was staged; null while it is. */
  withdrawn(): string | null;
  /** What the settings ask of every node besides; absent where they ask nothing. */
  checks?: AskChecks;
  /** Finds the values of a change of configuration that nobody typed. */
  resolve?: Resolve;
  /** The balancer of the node's region; absent where it has none. */
  balancing?: Balancing;
  /**
   * The pre-stop gates, evaluated now: the newest rollout from the store and fresh probes of the region.
   * A step that will stop the service calls this right before, with what it saw, and returns `gated` unless it is empty.
   */
  gates(sight: Sight): Promise<Gate[]>;
}

/** `unchanged`: as in the `Sight` that the gates were asked with. */
export type StepResult = Report | { is: 'gated'; gates: Gate[]; unchanged: boolean };

/** One step of a node's way: looks at the node first, does only what is lacking, reports. Never throws for a host's fault. */
export type Step = (context: StepContext) => Promise<StepResult>;

export type Steps = Record<StepName, Step>;
