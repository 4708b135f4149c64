import { Refused } from '../base/errors.ts';
import { canonical, type Notary, type Says } from '../trust/index.ts';
import { lift, next } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { type ChainedEntry, faultOf, firstLink, followsUnsigned, isNewer, type Place } from './journal.ts';
import type { JournalEntry } from './types.ts';

/** What is stored is not what was decided and done: nothing may follow from it. */
export class Tampered extends Refused {
  readonly rollout: string;
  /** What was found, in words. */
  readonly what: string;

  constructor(rollout: string, what: string) {
    super(
      `What is stored about ${rollout} cannot be believed: ${what}. Nothing is done for it. ` +
        `Look with: zeitwork audit ${rollout}. When you know what the nodes run, adopt ${rollout} goes on from what was signed.`,
    );
    this.rollout = rollout;
    this.what = what;
  }
}

/** It was begun by a version that signed nothing: a person has to look first. */
export const unadopted = (id: string): Refused =>
  new Refused(
    `Nobody signed what led to ${id}: it was begun by a version that did not. Look what the nodes run, then say \`/zeitwork adopt ${id}\`; rollback and stop work as they are.`,
  );

/** Nothing is wrong: this program is too old to follow. */
export class Newer extends Refused {
  constructor(journal: string) {
    super(`A newer version of zeitwork went on with ${journal}; this one waits. Update it, the bot first.`);
  }
}

/** How far a journal was read, and what follows from it. */
export interface Head {
  /** Lines read, from the first one of the journal. */
  count: number;
  revision: number;
  /** Of the last line. */
  hash: string;
  /** Folded from the lines alone; null while none of them was signed, or none said what the rollout is. */
  rollout: Rollout | null;
}

type Line = JournalEntry['event'];

/** Who may say what. Time passes for whoever looks. */
const says: Record<Line['type'], readonly Says[]> = {
  created: ['decisions'],
  adopted: ['decisions'],
  approved: ['decisions'],
  declined: ['decisions'],
  paused: ['decisions'],
  resumed: ['decisions'],
  stopped: ['decisions'],
  retried: ['decisions'],
  decided: ['decisions'],
  'rollback-asked': ['decisions'],
  'taken-on': ['decisions'],
  owned: ['decisions'],
  'item-ticked': ['decisions'],
  'item-unticked': ['decisions'],
  rescheduled: ['decisions'],
  announced: ['decisions'],
  begun: ['reports'],
  reported: ['reports'],
  gated: ['reports'],
  'action-begun': ['reports'],
  'action-reported': ['reports'],
  'action-gated': ['reports'],
  watched: ['reports'],
  'looked-after': ['reports'],
  superseded: ['reports'],
  ticked: ['decisions', 'reports'],
};

export const signedAs = (event: Line): readonly Says[] => says[event.type] ?? [];

/** Lines that say all that a rollout is: reading may begin at any of them. */
export function isWhole(event: Line): event is Whole {
  return event.type === 'adopted' || (event.type === 'created' && event.rollout !== undefined);
}

type Whole = Extract<Line, { rollout?: Rollout }> & { rollout: Rollout };

/**
 * Folds lines onto what was read before. Total time is linear in `lines`; nothing is believed that is not signed.
 * @param from null: `lines` begin at the first one, or at one that says all (`isWhole`), whose place is `skipped`
 * @throws Tampered naming the first line that is wrong
 */
export function replay(
  place: Place,
  from: Head | null,
  lines: readonly ChainedEntry[],
  notary: Notary,
  skipped = 0,
): Head {
  let head = from ?? { count: skipped, revision: -1, hash: '', rollout: null };
  for (const line of lines) head = follow(place, head, line, notary, head.hash === '' && from === null);
  return head;
}

/** How far lines prove what they say, passing over those that do not; null when nothing that is signed says what it is about. */
export function lastProven(place: Place, lines: readonly (ChainedEntry | null)[], notary: Notary): Head | null {
  let head: Head | null = null;
  for (const [index, line] of lines.entries()) {
    if (line === null) continue;
    head = heard(place, head, line, notary, index) ?? head;
  }
  return head?.rollout == null ? null : head;
}

function heard(place: Place, head: Head | null, line: ChainedEntry, notary: Notary, index: number): Head | null {
  // A line that says all may begin anew: somebody adopted what came before it.
  const starts = head !== null && isWhole(line.event) ? [head, null] : [head];
  for (const start of starts) {
    try {
      const found = replay(place, start, [line], notary, index);
      // An adoption raises the number; one that does not, or what was planned, was put there again.
      const isOld = head !== null && head.rollout !== null && found.revision <= head.revision;
      return isOld ? null : found;
    } catch (error) {
      if (!(error instanceof Tampered)) throw error;
    }
  }
  return null;
}

function follow(place: Place, head: Head, line: ChainedEntry, notary: Notary, isFirst: boolean): Head {
  const wrong = (what: string) => new Tampered(place.journal, `line ${head.count + 1} of its journal: ${what}`);
  const after = { count: head.count + 1, revision: line.revision, hash: line.hash };
  const previous = isFirst ? firstLink(place) : head.hash;
  if (line.key === undefined) {
    if (head.rollout !== null) throw wrong('nobody signed it');
    if (!followsUnsigned(previous, line)) throw wrong('it was changed, or the line before it');
    return { ...after, rollout: null };
  }
  const { event } = line;
  const link = isFirst && isWhole(event) ? (event.previous ?? previous) : previous;
  if (isNewer(place, link, line, notary)) throw new Newer(place.journal);
  const fault = faultOf(place, link, line, notary, signedAs(event));
  if (fault !== null) throw wrong(fault);
  if (isWhole(event)) return { ...after, rollout: whole(place, line, event, wrong) };
  if (head.rollout === null) throw wrong('nothing before it says what the rollout is');
  if (event.type === 'created') throw wrong('it does not say what was planned');
  const folded = next(head.rollout, event);
  if (folded === head.rollout) throw wrong('it changes nothing, so it was never written by us');
  if (line.revision !== head.revision + 1) throw wrong(`it is numbered ${line.revision}`);
  return { ...after, rollout: { ...folded, revision: line.revision } };
}

function whole(place: Place, { revision }: ChainedEntry, event: Whole, wrong: (what: string) => Tampered): Rollout {
  const rollout = lift({ format: event.format ?? 0, rollout: event.rollout });
  if (rollout.id !== place.journal || rollout.fleet !== place.fleet)
    throw wrong(`it is about ${rollout.id} of ${rollout.fleet}`);
  if (rollout.revision !== revision) throw wrong(`it is numbered ${revision}`);
  return rollout;
}

/** Whether two rollouts are the same, however they are written. */
export const isSame = (one: Rollout, other: Rollout): boolean => canonical(one) === canonical(other);
