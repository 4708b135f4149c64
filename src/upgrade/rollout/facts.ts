import type { Actor } from '../../base/actor.ts';
import type { Freeze } from '../../windows/types.ts';
import type { CheckResult, ChecksSeen, OtherCheck } from '../checks/types.ts';
import type { Inventory, NoWayBack } from '../compatibility/index.ts';
import type { EnvironmentSeen } from '../environment/index.ts';
import type { Fitness } from './fitness.ts';

export type { Actor };

/** Steps, what they learn, and what keeps them from being taken. */

/** `stage` runs on all nodes at once, before any node is begun; the rest on `atOnce` nodes. */
export const stepNames = [
  'stage',
  'backup',
  'drain',
  'switch',
  'verify',
  'undrain',
  'cleanup',
  'diagnose',
  'restore',
  'verify-restored',
  'recover',
  'restart',
  'configure',
  'beside',
  'lb-switch',
  'traffic',
  'lb-back',
  'traffic-back',
  'lb-home',
  'retire',
] as const;
export type StepName = (typeof stepNames)[number];

/** Work of a region or of the whole fleet, rather than of a node; one file each does it. */
export const actionNames = ['migrate'] as const;
export type ActionName = (typeof actionNames)[number];

/** What an action learned; kept with it. */
export interface ActionFacts {
  /** The schema of the database, as it was seen last. */
  schema?: number;
}

/** An action's outcome, as `Report` is that of a step. `clean`: it is seen that nothing was changed. */
export type ActionReport =
  | { is: 'succeeded'; facts: ActionFacts }
  | { is: 'failed'; reason: string; retry: boolean; clean?: true }
  | { is: 'unknown'; reason: string }
  | { is: 'later'; reason: string; after: number };

/** What a node was before this run touched it; rollback returns to exactly this. */
export interface Baseline {
  version: string | null;
  sha256: string;
  envSha256: string | null;
  /** systemd's InvocationID at that time. */
  invocation: string;
}

/** Binary and environment file as a pair. */
export type Pair = Omit<Baseline, 'invocation'>;

/** Proof that the running image is the one that was meant. */
export interface Proof {
  sha256: string;
  invocation: string;
  mainPid: number;
  restarts: number;
  version: string | null;
  /** How long it was watched, ms. */
  soaked: number;
  /** What the settings ask of every node in its turn, as it was found then; absent where they ask nothing. */
  checks?: ChecksSeen;
}

/** What is safe to do next about a cause. `look`: somebody mends something on the node first. */
export type NextStep = 'retry' | 'rollback' | 'replace' | 'look' | 'nothing';

export interface LikelyCause {
  /** A word for programs. */
  name: string;
  says: string;
  /** The line that shows it, redacted. */
  line: string;
  /** What a person does about it. */
  mend: string;
  next: NextStep;
}

export interface Diagnosis {
  /** One line: the likely cause in words, or that none shows. */
  summary: string;
  /** Redacted lines that show it. */
  evidence: string[];
  /** Those that are shown, the most specific ones alone; empty: none is. Absent in what older versions found. */
  causes?: LikelyCause[];
  /** All that was captured, redacted, each line with the name of its part before it. Absent as above. */
  bundle?: string[];
  /** No worker said anything: nothing of this is about the node. */
  unanswered?: true;
}

/** What stands on a node that this run neither found nor put there: somebody's work, never overwritten unasked. */
export interface Foreign {
  what: 'binary' | 'environment';
  /** Of the file as it was seen. */
  sha256: string;
  /** What it says it is, when it runs; null when that is not known. */
  version: string | null;
}

/** What a person decided about exactly this work: it is put aside and replaced, or it stays where it is. */
export interface Decided {
  foreign: Foreign;
  as: 'replace' | 'keep';
  by: Actor;
}

/**
 * What the new binary said when it was asked for its version, by a user who may do nothing, on the first node that had its
 * turn. It holds for all nodes.
 */
export interface Asked {
  /** Of the binary. */
  sha256: string;
  /** null: it could not be asked, and what it is rests on its hash. */
  version: string | null;
}

/** What a look at a node's way back goes by. */
export interface BackQuestion {
  before: Baseline;
  /** SHA-256 of the binary that this rollout put there. */
  release: string;
  /** SHA-256 of the environment that a person decided to keep; null when nobody did. */
  kept: string | null;
  /** SHA-256 of the environment file that this rollout put there; absent where it put none. */
  put?: string;
}

/**
 * What a look saw of it. `no backup`: none, or a damaged one; `other …`: neither what this rollout found nor what it put there, so
 * that a rollback would stop and ask.
 */
export type BackSeen = 'ready' | 'no backup' | 'other binary' | 'other environment' | 'unseen';

/** What a step learned; merged into the node's record. */
export interface Facts {
  before?: Baseline;
  /** In a recovery: what lies ready on the node for it, whole. */
  gets?: Pair;
  /** The node ran the target already when it was staged. */
  already?: boolean;
  proof?: Proof;
  diagnosis?: Diagnosis;
  /** Why it failed: somebody's work stands in the way. */
  foreign?: Foreign;
  /** Of the release, not of the node. */
  asked?: Asked;
  /** What the settings ask of every node, and was not good before anything was done to it. */
  illBefore?: OtherCheck[];
  /** Why it failed is no reason to go back by itself. */
  stays?: true;
  /** Seen under the node's lock: neither what runs nor what lies on disk is this release. */
  clean?: boolean;
}

/** What a step saw on its node under the node's lock, right before it asks for the gates. */
export interface Sight {
  /** No process of the service runs: stopping it costs no quorum. */
  down: boolean;
  /** Disk and running image are both what they were before this step: no earlier try of it changed anything. */
  unchanged: boolean;
}

/** A step's outcome. `unknown`: nobody knows what the node did; it is observed again. */
export type Report =
  | { is: 'succeeded'; facts: Facts }
  /** `retry`: another try may help (a transfer cut short); false: it will not (wrong version, full disk). */
  | { is: 'failed'; reason: string; retry: boolean; facts: Facts }
  /** `silent`: nothing came back from the node at all. */
  | { is: 'unknown'; reason: string; silent?: true }
  /** It goes well and is not over: look again after so many ms. Neither a failure nor a success. */
  | { is: 'later'; reason: string; after: number };

/** What can keep a node from being stopped; each has its rule in rules.ts. */
export type GateName =
  | 'state'
  | 'pause'
  | 'halt'
  | 'schedule'
  | 'notice'
  | 'staged'
  | 'turn'
  | 'bake'
  | 'approval'
  | 'checklist'
  | 'freeze'
  | 'window'
  | 'alerts'
  | 'elsewhere'
  | 'compatibility'
  | 'quorum'
  | 'proof'
  | 'action';

/** Why a node may not be stopped right now. */
export interface Gate {
  name: GateName;
  /** In words a person at 2 AM understands. `by`: who the last of these words are about; never named inside of them. */
  reason: string;
  by?: Actor;
  /** Who can open it. */
  owner: string;
  /** Epoch ms when it changes by itself; null when it waits for a person or a node. */
  opensAt: number | null;
}

/**
 * What HTTP says of a node. `down` is proven: refused, or a wrong answer, several times in a row. Silence proves nothing,
 * and neither do answers that differ: `unclear`.
 */
export type Standing = 'healthy' | 'down' | 'unclear';

/** What the fleet's alerting says of a region. `unknown`: nobody could be asked, and that is no quiet. */
export type Alerts =
  | { is: 'quiet' }
  /** In words, as people know them. */
  | { is: 'firing'; names: string[] }
  | { is: 'unknown'; reason: string };

/**
 * What the journal of another fleet proves of this very archive. `unproven`: too little, or it cannot be read. `doubted`: the same, where the
 * settings want it told and nothing kept from.
 */
export type Elsewhere =
  | { is: 'not wanted' }
  /**
   * `since`: when its rollout there was finished, epoch ms. `rollout`, and the hash of the last line of its journal, say what that rests on; absent in
   * looks of older versions.
   */
  | { is: 'proven'; fleet: string; since: number; rollout?: string; head?: string }
  /** With what to do. `refuses`: not even a plan is made. */
  | { is: 'unproven'; reason: string; refuses?: true }
  | { is: 'doubted'; reason: string };

/**
 * What the compatibility matrix says of a region now. `noWayBack`: what its nodes ran before and the schema
 * excludes by now; absent while there is nothing.
 */
export type Compatibility =
  | { is: 'not wanted' }
  | { is: 'compatible'; noWayBack?: NoWayBack }
  /** Each with the way out. */
  | { is: 'refused'; reasons: string[]; noWayBack?: NoWayBack };

/** Whether somebody stopped everything by a file on the worker's machine. */
export type Halt =
  | { is: 'clear' }
  /** Which file, where, and what it says; redacted. */
  | { is: 'lies'; reason: string };

/** What can be found out about a region, by name. */
export interface Findings {
  /** By node name, all nodes of the region. */
  standing: Record<string, Standing>;
  /** As the settings and the ledger of now have them. */
  freezes: Freeze[];
  /** Quiet, too, where the settings name nobody to ask. */
  alerts: Alerts;
  /** Not of the region but of the release: whether it was proven on another fleet, as the settings want it. */
  elsewhere: Elsewhere;
  /** Of the release in the region: whether agents, schema and versions there go with it. */
  compatibility: Compatibility;
  /** As the worker sees it that looks. */
  halt: Halt;
}
export type EvidenceName = keyof Findings;

/** What a look at a region finds out too, so that people see it before it has kept a worker from anything. */
export const lastingEvidence = [
  'freezes',
  'alerts',
  'elsewhere',
  'compatibility',
  'halt',
] as const satisfies EvidenceName[];
type LastingName = (typeof lastingEvidence)[number];

/** As a look found it; absent in looks of older versions, and in those that did not ask. */
export type Lasting = Partial<Pick<Findings, LastingName>>;

/** Of these, what ends without a word to us: only another look sees it, and a forecast counts on it. */
export const passingEvidence = ['alerts', 'elsewhere', 'compatibility', 'halt'] as const satisfies LastingName[];

/** What was found out right before a stop: what the rules of the node's gates need, and nothing else. */
export interface Evidence extends Partial<Findings> {
  /** What the step saw on the node under its lock. */
  sight: Sight;
}

/** One node in a look at a region. */
export interface Seen {
  standing: Standing;
  /** In words, e.g. `503 starting`. */
  detail: string;
  /** Whether a finished node still is what was proven, by SSH; `unseen`: it could not be told. */
  proof: 'holds' | 'broken' | 'unseen' | 'not asked';
  /** Its way back; absent where nobody asked. */
  back?: BackSeen;
  /** What the settings ask of every node while it is watched; absent where nobody asked. */
  checks?: ChecksSeen;
}

/** What lies on a node beside what runs there; hashes are null where nothing lies. */
export interface Lies {
  disk: string | null;
  envSha256: string | null;
  /** systemd knows no such unit; absent: it does, or its worker does not tell. */
  noUnit?: true;
  /** A symbolic link is in the place of the environment file, which is read through none. */
  envLink?: true;
  /** Another program than the binary that the unit starts, and that runs; absent: it is not seen to. */
  starts?: string;
  /** The newest first. */
  backups: { name: string; version: string | null; sha256: string; envSha256: string | null }[];
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
  /** The number of the run that changed it last, 0 for none; absent when it did not tell. */
  held?: number;
  /** What work on it rests on; absent where nobody asked for that, or the worker is of a version that does not tell. */
  fitness?: Fitness;
  /** What its side tells of agents and of the schema; absent where nobody asked. */
  inventory?: Inventory;
  /** What the settings ask of every node; absent where nobody asked, or they ask nothing. */
  checks?: CheckResult[];
  /** Its way back; absent like `fitness`. */
  back?: BackSeen;
  /** What a change of configuration comes to on it; absent where nobody asked. */
  environment?: EnvironmentSeen;
  /** Absent like `fitness`. */
  lies?: Lies;
  /** No worker said anything: nothing of this is about the node. */
  unanswered?: true;
}
