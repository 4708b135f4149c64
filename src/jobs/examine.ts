import type { Notary } from '../trust/index.ts';
import type { ChainedEntry, Place } from './journal.ts';
import { Newer, replay, Tampered } from './replay.ts';

/** What is wrong in a journal. `adopted`: who went on from there all the same. */
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

/** Reads a rollout's journal from its first line, past adoptions: all that is wrong in it, in order. */
export function examine(place: Place, lines: readonly ChainedEntry[], notary: Notary): Examined {
  const flaws: Flaw[] = [];
  for (let start = 0; start < lines.length; ) {
    const flaw = flawFrom(place, lines, start, notary);
    if (flaw === null) break;
    const next = lines.findIndex(({ event }, index) => index > flaw.line && event.type === 'adopted');
    const adoption = lines[next]?.event;
    const adopted = adoption?.type === 'adopted' ? { by: adoption.by, at: adoption.at } : null;
    flaws.push({ what: flaw.what, adopted });
    if (adopted === null) break;
    start = next;
  }
  const unsigned = lines.filter(({ key }) => key === undefined).length;
  return { lines: lines.length, unsigned, head: lines.at(-1)?.hash ?? '', flaws };
}

function flawFrom(
  place: Place,
  lines: readonly ChainedEntry[],
  start: number,
  notary: Notary,
): { line: number; what: string } | null {
  for (let head = null, line = start; line < lines.length; line += 1) {
    try {
      head = replay(place, head, lines.slice(line, line + 1), notary, start);
    } catch (error) {
      if (error instanceof Tampered) return { line, what: error.what };
      // As far as this program can follow.
      if (error instanceof Newer) return null;
      throw error;
    }
  }
  return null;
}
