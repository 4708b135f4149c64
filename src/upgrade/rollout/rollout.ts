import type { Calendar } from '../../windows/types.ts';
import type { Actor, Decided, Diagnosis, Foreign, Gate, Proof, Recorded, Standing, StepName } from './facts.ts';
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
      /** The last try of it heard nothing from the node at all. */
      silent?: true;
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
  /** The try whose intent was written last. When it is the one that is due, something may be in flight. */
  begun: number | null;
  /** This rollout changed it, or may have (the switch was begun), and has not brought it back. */
  touched: boolean;
  /** A switch or restore was begun, and nobody has seen since what came of it. */
  uncertain: boolean;
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
  /** Gates that were closed right before its stop, as the worker saw them; null when none. Asked again at `until`. */
  held: { gates: Gate[]; since: number; at: number; times: number; until: number } | null;
  /** When its steps began to end without anybody knowing how; null when the last one told. */
  silentSince: number | null;
  /** Finished, and no longer as it was proven; null while it is. */
  sick: { reason: string; at: number } | null;
  /** When it was last seen to answer healthy, and to be what was proven; epoch ms. */
  seenAt: number | null;
  provenAt: number | null;
  /** Its automatic rollback of this run was used. */
  rolledBackInRun: number | null;
}

export type RollbackScope =
  | { is: 'all' }
  | { is: 'region'; region: string }
  | { is: 'node'; node: string }
  /** Several that were asked for one after another, or whose rollback failed and is tried again. */
  | { is: 'nodes'; nodes: string[] };

export type Status =
  | { is: 'running' }
  /** No new node is begun; one under way is finished. */
  | { is: 'paused'; by: Actor; at: number }
  /** A failure: no new node is begun until somebody decides. */
  /** `pending`: a rollback that was asked for and could not be finished. */
  | { is: 'held'; reason: string; node: string | null; at: number; pending: Pending | null }
  /** Nodes still to be brought back, in no order. `after`: what failed meanwhile, so that it is held in the end. */
  | { is: 'rolling-back'; scope: RollbackScope; queue: string[]; by: Actor; at: number; after: Failure | null }
  /** Asked to stop; the node under way is finished or rolled back first. */
  | { is: 'stopping'; by: Actor; at: number }
  | { is: 'done'; at: number }
  | { is: 'rolled-back'; scope: RollbackScope; at: number }
  | { is: 'stopped'; by: Actor; at: number };

export interface Pending {
  scope: RollbackScope;
  by: Actor;
}

export interface Failure {
  node: string;
  reason: string;
}

export interface Approval {
  by: Actor;
  at: number;
  /** The end of the bake that it was given on: another bake wants another approval. */
  bake: number | null;
}

/** Per batch: when its last node was done, how long it was seen healthy, who approved. */
export interface BatchRun extends Batch {
  finishedAt: number | null;
  /** Healthy time in ms, summed over gaps between healthy looks, and the last of those. Sickness starts it again. */
  healthyFor: number;
  healthyAt: number | null;
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
  /** Windows and the freezes known at the plan are overridden (`--now`): by whom, why, and until when. */
  override: Override | null;
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
  /** What the looks at each region saw. */
  looks: Record<string, RegionLooks>;
  /** When the last node was finished. */
  lastNodeAt: number | null;
  /** The pause since then, counted in gaps of limited length, so that a clock that jumps does not shorten it. */
  rest: { ms: number; at: number } | null;
  /** What should be in flight and nobody takes up, by the clock's ticks. */
  unattended: Unattended[];
  /** When the first node was begun; null before. */
  startedAt: number | null;
}

export interface Override {
  by: Actor;
  reason: string;
  /** Epoch ms. */
  until: number;
}

export interface RegionLooks {
  /** Looks so far; the next one has the number after. */
  count: number;
  at: number | null;
  /** By node, all nodes of the region. */
  standing: Record<string, Standing>;
  /** By node: looks in a row that did not find it healthy. */
  misses: Record<string, number>;
}

export interface Unattended {
  region: string;
  /** Id of the oldest task that waits there. */
  task: string;
  why: 'no worker' | 'not taken up' | 'no report';
  /** Epoch ms of the first tick that saw it. */
  since: number;
  /** How long it was seen to wait, in ms, and when last. */
  ms: number;
  at: number;
}

interface TaskOf<Step> {
  /** Job id: `rollout.run.node.step.attempt`; for a look the region's name stands for the node. */
  id: string;
  rollout: string;
  run: number;
  region: string;
  node: string;
  step: Step;
  attempt: number;
}

/** A look at a region: `watch` over HTTP, `prove` over SSH too, at what is finished. */
export type LookTask = TaskOf<'watch' | 'prove'>;
export type NodeTask = TaskOf<StepName>;
/** What should be in flight right now. */
export type Task = NodeTask | LookTask;
