import type { Calendar } from '../../windows/types.ts';

/** A systemd service as the fleet runs it: a profile, so that sibling services fit. */
export interface Service {
  name: string;
  /** systemd unit without `.service`. */
  unit: string;
  /** Absolute path of the installed binary. */
  binary: string;
  /** `user:group` of the installed binary. */
  owner: string;
  /** Octal mode of the installed binary, e.g. `0755`. */
  mode: string;
  /** Absolute path of the environment file, paired with the binary in backups; null when there is none. */
  envFile: string | null;
  /** Arguments that make the binary print its version and exit; null when it cannot. */
  versionArgs: string[] | null;
  /** Path of the binary inside the archive, e.g. `build/zeitwork-operator`. */
  archiveMember: string;
}

/** One immutable build. Hashes are lower-case hex SHA-256. */
export interface Release {
  version: string;
  /** File name of the archive, e.g. `zeitwork-operator-v2.0.0.tar.gz`. */
  archive: string;
  archiveSha256: string;
  binarySha256: string;
  archiveBytes: number;
  binaryBytes: number;
}

export interface Approvers {
  /** Slack user ids. */
  users: string[];
  /** Slack user group ids. */
  groups: string[];
}

export interface FleetNode {
  name: string;
  region: string;
}

export interface Region {
  name: string;
  calendar: Calendar;
  approvers: Approvers;
  nodes: FleetNode[];
}

export interface Fleet {
  name: string;
  service: Service;
  /** In declared order. */
  regions: Region[];
  policy: Policy;
}

/** Durations in milliseconds. Copied into the Rollout by `plan`, so that edits never shift one under way. */
export interface Policy {
  /** `declared`: regions as written; `next-opening`: whose window opens first goes first. */
  order: 'declared' | 'next-opening';
  minimumHealthy: number;
  /** From "active" until the first of N consecutive healthy answers. */
  healthDeadline: number;
  /** First pause between health polls; backs off to `pollMax`. */
  poll: number;
  pollMax: number;
  /** Consecutive healthy answers that start the soak. */
  healthyAnswers: number;
  /** How long a node must stay healthy and unrestarted. */
  soak: number;
  /** The same for the first node of each region. */
  canarySoak: number;
  /** Pause between two nodes. */
  pause: number;
  /** Watched time after a region, before approval of the next is asked. */
  bake: number;
  /** How often a baking region is probed. */
  watch: number;
  approvalExpires: number;
  /** Tries per step before a failure counts. */
  attempts: number;
  /** Tries after which an unknown result needs a person. */
  unknownAttempts: number;
  /** Pause before another try. */
  retryDelay: number;
  /** What happens by itself when a node that was switched does not prove healthy. */
  autoRollback: 'node' | 'none';
  /** Expected duration of one node, for "does it still fit the window?". */
  expectedNode: number;
  /** Reserve to roll one node back before the window ends. */
  rollbackReserve: number;
  commandTimeout: number;
  transferTimeout: number;
  /** `requester may approve` is for a team of one only. */
  selfApproval: boolean;
}

export const strategyNames = ['rolling', 'regions'] as const;
export type StrategyName = (typeof strategyNames)[number];

/** Consecutive nodes of one region, worked one by one. Compiled by a strategy, then only read. */
export interface Batch {
  region: string;
  nodes: string[];
  /** Someone must approve before the first node of the batch is begun. */
  approval: boolean;
  /** Watched time after the last node, in ms; 0 for none. */
  bake: number;
}

/** `stage` runs on all nodes at once, before any node is begun; the rest one node at a time. */
export const stepNames = [
  'stage',
  'backup',
  'switch',
  'verify',
  'cleanup',
  'diagnose',
  'restore',
  'verify-restored',
] as const;
export type StepName = (typeof stepNames)[number];

/** Who did it: a Slack user id, or `cli:<login>`. */
export type Actor = string;

/** What a node was before this run touched it; rollback returns to exactly this. */
export interface Recorded {
  version: string | null;
  sha256: string;
  envSha256: string | null;
  /** systemd's InvocationID at that time. */
  invocation: string;
}

/** Proof that the running image is the one that was meant. */
export interface Proof {
  sha256: string;
  invocation: string;
  mainPid: number;
  restarts: number;
  version: string | null;
  /** How long it was watched, ms. */
  soaked: number;
}

export interface Diagnosis {
  /** One line: the likely cause in words. */
  summary: string;
  /** Redacted lines that show it. */
  evidence: string[];
}

/** What a step learned; merged into the node's record. */
export interface Facts {
  before?: Recorded;
  /** The node ran the target already when it was staged. */
  already?: boolean;
  proof?: Proof;
  diagnosis?: Diagnosis;
}

/** A step's outcome. `unknown`: nobody knows what the node did; it is observed again. */
export type Report =
  | { is: 'succeeded'; facts: Facts }
  /** `retry`: another try may help (a transfer cut short); false: it will not (wrong version, full disk). */
  | { is: 'failed'; reason: string; retry: boolean; facts: Facts }
  | { is: 'unknown'; reason: string };

/** Why a node may not be stopped right now. */
export interface Gate {
  name: 'state' | 'schedule' | 'pause' | 'window' | 'freeze' | 'approval' | 'bake' | 'turn' | 'quorum' | 'staged';
  /** In words a person at 2 AM understands. */
  reason: string;
  /** Who can open it. */
  owner: string;
  /** Epoch ms when it changes by itself; null when it waits for a person or a node. */
  opensAt: number | null;
}

/** Fresh answers about the other nodes of the region, taken right before a stop. */
export interface Evidence {
  /** Healthy or not, by node name; includes the node itself. */
  healthy: Record<string, boolean>;
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

/** Something that happened. `at` is epoch ms. `next` is total: repeats and late ones change nothing. */
export type Event =
  | { type: 'ticked'; at: number }
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

/** The person asked for something impossible: says why and what to do instead. */
export class Refused extends Error {
  override readonly name = 'Refused';
}

/** What is true on a node, seen just now; `status`, `verify` and the plan are made from it. */
export interface NodeSurvey {
  node: string;
  region: string;
  /** Version of the running process (its health answer), else of the binary on disk; null when unknown. */
  version: string | null;
  /** SHA-256 of the running image; null when it could not be read. */
  sha256: string | null;
  healthy: boolean;
  /** In words: `healthy`, `503 starting`, `connection refused`, `ssh: host key changed` … */
  detail: string;
  /** systemd's ActiveState/SubState, e.g. `active/running`; null when SSH failed. */
  unit: string | null;
  at: number;
}

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
