import type { Redis } from 'ioredis';
import type { Notary } from '../trust/index.ts';
import { format, isOpen, lift } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import type { Anchor, Anchors } from './anchors.ts';
import { type ChainedEntry, lineIn, type Place } from './journal.ts';
import { keysOf } from './keys.ts';
import { reasonOf } from './log.ts';
import { type Head, isSame, isWhole, replay, Tampered } from './replay.ts';
import { readScript } from './scripts.ts';

/** A rollout as its journal proves it, with the line that it follows from. */
export interface Proven {
  rollout: Rollout;
  head: Head;
}

export interface Reader {
  /** Null for one that is not there. @throws Tampered; Error when a newer version stored it */
  read(id: string): Promise<Proven | null>;
  /** What this process wrote itself needs no other look. `body`: as it stored it; `at`: of its last line. */
  wrote(id: string, proven: Proven, body: string, at: number): void;
}

interface Stored extends Omit<Moment, 'lines'> {
  body: string;
  lines: ChainedEntry[];
}

/** Rollouts of which the newest head is remembered. */
const most = 100;

/**
 * Reads rollouts of one fleet and believes none of them: each is folded from its signed journal and compared. What was
 * read is remembered, so that only new lines are verified.
 */
export function createReader(redis: Redis, fleet: string, notary: Notary, anchors: Anchors): Reader {
  const keys = keysOf(fleet);
  const place = (journal: string): Place => ({ fleet, journal });
  const known = new Map<string, Proven & { body: string | null }>();

  const remember = (id: string, proven: Proven, body: string | null, at: number): Proven => {
    const before = known.get(id);
    if (before && before.head.count > proven.head.count) return proven;
    known.delete(id);
    known.set(id, { ...proven, body });
    const [oldest] = known.keys();
    if (known.size > most && oldest !== undefined) known.delete(oldest);
    // What nobody signed proves nothing that would have to stand there the next time.
    if (proven.head.rollout !== null) {
      const open = isOpen(proven.rollout);
      anchors.set(id, { revision: proven.head.revision, hash: proven.head.hash, at, open });
    }
    return proven;
  };

  const fetch = async (id: string, from: number): Promise<Stored | null> => {
    const { body, lines, ...rest } = await readMoment(redis, id, keys.rollout(id), keys.journal(id), from);
    if (body === null && rest.count > 0) throw new Tampered(id, 'what is stored beside its journal is gone');
    return body === null ? null : { ...rest, body, lines: lines.map((line) => readLine(id, line)) };
  };

  const onward = async (id: string, before: Proven & { body: string | null }): Promise<Proven | null | 'anew'> => {
    const stored = await fetch(id, before.head.count);
    if (stored === null) return null;
    const { body, revision, hash, count, lines } = stored;
    const { head } = before;
    if (count === head.count && revision === head.revision && hash === head.hash) {
      if (body === before.body) return before;
      return remember(id, compared(place(id), head, body), body, anchors.of(id)?.at ?? 0);
    }
    if (lines.length === 0 || lines.some(({ event }) => isWhole(event))) return 'anew';
    return settled(id, replay(place(id), head, lines, notary), stored);
  };

  const settled = (id: string, head: Head, { body, hash, revision, lines }: Stored): Proven => {
    if (head.hash !== hash || head.revision !== revision) throw new Tampered(id, 'its last line is not in its journal');
    return remember(id, compared(place(id), head, body), body, lines.at(-1)?.at ?? 0);
  };

  const fromStart = async (id: string): Promise<Proven | null> => {
    const hint = Number(await orTampered(id, redis.hget(keys.rollout(id), 'whole')));
    // Before what is read: what is seen meanwhile may be newer.
    const anchor = anchors.of(id);
    let from = Number.isSafeInteger(hint) && hint > 0 ? hint : 0;
    let stored = await fetch(id, from);
    if (from > 0 && stored !== null && !stored.lines.some(isAdoption)) {
      from = 0;
      stored = await fetch(id, from);
    }
    if (stored === null) return null;
    const { lines } = stored;
    if (lines.length === 0) throw new Tampered(id, 'its journal is gone');
    // Only an adoption answers for what stands before it; what was planned is the first line of all, or the journal is wrong.
    const begin = Math.max(0, lines.findLastIndex(isAdoption));
    refuseRewound(id, stored, anchor, begin);
    return settled(id, replay(place(id), null, lines.slice(begin), notary, from + begin), stored);
  };

  return {
    async read(id) {
      const before = known.get(id);
      // Who reads all of them in turn must not have those forgotten that are read again and again.
      if (before && known.delete(id)) known.set(id, before);
      const proven = before ? await onward(id, before) : 'anew';
      return proven === 'anew' ? fromStart(id) : proven;
    },
    wrote: (id, proven, body, at) => void remember(id, proven, body, at),
  };
}

export interface Moment {
  body: string | null;
  revision: number;
  hash: string;
  /** Lines of the whole journal. */
  count: number;
  lines: string[];
}

/** What a hash and its journal hold at one moment; `lines` from the one at `from`. @throws Tampered in the name of `of` */
export async function readMoment(
  redis: Redis,
  of: string,
  hash: string,
  journal: string,
  from: number,
): Promise<Moment> {
  const answer = await orTampered(of, redis.eval(readScript, 2, hash, journal, from));
  const [body, revision, last, count, lines] = answer as [string?, string?, string?, number?, string[]?];
  return {
    body: body ?? null,
    revision: Number(revision ?? 0),
    hash: last ?? '',
    count: count ?? 0,
    lines: lines ?? [],
  };
}

/** We keep no key of another kind where these belong. */
async function orTampered<T>(of: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('WRONGTYPE')) throw error;
    throw new Tampered(of, 'something of another kind stands in its place');
  }
}

const isAdoption = ({ event }: ChainedEntry): boolean => event.type === 'adopted';

/** What was seen here before must still stand there, unless a person adopted what stands there since. */
function refuseRewound(id: string, { revision, lines }: Stored, anchor: Anchor | null, begin: number): void {
  const first = lines[begin];
  if (anchor === null || (first?.event.type === 'adopted' && first.at > anchor.at)) return;
  if (revision < anchor.revision) {
    throw new Tampered(id, `it was put back to line ${revision}; this process has seen line ${anchor.revision}`);
  }
  if (first?.key === undefined) throw new Tampered(id, 'nobody signed its journal; this process has seen it signed');
  const same = lines.find((line) => line.revision === anchor.revision);
  if (same && same.hash !== anchor.hash)
    throw new Tampered(id, `line ${anchor.revision} is not the one that was there`);
}

/** The stored rollout is no more than a copy of what its journal says. */
function compared({ fleet, journal: id }: Place, head: Head, body: string): Proven {
  if (head.rollout !== null && body === encode(head.rollout)) return { head, rollout: head.rollout };
  const stored = decodeBelieved(id, body);
  if (head.rollout === null) {
    if (stored.fleet !== fleet || stored.id !== id) throw new Tampered(id, `it is ${stored.id} of ${stored.fleet}`);
    return { head, rollout: { ...stored, unsigned: true } };
  }
  if (!isSame(stored, head.rollout)) throw new Tampered(id, 'it is not what its journal says');
  return { head, rollout: head.rollout };
}

/** A newer version says so in the lines that it signs: whatever cannot be read beside lines of ours was not written by us. */
function decodeBelieved(id: string, body: string): Rollout {
  try {
    return decode(id, body);
  } catch {
    throw new Tampered(id, 'what is stored beside its journal cannot be read');
  }
}

export const encode = (rollout: Rollout): string => JSON.stringify({ format, rollout });

/** What an earlier version stored is lifted; what a later one stored is left to it. */
export function decode(id: string, body: string): Rollout {
  try {
    return lift(JSON.parse(body));
  } catch (error) {
    throw new Error(`Rollout ${id} cannot be read: ${reasonOf(error)}`);
  }
}

function readLine(id: string, line: string): ChainedEntry {
  const read = lineIn<ChainedEntry['event']>(line);
  if (read === null) throw new Tampered(id, 'a line of its journal is no line');
  return read;
}
