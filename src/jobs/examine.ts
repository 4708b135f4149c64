import type { Actor } from '../base/actor.ts';
import type { Notary } from '../trust/index.ts';
import { type Chained, type ChainedEntry, digestOfLines, type Place } from './journal.ts';
import { type Head, Newer, replay, Tampered } from './replay.ts';

/** What is wrong in a journal. `adopted`: who answered for just that, and went on from there all the same. */
export interface Flaw {
  what: string;
  adopted: { by: string; at: number } | null;
}

/** What a whole journal proves. */
export interface Examined {
  lines: number;
  /** Lines of versions that did not sign. */
  unsigned: number;
  /** Hash of the last line; empty when there is none. */
  head: string;
  flaws: Flaw[];
}

/** What `follow` makes of the lines so far; `head` is null before the first, or before one that somebody adopted. */
type Follow<H, E> = (head: H | null, line: Chained<E>, index: number) => H;

/**
 * Reads a rollout's journal from its first line, past adoptions: all that is wrong in it, in order.
 * @param texts the lines as they are stored; without them nobody can have answered for what is no line of ours
 */
export function examine(
  place: Place,
  lines: readonly (ChainedEntry | null)[],
  notary: Notary,
  texts?: readonly string[],
): Examined {
  return examineWith<Head, ChainedEntry['event']>(
    place.journal,
    lines,
    (head, line, index) => replay(place, head, [line], notary, index),
    texts,
  );
}

/** Null among `lines`: what stands there is no line of ours, bit by bit. */
export function examineWith<H, E extends Adopting>(
  journal: string,
  lines: readonly (Chained<E> | null)[],
  follow: Follow<H, E>,
  texts?: readonly string[],
): Examined {
  const flaws: Flaw[] = [];
  for (let start = 0; start < lines.length; ) {
    const flaw = flawFrom(journal, lines, start, follow);
    if (flaw === null) break;
    // An adoption that does not follow from what stands before it may be the one that answers for that.
    const next = lines.findIndex(
      (_, index) => index >= flaw.line && index > start && answersFor(lines, index, follow, texts),
    );
    const adoption = lines[next]?.event;
    const adopted = adoption?.by === undefined ? null : { by: adoption.by, at: adoption.at };
    flaws.push({ what: flaw.what, adopted });
    if (adopted === null) break;
    start = next;
  }
  const unsigned = lines.filter((line) => line !== null && line.key === undefined).length;
  return { lines: lines.length, unsigned, head: lines.at(-1)?.hash ?? '', flaws };
}

/**
 * Whether somebody answered for all that stands before this line, as it stands there now. One that was put there again, or
 * before which anything was changed since, answers for nothing.
 */
function answersFor<H, E extends Adopting>(
  lines: readonly (Chained<E> | null)[],
  index: number,
  follow: Follow<H, E>,
  texts?: readonly string[],
): boolean {
  const line = lines[index];
  if (line?.event.type !== 'adopted' || line.event.before === undefined) return false;
  const before = texts?.slice(0, index) ?? lines.slice(0, index).map((each) => JSON.stringify(each));
  if (line.event.before !== digestOfLines(before)) return false;
  try {
    follow(null, line, index);
    return true;
  } catch (error) {
    if (error instanceof Tampered) return false;
    throw error;
  }
}

/** What an event tells that may be an adoption. */
interface Adopting {
  type: string;
  at: number;
  by?: Actor;
  before?: string;
}

function flawFrom<H, E>(
  journal: string,
  lines: readonly (Chained<E> | null)[],
  start: number,
  follow: Follow<H, E>,
): { line: number; what: string } | null {
  let head: H | null = null;
  for (let line = start; line < lines.length; line += 1) {
    try {
      const next = lines[line] ?? null;
      if (next === null) throw new Tampered(journal, `line ${line + 1} of its journal: it is not as we write lines`);
      head = follow(head, next, line);
    } catch (error) {
      if (error instanceof Tampered) return { line, what: error.what };
      // As far as this program can follow.
      if (error instanceof Newer) return null;
      throw error;
    }
  }
  return null;
}
