import type { Calendar } from '../../windows/types.ts';
import type { ChecksSeen, OtherCheck } from '../checks/types.ts';
import type { Comparison } from '../comparison/types.ts';
import type { Wanted } from '../environment/index.ts';
import type { Checklists, CheckTallies } from './checklists.ts';
import type {
  ActionFacts,
  ActionName,
  Actor,
  Asked,
  BackSeen,
  Baseline,
  Decided,
  Diagnosis,
  Foreign,
  Gate,
  Lasting,
  Pair,
  Proof,
  Standing,
  StepName,
} from './facts.ts';
import type { Approvers, Policy, Release, Service } from './fleet.ts';
import type { Pace, Took } from './pace.ts';
import type { StrategyName } from './strategies.ts';

interface PhaseBase {
  /** Everything refers to a phase by this, never by its region: `nodes/us-east`, `approval/eu-west`. */
  id: string;
  /** What people call it: `us-east`, `the canary part`. */
  title: string;
  state: PhaseState;
}

export type PhaseState =
  | { is: 'pending' }
  /** All before it was over; an approval is asked for since then. */
  | { is: 'active'; since: number }
  | { is: 'done'; since: number; at: number };

/** Nodes that go through a path of steps. Both ways are stored, so that a newer program never shifts a rollout under way. */
export interface NodesPhase extends PhaseBase {
  is: 'nodes';
  /** In order of work. */
  nodes: string[];
  path: StepName[];
  /** The way back. */
  undo: StepName[];
  /** One of them goes there, back, and there again, so that the way back is known to work. Absent where nothing is rehearsed. */
  rehearsal?: Rehearsal;
}

export interface Rehearsal {
  node: string;
  /** Of this node, instead of the path of the others. */
  path: StepName[];
  /** Where in it the path of the others begins, when it was rehearsed: with what was used up by then. */
  again: number;
}

/** Nodes that are watched before anything else is begun. */
export interface WatchPhase extends PhaseBase {
  is: 'watch';
  regions: string[];
  nodes: string[];
  /** How long they must be seen healthy, ms; 0: proven once. */
  for: number;
  /** By region: healthy time in ms, summed over gaps between healthy looks, and the last of those. Sickness starts it again. */
  healthy: Record<string, Healthy>;
  /** By node: how often it was found unwell in this watch after it had been well. Absent while none was. */
  unwell?: Record<string, number>;
  /** When somebody let it go on after a hold, and it began anew; absent where nobody did. */
  anewAt?: number;
  /** By region: what its nodes are, held against those that were not upgraded, when it had been watched for long enough. Absent where nothing is compared. */
  compared?: Record<string, Comparison[]>;
}

export interface Healthy {
  ms: number;
  at: number | null;
}

/** Somebody must say yes before the phases that it opens. */
export interface ApprovalPhase extends PhaseBase {
  is: 'approval';
  /** Ids of the phases that wait for it. */
  opens: string[];
  by: Approvers;
  /** How many different people. */
  needed: number;
  /** How many of its own approvers each region wants, where it opens several. */
  each?: Record<string, number>;
  /** Never stored: who those are, as the settings name them now. */
  byEach?: Record<string, Approvers>;
  given: Approval[];
  /** The newest no since it was asked: what was given before it counts no more. Absent where nobody said one. */
  declined?: Declined;
}

/** Work of a region or of the whole fleet. */
export interface ActionPhase extends PhaseBase {
  is: 'action';
  action: ActionName;
  /** Whose it is: actions of one subject share a fence. A region, or `fleet`. */
  subject: string;
  /** Whose workers do it, and whose windows, freezes and alerts count. */
  region: string;
  /** The way back, in order; `nothing`: there is nothing to bring back; `refuse`: nothing brings it back. */
  undo: ActionName[] | 'nothing' | 'refuse';
  /** How long it may be under way, ms. */
  limit: number;
  /** How long it is expected to take, ms. */
  expected: number;
  work: ActionRun;
}

/** What becomes of an action. */
export interface ActionRun {
  state: ActionState;
  /** Serial number of the try that is due now; never falls. With those of the other actions of its subject it is what a host compares. */
  attempt: number;
  /** The try whose intent was written last. */
  begun: number | null;
  /** It changed something, or may have, and was not brought back; since when it first may have, epoch ms. */
  touched: boolean;
  touchedAt: number | null;
  held: Held | null;
  /** Why the way forward failed, kept while it goes back. */
  failure: string | null;
  facts: ActionFacts;
}

export type ActionState =
  /** For its turn; not begun before `notBefore`. */
  | { is: 'waiting'; notBefore: number }
  | ({ is: 'working'; direction: Direction; index: number; action: ActionName } & Try)
  | { is: 'done'; at: number }
  /** Failed before anything was changed. */
  | { is: 'failed'; reason: string; at: number }
  | { is: 'undone'; reason: string; at: number }
  /** Nobody knows, it failed half-way, or its way back failed: a person must look. */
  | { is: 'stuck'; direction: Direction; action: ActionName; reason: string; at: number };

/** One item of the plan, in order. Compiled by `plan`; what becomes of it is in its state. */
export type Phase = NodesPhase | WatchPhase | ApprovalPhase | ActionPhase;

export type Direction = 'forward' | 'back';

/** How the tries of one step go; a success of the step before reset them. */
export interface Try {
  failures: number;
  unknowns: number;
  /** Epoch ms before which the next try is not begun. */
  notBefore: number;
  /** When the try that is due was begun; null before. */
  since: number | null;
  lastReason: string | null;
  /** Since when it is under way, told by tries that were not over yet. */
  underWaySince?: number;
  /** The last try heard nothing from the node at all. */
  silent?: true;
}

export type NodeState =
  | ({ is: 'staging' } & Try)
  /** Staged and verified, waiting for its turn; not begun before `notBefore`. */
  | { is: 'ready'; notBefore: number }
  | ({ is: 'working'; direction: Direction; phase: string; index: number; step: StepName } & Try)
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
  /** It was taken out of service, or may have been, and was not put back. */
  drained: boolean;
  /** A switch or restore was begun, and nobody has seen since what came of it. */
  uncertain: boolean;
  /** Epoch ms of the first switch in this rollout; orders a rollback newest first. */
  touchedAt: number | null;
  before: Baseline | null;
  already: boolean;
  /** In a recovery: what it gets. Absent until that lies ready on the node, and in an upgrade. */
  gets?: Pair;
  proof: Proof | null;
  /** What was proven of it when it was brought back. Absent where it never was, and like `lastWord`. */
  back?: Proof;
  diagnosis: Diagnosis | null;
  /** Somebody's work that the last step would have overwritten; null when there is none. */
  foreign: Foreign | null;
  /** What a person decided about it. */
  decided: Decided | null;
  /** Why the forward direction failed, kept while it is rolled back. */
  failure: string | null;
  /** Gates that were closed right before its stop, as the worker saw them; null when none. Asked again at `until`. */
  held: Held | null;
  /** When its steps began to end without anybody knowing how; null when the last one told. */
  silentSince: number | null;
  /** Finished, and no longer as it was proven; null while it is. */
  sick: { reason: string; at: number } | null;
  /** When it was last seen to answer healthy, and to be what was proven; epoch ms. */
  seenAt: number | null;
  provenAt: number | null;
  /** What a look last saw of its way back. Absent where none did. */
  wayBack?: { is: BackSeen; at: number };
  /** When its way back was proven in a rehearsal, and it was what it had been; epoch ms. Absent where it was not. */
  rehearsedAt?: number;
  /** In a restart that is tried again: an earlier run restarted it. Absent where none did. */
  again?: true;
  /** What the settings ask of every node, and was not good on it before its turn. Absent where all was. */
  illBefore?: OtherCheck[];
  /** Its automatic rollback of this run was used. */
  rolledBackInRun: number | null;
  /** How long its steps took when they last succeeded; nothing where it ran the target already. */
  took: Took;
  /** It is no node but a turn of its region's balancer: these nodes are behind it. Absent of nodes. */
  balances?: string[];
}

export interface Held {
  gates: Gate[];
  since: number;
  at: number;
  times: number;
  until: number;
  /** The try that is due after it: as long as that is not begun, nothing of this node is on its way. */
  due?: number;
}

export type RollbackScope =
  | { is: 'all' }
  /** A place means all its services, a host too. */
  | { is: 'region'; region: string }
  | { is: 'node'; node: string }
  /** One of several services, by its key. */
  | { is: 'service'; service: string }
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
  /** `actions`: ids of the phases of actions likewise; absent where none is. */
  | {
      is: 'rolling-back';
      scope: RollbackScope;
      queue: string[];
      actions?: string[];
      by: Actor;
      at: number;
      after: Failure | null;
    }
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
  /** The end of the watch that it was given on: another watch wants another approval. */
  watched: number | null;
  /** The regions that named this person as an approver at that moment; absent where only one was asked for. */
  for?: string[];
  /** What this person said with it. */
  comment?: string;
  /** What this person signed with their own key; absent where a button was enough. */
  signed?: OwnSignature;
}

export interface Declined {
  by: Actor;
  at: number;
  /** null: a button says none. */
  reason: string | null;
  signed?: OwnSignature;
}

/** Kept as it was signed: who wants to know whether it counts reads it (`SignedDecision` in src/trust). */
export interface OwnSignature {
  text: string;
  signature: string;
}

/** `restart`: nothing is changed, each node runs what it ran before, started anew. */
export type Change = { is: 'restart' } | ConfigChange | Migration;

/** The schema of the database is brought from one number to another; no node is touched. `release` is the version that has the migration. */
export interface Migration {
  is: 'migrate';
  /** `before` the first node of the release, or `after` the last: from then on what the schema excludes cannot come back. */
  when: 'before' | 'after';
  from: number;
  to: number;
  /** Of the release's tag when this was planned: nothing else is run. */
  commit: string;
  /** Somebody answers for the backup by their name; absent: its age is asked for. */
  attested?: { by: Actor; at: number };
}

/** The environment file is changed by key, and each node runs what it ran before, started anew with that. */
export interface ConfigChange extends Configuration {
  is: 'config';
}

/** What becomes of environment files. */
export interface Configuration {
  wanted: Wanted;
  /** By node: SHA-256 of the file as it was when this was planned, and as it becomes; the same where it has all of it. */
  files: Record<string, { before: string; after: string }>;
}

export interface Recovery {
  /** The peer whose binary it gets; absent where the shelf has it. */
  from?: string;
  /** SHA-256 of the environment file that was proven there with it; absent where nobody recorded one, and in what was planned before. */
  envSha256?: string;
  /** Whose record in the ledger says what the node gets: its own, or that of these peers, who agree. */
  recordOf: string[];
  /** When a rollout left it there, epoch ms; and which. null: two people found it there, and answer for it. */
  since: number;
  rollout: string | null;
}

/** One service, and the release that it is brought to. */
export interface Brought {
  service: Service;
  release: Release;
}

/** What comes after a rollout, asked for by people: the migration to a schema, or a restart of every node. */
export type Follows = { is: 'migrate'; to: number } | { is: 'restart'; service: string | null };

/** One attempt to bring a fleet to a release, in either direction. A plain value. */
export interface Rollout {
  id: string;
  fleet: string;
  service: Service;
  release: Release;
  /** Where it brings several services: each by its key, with the first one; the order of work is that of the phases. Ask `broughtTo`. */
  services?: Record<string, Brought>;
  /** By key of a service: those that do not serve on a host while it does not. Absent where none is so. */
  blinds?: Record<string, string[]>;
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
  /** It gives one node back what was proven on it before. Absent in an upgrade. */
  recovery?: Recovery;
  /** What it does instead of bringing another release: `release` is what the nodes run already. Absent in an upgrade. */
  change?: Change;
  /** What goes with the release it brings: both are put there, and brought back, as a pair. Absent where nothing does. */
  config?: Configuration;
  /** Nobody signed what led to this: nothing is done for it until a person adopts it. */
  unsigned?: true;
  /**
   * Somebody went back, or ended it, before anybody had vouched for what is stored: it is signed for that alone, and nothing
   * goes forward in it until a person adopts it.
   */
  onlyBack?: true;
  /** Never stored: a newer rollout holds the fleet or worked on nodes since, so that nothing of this one can be brought back. */
  superseded?: true;
  /** Never stored: fleets of the same bot on which this release may be begun, now that it is done here. */
  promotesTo?: readonly string[];
  /** Never stored: what the settings want next, now that this is done. */
  follows?: Follows;
  status: Status;
  /** What is to be done, in order: the first that is not over is the one that is worked on. */
  phases: Phase[];
  calendars: Record<string, Calendar>;
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
  /** What the new binary says that it is; null as long as nobody asked it. */
  asked: Asked | null;
  /**
   * How long things take, as the ledger knew it at the plan. null in what was planned before that was known: it goes by
   * `expectedNode` and `rollbackReserve` alone, as it did when it was planned.
   */
  pace: Pace | null;
  /** What a person decided last, and it had an effect. Absent where the rollout was begun by a version that did not note it. */
  lastWord?: LastWord | null;
  /** How many reminders of what waits for people are due, by `waitKey`. Absent like `lastWord`. */
  reminded?: Record<string, number>;
  /** Who said that they have what waits for people, by `waitKey`: nobody is reminded of it. Absent where nobody ever did. */
  taken?: Record<string, Taken>;
  /** The time after it. Absent where nothing is to be watched then. */
  afterwards?: Afterwards;
  /** Who writes down what went wrong in it. Absent while nobody does. */
  owner?: Taken;
  /** What is to be ticked, as the settings had it at the plan. Absent where nothing is. */
  checklists?: Checklists;
  /** What people ticked, by key. */
  ticks?: Record<string, Taken>;
  /** What must be announced before the first node is begun, and what was. Absent where nothing must. */
  notice?: Notice;
  /** When the start was moved, the newest last. Absent where it never was. */
  moves?: Move[];
  /** What went back by itself besides the node that failed. Absent where nothing did: it happens once. */
  wentBack?: { scope: RollbackScope; at: number };
  /** How long before the start it was said again last; null: not yet. Absent like `lastWord`. */
  ahead?: Ahead | null;
}

/** The time after an upgrade is done, in which what it left is looked at. Nothing that goes on waits for it, and it changes nothing. */
export interface Afterwards {
  /** How long all must be well, and how often that is looked at, ms; as the settings had it at the plan. */
  for: number;
  every: number;
  /** When the upgrade was done, epoch ms; null: it is not. */
  since: number | null;
  /** Those with nodes of the upgrade; none before it is done. */
  regions: Record<string, RegionAfterwards>;
  /** What got worse, the first first. Only so much of it is kept. */
  worse: Worse[];
  /** null while it goes on, and before. */
  end: AfterwardsEnd | null;
}

export interface RegionAfterwards {
  /** Looks so far; the next one has the number after. */
  count: number;
  at: number | null;
  /** Time in ms in which all were well, summed over gaps between such looks. What is bad starts it again. */
  well: Healthy;
  /** Time in ms that lay between two looks beyond what may. */
  unseen: number;
  /** Of the last look: how many nodes, and how many of them were well. */
  of: number;
  good: number;
  /** What was not well in the last looks, by node and what it is: since when, and in how many in a row. */
  doubts: Record<string, { times: number; since: number }>;
  /** By node that was restarted since: what runs there now, and is the same build. */
  runs: Record<string, Pick<Proof, 'invocation' | 'restarts'>>;
  /** By check that is a rate: the highest of the last look, and of all looks. */
  rates: Record<string, Rate>;
  highest: Record<string, Rate>;
}

export interface Rate {
  value: number;
  says: string;
}

/** What is not as it was left: `service` itself (health, image, process), or a check by its name. */
export interface Unwell {
  node: string;
  what: 'service' | { check: string };
  is: 'bad' | 'unknown';
  /** In words. */
  says: string;
  /** One look shows it; absent: several in a row must. */
  sure?: true;
  /** It was restarted, and this is the same build, as it runs since. */
  runs?: Pick<Proof, 'invocation' | 'restarts'>;
}

/** Something that got worse, told once; and once when it is well again. */
export interface Worse extends Pick<Unwell, 'node' | 'what' | 'is' | 'says'> {
  region: string;
  /** Of the first look that found it, epoch ms. */
  since: number;
  /** How often it got worse, with little time between. */
  times: number;
  /** When it was well again; null while it is not. */
  well: number | null;
}

/**
 * `well`: for as long as was wanted. `unwell`: not within three times as long. `superseded`: another rollout began. `brought back`:
 * it is not done any more.
 */
export type AfterwardsEnd = { at: number } & (
  | { is: 'well' | 'unwell' | 'brought back' }
  | { is: 'superseded'; rollout: string }
);

/** Nobody is to be surprised: each audience must know of the start for so long before the first node. */
export interface Notice {
  /** ms */
  wanted: number;
  /** `channel`, and names of the settings. */
  audiences: string[];
  /** In the order in which it was really delivered. */
  told: Told[];
}

/** Something that one audience was told. */
export interface Told {
  audience: string;
  kind: 'scheduled' | 'cancelled';
  /** The rollout's `startAt` of then. */
  startAt: number | null;
  /** How often the start had been moved until then; absent: never. */
  move?: number;
  /** Epoch ms of the first node, as it was said; null: nobody could say, or it was cancelled. */
  begins: number | null;
  /** Epoch ms of its delivery. */
  at: number;
}

/** Somebody moved the start from one `startAt` to another. */
export interface Move {
  by: Actor;
  at: number;
  from: number | null;
  to: number;
}

export interface Ahead {
  /** The start that it was about, epoch ms. */
  of: number;
  /** ms before it. */
  before: number;
}

export interface Taken {
  by: Actor;
  at: number;
}

export interface LastWord {
  is:
    | 'approved'
    | 'declined'
    | 'paused'
    | 'resumed'
    | 'stopped'
    | 'retried'
    | 'decided'
    | 'rollback-asked'
    | 'rescheduled';
  by: Actor;
  at: number;
}

export interface Override {
  by: Actor;
  /** The second breaker, who started the plan; absent where one is enough, and in what was stored before. */
  with?: Actor;
  reason: string;
  /** Where the incident is found; absent where the settings want none, and in what was stored before. */
  incident?: string;
  /** Epoch ms. */
  until: number;
}

/** Freezes as the last look that told them found them, the rest as the last look did. */
export interface RegionLooks extends Lasting {
  /** Looks so far; the next one has the number after. */
  count: number;
  /** What the checks of a checklist came to at the last look. Absent where it asked for none. */
  tallies?: CheckTallies;
  at: number | null;
  /** By node, all nodes of the region. */
  standing: Record<string, Standing>;
  /** By node: looks in a row that did not find it healthy. */
  misses: Record<string, number>;
  /** By finished node: what the settings ask of it while it is watched, as the last look that asked found it. Absent where none did. */
  checks?: Record<string, ChecksSeen>;
  /** By node: looks in a row that found something of that bad. Absent like `checks`. */
  ill?: Record<string, number>;
  /** Epoch ms of the first of the looks in a row after which nothing but what people must end (alerts, a lacking proof) kept the next node here from beginning. */
  keptSince?: number;
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

/** A look at a region: `watch` over HTTP, `prove` over SSH too, at what is finished; `after`: the same once all is done. */
export type LookTask = TaskOf<'watch' | 'prove' | 'after'>;
export type NodeTask = TaskOf<StepName>;
/** Work of an action: the id of its phase stands for the node. */
export type ActionTask = TaskOf<ActionName>;
/** What should be in flight right now. */
export type Task = NodeTask | LookTask | ActionTask;
