import type { Redis } from 'ioredis';
import { Refused } from '../base/errors.ts';
import { canonical, type Notary, type Says } from '../trust/index.ts';
import { emptyLedger, fold, format, leftBy, lift, rebuilt, timedBy } from '../upgrade/ledger/index.ts';
import type { Ledger, LedgerEvent } from '../upgrade/ledger/types.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import type { Anchor } from './anchors.ts';
import { type Examined, examineWith } from './examine.ts';
import {
  append,
  type Chained,
  digestOfLines,
  faultOf,
  firstLink,
  isNewer,
  lineIn,
  markOf,
  type Place,
} from './journal.ts';
import { keysOf } from './keys.ts';
import { reasonOf } from './log.ts';
import { readMoment } from './reader.ts';
import { Newer, Tampered } from './replay.ts';
import { ledgerScript } from './scripts.ts';
import type { Belief } from './store.ts';
import type { Adoption, LedgerStore } from './types.ts';

/** `format`: of what is held; absent in lines of before, which had the first. */
type Adopted = Adoption & { format?: number; ledger: Ledger };

/** A line of its journal. */
export type LedgerLine = LedgerEvent | Adopted;

interface Head {
  count: number;
  hash: string;
  ledger: Ledger;
}

const says: Record<LedgerLine['type'], readonly Says[]> = {
  adopted: ['decisions'],
  accepted: ['decisions'],
  snoozed: ['decisions'],
  began: ['decisions'],
  'build-asked': ['decisions'],
  'build-stopped': ['decisions'],
  'build-begun': ['reports'],
  'build-reported': ['reports'],
  froze: ['decisions'],
  unfroze: ['decisions'],
  left: ['reports'],
  timed: ['reports'],
};

export const ledgerSignedAs = (line: LedgerLine): readonly Says[] => says[line.type] ?? [];

/**
 * What outlives the rollouts of one fleet, in Redis, which is not believed: it is what its signed journal says. Commands
 * reject with ioredis' errors when Redis is away.
 */
export function createLedger(
  redis: Redis,
  fleet: string,
  { notary, anchors }: Belief,
): LedgerStore & { lines(): Promise<string[]> } {
  const keys = keysOf(fleet);
  const place: Place = { fleet, journal: 'ledger' };
  const nothing: Head = { count: 0, hash: firstLink(place), ledger: emptyLedger };
  let known = nothing;

  const remember = (head: Head, at: number, anew = false): void => {
    if (!anew && head.count < known.count) return;
    known = head;
    anchors.set('ledger', { revision: head.ledger.revision, hash: head.hash, at, open: false });
  };

  const read = async (before: Head): Promise<Head> => {
    // Before what is read: what is seen meanwhile may be newer.
    const anchor = anchors.of('ledger');
    const { body, hash, ...found } = await readMoment(redis, 'ledger', keys.ledger, keys.ledgerJournal, before.count);
    const lines = found.lines.map(decodeLine);
    const adopted = lines.findLastIndex(({ event }) => event.type === 'adopted');
    const line = lines[adopted]?.event;
    const from = line?.type === 'adopted' ? { ...before, count: before.count + adopted, hash: line.previous } : before;
    const head = lines.slice(Math.max(0, adopted)).reduce((at, each) => follow(place, notary, at, each), from);
    if (head.hash !== (hash || firstLink(place))) {
      // It was put back, and perhaps adopted since: read whole.
      if (before.count > 0) return read(nothing);
      throw new Tampered('ledger', 'its last line is not in its journal');
    }
    // Else nothing could be written any more, and nobody would know why.
    if (found.revision !== head.ledger.revision)
      throw new Tampered('ledger', 'its number is not that of its last line');
    if (!isCopy(body, head.ledger)) throw new Tampered('ledger', 'it is not what its journal says');
    // An adoption leads anywhere, and may be an old one that was put there again: also by whoever has read on.
    if (before.count === 0 || line !== undefined) refuseRewound(head, lines, anchor, line?.at ?? null);
    const last = lines.at(-1);
    if (last) remember(head, last.at, before.count === 0);
    return head;
  };

  function refuseRewound(
    { ledger }: Head,
    lines: Chained<LedgerLine>[],
    anchor: Anchor | null,
    adoptedAt: number | null,
  ): void {
    if (anchor === null || (adoptedAt !== null && adoptedAt > anchor.at)) return;
    if (ledger.revision < anchor.revision)
      throw new Tampered(
        'ledger',
        `it was put back to line ${ledger.revision}; this process has seen ${anchor.revision}`,
      );
    const same = lines.find(({ revision }) => revision === anchor.revision);
    if (same && same.hash !== anchor.hash) throw new Tampered('ledger', `line ${anchor.revision} is another one`);
  }

  const write = async (
    head: Omit<Head, 'ledger'>,
    ledger: Ledger,
    event: LedgerLine,
    stored = ledger.revision - 1,
  ): Promise<boolean> => {
    const line = { at: event.at, revision: ledger.revision, event };
    const entry = append(place, head.hash, line, notary, ledgerSignedAs(event));
    const fields = [encode(ledger), String(ledger.revision), entry.hash, JSON.stringify(entry)];
    const last = [String(stored), head.hash];
    const written = await redis.eval(ledgerScript, 2, keys.ledger, keys.ledgerJournal, ...fields, ...last);
    if (written !== 1) return false;
    remember({ count: head.count + 1, hash: entry.hash, ledger }, event.at);
    return true;
  };

  /** What of it somebody may answer for, and what must still be stored then. */
  const adoptable = async () => {
    const { body, hash, count, lines } = await readMoment(redis, 'ledger', keys.ledger, keys.ledgerJournal, 0);
    const stored = body === null ? 0 : Number(await redis.hget(keys.ledger, 'revision')) || 0;
    const before = lastProven(place, lines, notary);
    const mark = markOf(body ?? '', hash, digestOfLines(lines));
    return { before, hash, count, lines, stored, mark };
  };

  return {
    load: async () => (await read(known)).ledger,
    async record(event) {
      for (;;) {
        const head = await read(known);
        const { ledger: before } = head;
        const after = fold(before, event);
        if (after === before) return { ledger: before, changed: false };
        const ledger = { ...after, revision: before.revision + 1 };
        // When somebody else was quicker, it is folded into what they left.
        if (await write(head, ledger, event)) return { ledger, changed: true };
      }
    },
    mark: async () => (await adoptable()).mark,
    async adopt(by, at, { first, mark, found } = {}) {
      const { before, hash, count, lines, stored, mark: now } = await adoptable();
      const moved = new Refused('The ledger moved on meanwhile. Look again.');
      if (mark !== undefined && mark !== now) throw moved;
      const previous = hash || firstLink(place);
      const anew = found === undefined ? before : rebuilt(before, found, at);
      const ledger = { ...anew, revision: Math.max(before.revision, stored) + 1 };
      const two = first === undefined ? {} : { with: first };
      const answered = { previous, before: digestOfLines(lines) };
      const line = { type: 'adopted' as const, at, by, ...two, format, ledger, ...answered };
      if (await write({ count, hash: previous }, ledger, line, stored)) return ledger;
      throw moved;
    },
    lines: () => redis.lrange(keys.ledgerJournal, 0, -1),
  };
}

function follow(place: Place, notary: Notary, head: Head, line: Chained<LedgerLine>): Head {
  const wrong = (what: string) => new Tampered('ledger', `line ${head.count + 1} of its journal: ${what}`);
  if (isNewer(place, head.hash, line, notary)) throw new Newer('the ledger');
  const fault = faultOf(place, head.hash, line, notary, ledgerSignedAs(line.event));
  if (fault !== null) throw wrong(fault);
  const after = { count: head.count + 1, hash: line.hash };
  if (line.event.type === 'adopted') return { ...after, ledger: lift({ format: 1, ...line.event }) };
  const ledger = fold(head.ledger, line.event);
  if (ledger === head.ledger) throw wrong('it changes nothing, so it was never written by us');
  if (line.revision !== head.ledger.revision + 1) throw wrong(`it is numbered ${line.revision}`);
  return { ...after, ledger: { ...ledger, revision: line.revision } };
}

/** What the lines prove, passing over those that do not. */
function lastProven(place: Place, stored: readonly string[], notary: Notary): Ledger {
  let head: Head = { count: 0, hash: firstLink(place), ledger: emptyLedger };
  for (const line of stored.map((each) => lineIn<LedgerLine>(each))) {
    if (line === null) continue;
    const anew = line.event.type === 'adopted' ? [{ ...head, hash: line.event.previous }] : [];
    for (const start of [head, ...anew]) {
      try {
        const found = follow(place, notary, start, line);
        // An adoption raises the number; one that does not was put there again.
        if (found.ledger.revision > head.ledger.revision) head = found;
        break;
      } catch (error) {
        if (!(error instanceof Tampered)) throw error;
      }
    }
  }
  return head.ledger;
}

/** Reads the ledger's journal from its first line, past adoptions: all that is wrong in it, in order. */
export function examineLedger(
  fleet: string,
  lines: readonly (Chained<LedgerLine> | null)[],
  notary: Notary,
  texts?: readonly string[],
): Examined {
  const place: Place = { fleet, journal: 'ledger' };
  const onward = (head: Head | null, line: Chained<LedgerLine>, index: number): Head => {
    const { event } = line;
    const link = event.type === 'adopted' && index > 0 ? event.previous : firstLink(place);
    return follow(place, notary, head ?? { count: index, hash: link, ledger: emptyLedger }, line);
  };
  return examineWith<Head, LedgerLine>('ledger', lines, onward, texts);
}

/** Writes down what a rollout that is over left on its nodes, and how long it took; asking again is harmless. */
export async function noteLeft(ledger: LedgerStore, rollout: Rollout): Promise<void> {
  if (rollout.unsigned || rollout.onlyBack) return;
  for (const event of [leftBy(rollout), timedBy(rollout)]) if (event !== null) await ledger.record(event);
}

const encode = (ledger: Ledger): string => JSON.stringify({ format, ledger });

/** Whether what is stored beside the journal says what the journal says, in this spelling or another. */
function isCopy(body: string | null, ledger: Ledger): boolean {
  if (body === encode(ledger)) return true;
  return canonical(body === null ? emptyLedger : decodeBelieved(body)) === canonical(ledger);
}

function decodeBelieved(body: string): Ledger {
  try {
    return decode(body);
  } catch {
    throw new Tampered('ledger', 'what is stored beside its journal cannot be read');
  }
}

/** What an earlier version stored is lifted; what a later one stored is left to it. */
function decode(body: string): Ledger {
  try {
    return lift(JSON.parse(body));
  } catch (error) {
    throw new Error(`The ledger of the fleet cannot be read: ${reasonOf(error)}`);
  }
}

function decodeLine(line: string): Chained<LedgerLine> {
  const read = lineIn<LedgerLine>(line);
  if (read === null) throw new Tampered('ledger', 'a line of its journal is no line');
  return read;
}
