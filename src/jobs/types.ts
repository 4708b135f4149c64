import type { Actor } from '../base/actor.ts';
import type { Wanted } from '../upgrade/environment/index.ts';
import type { Found } from '../upgrade/ledger/index.ts';
import type { Ledger, LedgerEvent } from '../upgrade/ledger/types.ts';
import type { DueNotice } from '../upgrade/rollout/index.ts';
import type { BackQuestion, Diagnosis, Event, NodeSurvey, Rollout } from '../upgrade/rollout/types.ts';
import type { DatabaseTold } from './ask.ts';
import type { Audited } from './audit.ts';
import type { BuildTold } from './build-told.ts';
import type { ChainedEntry } from './journal.ts';
import type { NightFound } from './nights.ts';
import type { Note } from './notes.ts';

export type { DatabaseTold };

/** One line of an append-only journal. */
export interface Entry<E> {
  at: number;
  revision: number;
  event: E;
}

/** Of a rollout's. Two kinds of lines say all that the rollout is, in the `format` of then, so that reading can begin there. */
export type JournalEntry = Entry<
  | Event
  /** `rollout` is absent in lines of versions that did not sign. */
  | { type: 'created'; at: number; by: Actor; format?: number; rollout?: Rollout; previous?: undefined }
  | (Adoption & { format: number; rollout: Rollout })
>;

/** Somebody looked and answers for it; `with`: the first of two. */
export interface Adoption {
  type: 'adopted';
  at: number;
  by: Actor;
  with?: Actor;
  /** Hash of the line before it. */
  previous: string;
  /** Digest of all lines that stood before it: what they answer for. Absent: for no flaw. */
  before?: string;
}

/** The ledger of one fleet in Redis: what outlives a rollout. */
export interface LedgerStore {
  /** An empty one when nothing was ever written. */
  load(): Promise<Ledger>;
  /** The one door: folds the event in, saves compare-and-set, journals. `changed` is false when it had no effect. */
  record(event: LedgerEvent): Promise<{ ledger: Ledger; changed: boolean }>;
  /** Names what somebody would answer for: it is another one once that was done, or anything changed. */
  mark(): Promise<string>;
  /**
   * A person answers for what its journal proves up to its first flaw, and nothing else of it is taken over; besides, for what
   * the nodes were `found` to be.
   * @throws Refused when it is not `mark` any more
   */
  adopt(by: Actor, at: number, how?: { first?: Actor; mark?: string; found?: Found }): Promise<Ledger>;
}

/** Where a message of a rollout stands in the chat, by the key that the view gave it. */
export interface PostedMessage {
  ts: string;
  channel: string;
  /** Hash of the content that is shown now: nothing is sent when it is the same. */
  content: string;
}

/** `proven`: signed all the way; `unsigned`: of a version that did not sign; `ended`: nobody signed it, so that it can only end. */
export interface Adoptable {
  rollout: Rollout;
  as: 'proven' | 'unsigned' | 'ended';
  mark: string;
}

/** The rollouts of one fleet as values in Redis. Every write is compare-and-set on `revision`. */
export interface Store {
  /** Null also for one that turns out to be another fleet's. */
  load(id: string): Promise<Rollout | null>;
  /** The open rollout, which holds the fleet. */
  open(): Promise<Rollout | null>;
  /** Ids of all open rollouts. */
  openIds(): Promise<string[]>;
  /** Newest first. @throws Tampered for one of them that cannot be believed */
  latest(count: number): Promise<Rollout[]>;
  /** Of the newest ones, newest first; also of the one that was written to last when it was seen here, which is never removed. */
  newestIds(count: number): Promise<string[]>;
  /** @throws Refused naming the holder when the fleet has an open rollout. */
  create(rollout: Rollout): Promise<void>;
  /**
   * Saves `rollout` (its revision one above the stored one) and appends to the journal, atomically.
   * False when the stored revision is another by now. Takes or frees the fleet according to `isOpen`;
   * @throws Refused when it would reopen a rollout of a fleet that another one holds.
   */
  save(rollout: Rollout, event: Event): Promise<boolean>;
  journal(id: string): Promise<JournalEntry[]>;
  /** The newest line of its journal that this process has seen; null when it has seen none. */
  headOf(id: string): { revision: number; hash: string; at: number } | null;
  /** What somebody would adopt, and a name for exactly that. @throws Refused for an unknown id */
  adoptable(id: string): Promise<Adoptable>;
  /**
   * A person answers for it: what its journal proves up to its first flaw goes on, and so does what a version stored that did
   * not sign, as far as `as` lets it. Of anything else only the end is taken over. `first`: who said the same before them.
   * @throws Refused for an unknown id, or when it is not `mark` any more
   */
  adopt(
    id: string,
    by: Actor,
    at: number,
    how?: { first?: Actor; mark?: string; as?: (rollout: Rollout, at: number) => Rollout },
  ): Promise<Rollout>;
  /**
   * Who wanted exactly `what` before `by`, within 30 min; that is used up then. Null: nobody else did, and this is noted. What is
   * done must change what `what` names: a wish that was used can be put into Redis again.
   */
  seconded(what: string, by: Actor, at: number): Promise<Actor | null>;
  /** The highest number of a run that signed journals tell of, as far as they can be believed; 0 when there is none. */
  lastEpoch(): Promise<number>;
  /** Strictly rising over all rollouts of the fleet, and never below `now`. */
  nextEpoch(now: number): Promise<number>;
  /** True the first time that `key` is seen within `ttlMs`; for deliveries that come twice. */
  firstTime(key: string, ttlMs: number): Promise<boolean>;
  posted(rollout: string): Promise<Record<string, PostedMessage>>;
  setPosted(rollout: string, key: string, message: PostedMessage): Promise<void>;
  /** A plan that was shown and not yet confirmed; kept for `ttlMs`. */
  saveDraft(rollout: Rollout, ttlMs: number): Promise<void>;
  /** Takes the draft away, so that it starts once only; null when it is gone. */
  takeDraft(id: string): Promise<Rollout | null>;
}

export type Recorded =
  /** The rollout after the event; `changed` is false when the event had no effect (late, repeated, not allowed now). */
  { rollout: Rollout; changed: boolean };

/**
 * `work`: what a plan is made from, with all that work on the nodes rests on; `whole`: with what lies on them, backups too;
 * `checked`: with what the settings ask of every node.
 */
export type LookFor = 'work' | 'answer' | 'whole' | 'checked';

/** What the chat and the command line see of the queue side. */
export interface Control {
  store: Store;
  ledger: LedgerStore;
  /** The one door: folds the event in, saves, journals, wakes whoever must act. @throws Refused for an unknown id. */
  record(id: string, event: Event): Promise<Recorded>;
  /** As `Store.adopt`, and it goes on. @throws Refused */
  adopt(id: string, by: Actor, how?: { first?: Actor; mark?: string }): Promise<Rollout>;
  /** Stores a confirmed plan and wakes it. @throws Refused naming who holds the fleet. */
  start(rollout: Rollout): Promise<void>;
  /**
   * What the journals prove: of one rollout, `ledger` or `notes`; null: of all. `keptFor`: the retention, ms. `head`: a
   * line that was written down elsewhere, and the beginning of its hash; it must still stand there.
   */
  audit(journal: string | null, keptFor: number, head?: { revision: number; hash: string }): AsyncIterable<Audited>;
  /** Has a worker go to a build that was asked for, or is to end, and shows it. Never throws. */
  wakeBuild(version: string, number: number): Promise<void>;
  /** What is told of its log, as far as it is signed; null: nothing. */
  buildTold(version: string, number: number): Promise<BuildTold | null>;
  /** What workers found in the last night of each of these regions, as far as it is signed. */
  nights(regions: readonly string[]): Promise<NightFound[]>;
  /**
   * One rollout's journal, for a report: its lines once all of them were found to be whole, and the same as `zeitwork export`
   * prints it. @throws Refused for an unknown id; Tampered
   */
  written(id: string): Promise<{ lines: ChainedEntry[]; exported: string[] }>;
  /** Writes down what changed nothing and shall be known, with the name. Never throws, and nobody waits for it. */
  note(note: Note): void;
  /**
   * Asks the workers what is true on the nodes; a node whose worker is silent comes back as unreachable.
   * @param back by node, what its way back is looked for by
   * @param wanted what is to become of every environment file
   */
  survey(
    nodes: { name: string; region: string }[],
    timeoutMs: number,
    how?: LookFor,
    back?: Record<string, BackQuestion>,
    wanted?: Wanted,
  ): Promise<NodeSurvey[]>;
  /** What the database's host tells a worker of a region. @throws Refused with why it tells nothing */
  database(region: string, version: string, timeoutMs: number): Promise<DatabaseTold>;
  /** Asks a worker to look at one node; redacted. */
  diagnose(node: { name: string; region: string }, timeoutMs: number): Promise<Diagnosis>;
}

/** Shows a rollout somewhere. Called with the newest rollout, as often as one likes; must be idempotent. */
export interface Announcer {
  /** @param told called for each notice that is due and was really delivered just now */
  show(rollout: Rollout, told?: (notice: DueNotice) => Promise<void>): Promise<void>;
  /** Calls people once: what is stored about a rollout cannot be believed, and nothing is done for it. */
  alarm(rollout: string, what: string): Promise<void>;
  /** Says once that a newer version went on with this journal, so that nothing is shown or decided of it here. */
  outrun(journal: string): Promise<void>;
  /** Calls people when the store takes no writes, for this reason; and says so once it does again, null. */
  refusing(reason: string | null): Promise<void>;
  /** Shows what the last night found: posts what is missing, edits what changed, and nothing else. Absent where no night is looked at. */
  night?(): Promise<void>;
  /** Shows the build that was last. Absent where nothing is built. */
  build?(): Promise<void>;
  /** Says so where something stands that the store does not know, or not any more. Never throws. */
  repair(): Promise<void>;
}
