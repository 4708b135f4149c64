import type { Redis } from 'ioredis';
import type { Actor } from '../base/actor.ts';
import { append, type Chained, faultOf, firstLink, isNewer, type Place } from './journal.ts';
import { keysOf } from './keys.ts';
import { type Log, reasonOf } from './log.ts';
import { Newer } from './replay.ts';
import { notesScript } from './scripts.ts';
import type { Belief } from './store.ts';

/** What changed nothing and shall be known all the same, with the name of whoever asked. */
export type Note =
  /** `what`: a right, a verb or a button; `rollout`: what it was about, as far as that is known. */
  | { type: 'denied'; at: number; by: Actor; what: string; reason: string; rollout?: string }
  /** A plan that was shown and thrown away. */
  | { type: 'cancelled'; at: number; by: Actor; plan: string; version: string }
  /** Nodes were looked at. */
  | { type: 'looked'; at: number; by: Actor; with: string; node?: string };

/** A line. Each says what it follows, so that the oldest that is kept can be verified. `gap`: notes up to `seen` were taken away. */
export type NoteLine = (Note | { type: 'gap'; at: number; seen: number }) & { previous: string };

export interface Notes {
  /** Written down soon. Never throws, and nobody waits for it. */
  note(note: Note): void;
  /** When all that was noted is written down. */
  settled(): Promise<void>;
  /** As they are stored, oldest first. */
  lines(): Promise<string[]>;
}

/** So many are kept, the newest. */
export const keptNotes = 10_000;
/** A click that is repeated like mad is one note in so many milliseconds. */
const sameWithin = 60_000;
/** Another program may write at the same time, each time. */
const tries = 50;

const signedAs = ['decisions'] as const;

/** The notes of one fleet: chained and signed like its journals, and as little believed. */
export function createNotes(redis: Redis, fleet: string, { notary, anchors }: Belief, log: Pick<Log, 'error'>): Notes {
  const keys = keysOf(fleet);
  const place: Place = { fleet, journal: 'notes' };
  const lately = new Map<string, number>();
  let tail = Promise.resolve();

  const write = async (note: Note): Promise<void> => {
    for (let left = tries; left > 0; left -= 1) {
      const [stored, head] = await redis.hmget(keys.notes, 'revision', 'hash');
      const last = { revision: Number(stored ?? 0) || 0, hash: head ?? firstLink(place) };
      const anchor = anchors.of('notes');
      const lost = anchor !== null && (last.revision < anchor.revision || isOther(last, anchor));
      const gap = lost ? { type: 'gap' as const, at: note.at, seen: anchor.revision } : null;
      const event: NoteLine = { ...(gap ?? note), previous: last.hash };
      const revision = last.revision + 1;
      const line = append(place, last.hash, { at: note.at, revision, event }, notary, signedAs);
      const words = [String(stored ?? ''), String(head ?? ''), String(revision), line.hash, JSON.stringify(line)];
      if ((await redis.eval(notesScript, 2, keys.notes, keys.notesJournal, ...words, String(keptNotes))) !== 1)
        continue;
      anchors.set('notes', { revision, hash: line.hash, at: note.at, open: false });
      if (gap === null) return;
      log.error({ seen: gap.seen }, 'notes about who was refused and who looked were taken away');
    }
    throw new Error('others were quicker each time');
  };

  return {
    note(note) {
      const { at, ...what } = note;
      const same = JSON.stringify(what);
      if (at - (lately.get(same) ?? Number.NEGATIVE_INFINITY) < sameWithin) return;
      if (lately.size > 1_000) lately.clear();
      lately.set(same, at);
      tail = tail
        .then(() => write(note))
        .catch((error: unknown) => log.error({ ...note, why: reasonOf(error) }, 'could not be noted'));
    },
    settled: () => tail,
    lines: () => redis.lrange(keys.notesJournal, 0, -1),
  };
}

/** The same number, and another line. Lines of others that came since are not known here. */
const isOther = (last: { revision: number; hash: string }, anchor: { revision: number; hash: string }): boolean =>
  last.revision === anchor.revision && last.hash !== anchor.hash;

/** What is wrong in the notes that are kept, line by line. Null: what stands there is no line of ours. */
export function flawsInNotes(
  fleet: string,
  lines: readonly (Chained<NoteLine> | null)[],
  { notary }: Pick<Belief, 'notary'>,
): string[] {
  const place: Place = { fleet, journal: 'notes' };
  const flaws: string[] = [];
  let before: Chained<NoteLine> | null = null;
  for (const [index, line] of lines.entries()) {
    const wrong = (what: string) => flaws.push(`line ${index + 1} of the notes: ${what}`);
    if (line === null) {
      wrong('it is not as we write lines');
      return flaws;
    }
    const link: string = before?.hash ?? (line.revision === 1 ? firstLink(place) : line.event.previous);
    if (isNewer(place, link, line, notary)) throw new Newer('the notes');
    const fault = faultOf(place, link, line, notary, signedAs);
    if (fault !== null) {
      wrong(fault);
      return flaws;
    }
    if (before !== null && line.revision !== before.revision + 1) wrong(`it is numbered ${line.revision}`);
    if (line.event.type === 'gap') wrong(`those before it, up to ${line.event.seen}, were taken away`);
    before = line;
  }
  const [first, last] = [lines[0], lines.at(-1)];
  if (first && last && first.revision !== Math.max(1, last.revision - keptNotes + 1)) {
    flaws.push(`notes before number ${first.revision} were taken away`);
  }
  return flaws;
}
