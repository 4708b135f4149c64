import type { Calendar } from '../../windows/types.ts';
import type { Actor, Decided, Diagnosis, Foreign, Gate, Proof, Recorded, StepName } from './facts.ts';
import type { Approvers, Policy, Release, Service, StrategyName } from './fleet.ts';

/** Consecutive nodes of one region, worked one by one. Compiled by a strategy, then only read. */
export interface Batch {
  region: string;
  nodes: string[];
  /** Someone must approve before the first node of the batch is begun. */
  approval: boolean;
  /** Watched time after the last node, in ms; 0 for none. */
  bake: number;
}

export type Direction = 'forward' | 'back';

export type NodeState =
  | {
      is: 'staging';
      failures: number;
      unknowns: number;
      notBefore: number;
      since: number | null;
      lastReason: string | null;
    }
  /** Staged and verified, waiting for its turn; not begun before `notBefore`. */
  | { is: 'ready'; notBefore: number }
  | {
      is: 'working';
      direction: Direction;
      step: StepName;
      /** Of this step; a success of the step before reset them. */
      failures: number;
      unknowns: number;
      notBefore: number;
      since: number;
      lastReason: string | null;
    }
  | { is: 'done'; at: number; already: boolean }
  /** Failed before anything on it was changed. */
  | { is: 'failed'; step: StepName; reason: string; at: number }
  /** Switched and not proven, and not rolled back (policy `none`). */
  | { is: 'unproven'; step: StepName; reason: string; at: number }
  | { is: 'rolled-back'; reason: string; at: number }
  /** The result of a step stayed unknown, or its rollback failed: a person must look. */
  | { is: 'stuck'; direction: Direction; step: StepName; reason: string; at: number };

export interface NodeRun {
  name: string;
  region: string;
  state: NodeState;
  /** Serial number of the try that is due now; rises with every new try of any step, never falls. */
  attempt: number;
  /** This rollout changed it (the switch was begun) and has not brought it back. */
  touched: boolean;
  /** Epoch ms of the first switch in this rollout; orders a rollback newest first. */
  touchedAt: number | null;
  before: Recorded | null;
  already: boolean;
  proof: Proof | null;
  diagnosis: Diagnosis | null;
  /** Somebody's work that the last step would have overwritten; null when there is none. */
  foreign: Foreign | null;
  /** What a person decided about it. */
  decided: Decided | null;
  /** Why the forward direction failed, kept while it is rolled back. */
  failure: string | null;
  /** Gates that were closed right before its stop, as the worker saw them; null when none. */
  held: { gates: Gate[]; at: number; times: number } | null;
  /** Its automatic rollback of this run was used. */
  rolledBackInRun: number | null;
}

export type RollbackScope = { is: 'all' } | { is: 'region'; region: string } | { is: 'node'; node: string };

export type Status =
  | { is: 'running' }
  /** No new node is begun; one under way is finished. */
  | { is: 'paused'; by: Actor; at: number }
  /** A failure: no new node is begun until somebody decides. */
  | { is: 'held'; reason: string; node: string | null; at: number }
  /** Nodes still to be brought back, first to go first. */
  | { is: 'rolling-back'; scope: RollbackScope; queue: string[]; by: Actor; at: number }
  /** Asked to stop; the node under way is finished or rolled back first. */
  | { is: 'stopping'; by: Actor; at: number }
  | { is: 'done'; at: number }
  | { is: 'rolled-back'; scope: RollbackScope; at: number }
  | { is: 'stopped'; by: Actor; at: number };

export interface Approval {
  by: Actor;
  at: number;
}

/** Per batch: when its last node was done, what the watch saw, who approved. */
export interface BatchRun extends Batch {
  finishedAt: number | null;
  /** Last watch, and last watch that found every node of the region healthy. */
  lastWatchAt: number | null;
  watchedAt: number | null;
  /** Watches so far, and how many of them in a row found something unhealthy. */
  watches: number;
  misses: number;
  /** Its own bake was watched to the end. */
  bakedAt: number | null;
  /** Set when the bake is over and approval of this batch (its `approval` is true) is being asked. */
  askedAt: number | null;
  approved: Approval | null;
}

/** One attempt to bring a fleet to a release, in either direction. A plain value. */
export interface Rollout {
  id: string;
  fleet: string;
  service: Service;
  release: Release;
  strategy: StrategyName;
  policy: Policy;
  requester: Actor;
  createdAt: number;
  /** Not before this instant (`--at`); null: as soon as windows allow. */
  startAt: number | null;
  /** Windows are overridden (`--now`), by whom and why. */
  override: { by: Actor; reason: string } | null;
  /** Raised by retry and rollback; reports of an older run change nothing. */
  run: number;
  /** The fence on the nodes: raised with `run`, rising over all rollouts. */
  epoch: number;
  /** Raised by every saved change. */
  revision: number;
  status: Status;
  /** In order of work. */
  batches: BatchRun[];
  calendars: Record<string, Calendar>;
  approvers: Record<string, Approvers>;
  /** By name; covers only the nodes that this rollout works on. */
  nodes: Record<string, NodeRun>;
  /** All nodes of each region, also those not worked on: the quorum counts them. */
  peers: Record<string, string[]>;
  /** When the last node was finished; the pause between nodes counts from here. */
  lastNodeAt: number | null;
  /** When the first node was begun; null before. */
  startedAt: number | null;
}

/** What should be in flight right now. */
export interface Task {
  /** Job id: `rollout.run.node.step.attempt`. */
  id: string;
  rollout: string;
  run: number;
  region: string;
  /** For `watch`: the region's name. */
  node: string;
  step: StepName | 'watch';
  attempt: number;
}
