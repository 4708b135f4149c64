/** Where a check decides; whoever verifies asks all of them. */
export const checkPlaces = ['node', 'watch', 'verify'] as const;
export type CheckPlace = (typeof checkPlaces)[number];

/**
 * `watch`: not bad, and worth a look. `absent`: what was to be asked is not there, although the node answers. `unknown`: nobody can
 * tell, and that is never good.
 */
export type CheckVerdict = 'good' | 'watch' | 'bad' | 'absent' | 'unknown';

/** What one check came to on one node. A plain value; its words are redacted and in one line. */
export interface CheckResult {
  check: string;
  node: string;
  is: CheckVerdict;
  /** As its settings have it: `watch` is good enough, and what is absent is either bad or skipped. */
  counts: 'good' | 'bad' | 'unknown';
  /** What becomes of a node that it is bad on in its turn; `then` in the settings. */
  onBad: 'hold' | 'rollback';
  /** Why, in words. */
  says: string;
  /** Of a rate, as a number. Absent of all others, and where none came out. */
  rate?: number;
  /** Epoch ms. */
  at: number;
}

/** What is told of a node's checks where there is little room: how many count as good, and those that do not say just `good`. */
export interface ChecksSeen {
  good: number;
  others: OtherCheck[];
}
export type OtherCheck = Pick<CheckResult, 'check' | 'is' | 'counts' | 'says'>;

/**
 * `node`: those that decide about a node's turn, with all the time that their rates want; `before`: those that decide about anything,
 * as it stands before the turn; `watch`: those of a watch, without waiting; `after`: the same at looks that are far apart, so that a
 * rate is over all that was counted since the last one; `all`: every one, with a short wait.
 */
export type CheckOccasion = 'node' | 'before' | 'watch' | 'after' | 'all';

/** Asks a node, now. Changes nothing there, and never throws for a host's fault. */
export type AskChecks = (node: string, occasion: CheckOccasion, signal: AbortSignal) => Promise<CheckResult[]>;

interface Common {
  name: string;
  at: readonly CheckPlace[];
  absent: 'skip' | 'bad';
  onBad: 'hold' | 'rollback';
  /** How long one question may take, ms. */
  within: number;
}

/** What is reached counts: from `watch` on it is worth a look, from `bad` on it is bad. null: no such limit. */
export interface Limits {
  watch: number | null;
  bad: number | null;
}

/** An answer by HTTP: its status, and what is said of its JSON (JMESPath). */
export interface GetCheck extends Common {
  kind: 'get';
  /** By node. */
  urls: Record<string, string>;
  status: number;
  that: string | null;
}

/** How fast something grows in the text of Prometheus, each second or per something else that grows, over a time (ms). */
export interface MetricsCheck extends Common, Limits {
  kind: 'metrics';
  urls: Record<string, string>;
  rate: readonly Selector[];
  per: readonly Selector[] | null;
  over: number;
  /** Upgraded nodes are held against the others by it. Absent: they are not. */
  compare?: true;
}

export const journalPriorities = ['crit', 'err', 'warning'] as const;
export type JournalPriority = (typeof journalPriorities)[number];

/** How many entries the running process wrote that are of this priority or a more urgent one, over a time (ms). */
export interface JournalCheck extends Common, Limits {
  kind: 'journal';
  priority: JournalPriority;
  over: number;
}

/** Asked from the node's place, by the address that its own environment file has under this key. */
export interface DatabaseCheck extends Common {
  kind: 'database';
  key: string;
  query: string;
  that: string | null;
}

/** A program on the node, by its absolute path; `{name}` is the node. */
export interface CommandCheck extends Common {
  kind: 'command';
  command: readonly string[];
}

export type Check = GetCheck | MetricsCheck | JournalCheck | DatabaseCheck | CommandCheck;

/** Series of one metric, summed: `errors_total{code="500"}`. */
export interface Selector {
  written: string;
  name: string;
  labels: readonly { name: string; is: '=' | '!='; value: string }[];
}

/** What a check was found to be, before its settings say what that means. */
export interface Judged {
  is: CheckVerdict;
  says: string;
  rate?: number;
}

/** What came of one request. `refused`: the machine said that nothing listens there. */
export type Heard =
  | { is: 'answered'; status: number; text: string }
  | { is: 'silent'; detail: string; refused: boolean };

/** Where a database is, as an address in a node's environment file has it. In memory only. */
export interface DatabaseAddress {
  host: string;
  port: number;
  user: string;
  password: string;
  database: string;
  /** As libpq's `sslmode`: whether TLS is wanted, and whether the other side must prove who it is. */
  tls: 'none' | 'prefer' | 'require' | 'verify';
}
