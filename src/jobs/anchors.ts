import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The newest line of a journal that this process has seen. */
export interface Anchor {
  revision: number;
  hash: string;
  /** Epoch ms at which the line was written. */
  at: number;
  /** There was something left to do. */
  open: boolean;
}

/** What was seen, kept outside Redis: a Redis that is put back, or rewritten whole, is noticed by it. */
export interface Anchors {
  of(journal: string): Anchor | null;
  set(journal: string, anchor: Anchor): void;
  /** Journals in which something was left to do, when they were seen last. */
  open(): string[];
  /** Ids of the rollouts that were seen, those that were written to last first. */
  rollouts(): string[];
  forget(journal: string): void;
  all(): [journal: string, anchor: Anchor][];
  /** Writes down at once what is new. */
  flush(): void;
}

/** So many journals are remembered, those that were written to last. */
const most = 500;
/** Milliseconds between two writes of the file. */
const rest = 1_000;
/** Clocks of the machines that write lines may differ by this, in ms. */
const skew = 5_000;

/** Kept in `file`; null: in this process only. A file that cannot be read or written is as if there were none. */
export function openAnchors(file: string | null, warn: (reason: string) => void = () => undefined): Anchors {
  const seen = new Map<string, Anchor>(file === null ? [] : Object.entries(readAnchors(file, warn)));
  const forgotten = new Set<string>();
  let timer: NodeJS.Timeout | null = null;
  const write = (): void => {
    timer = null;
    if (file === null) return;
    // Programs of one machine share the file: what another has seen meanwhile stays seen.
    const others = Object.entries(readAnchors(file, warn)).filter(([journal]) => !forgotten.has(journal));
    const all = newest([...others, ...seen]);
    try {
      writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(all)), { mode: 0o600 });
      renameSync(`${file}.new`, file);
    } catch (error) {
      // A state directory that was removed is not made again: a sandbox leaves nothing behind.
      if (!isMissing(error)) warn(`${file} cannot be written: ${error instanceof Error ? error.message : error}`);
    }
  };
  const flush = (): void => {
    if (timer === null) return;
    clearTimeout(timer);
    write();
  };
  if (file !== null) flushAtExit(flush);
  return {
    of: (journal) => seen.get(journal) ?? null,
    set(journal, anchor) {
      const before = seen.get(journal);
      if (before?.hash === anchor.hash && before.open === anchor.open) return;
      seen.set(journal, anchor);
      if (seen.size > most) seen.delete(oldestOf(seen));
      timer ??= setTimeout(write, rest).unref();
    },
    open: () => [...seen].filter(([, { open }]) => open).map(([journal]) => journal),
    rollouts: () =>
      [...seen]
        .filter(([journal]) => !lasting.includes(journal))
        .sort(([, a], [, b]) => b.at - a.at)
        .map(([journal]) => journal),
    forget(journal) {
      seen.delete(journal);
      forgotten.add(journal);
      timer ??= setTimeout(write, rest).unref();
    },
    all: () => [...seen],
    flush,
  };
}

/** Of each journal what was seen last, and of those the newest. */
function newest(all: [string, Anchor][]): [string, Anchor][] {
  const found = new Map<string, Anchor>();
  for (const [journal, anchor] of all) {
    const before = found.get(journal);
    if (before === undefined || isLater(anchor, before)) found.set(journal, anchor);
  }
  while (found.size > most) found.delete(oldestOf(found));
  return [...found];
}

/** Somebody may have adopted an earlier line since: the number alone does not tell. */
const isLater = (one: Anchor, other: Anchor): boolean =>
  Math.abs(one.at - other.at) > skew ? one.at > other.at : one.revision >= other.revision;

/** Reading old journals, as an audit does, must not let the newest be forgotten, nor those that are under way. */
function oldestOf(all: Map<string, Anchor>): string {
  const rank = ({ at, open }: Anchor): number => (open ? Number.MAX_SAFE_INTEGER : at);
  const [first] = [...all].filter(([journal]) => !lasting.includes(journal)).sort(([, a], [, b]) => rank(a) - rank(b));
  return first?.[0] ?? '';
}

/** There is one of each of these, for as long as the fleet. */
const lasting = ['ledger', 'notes'];

const toFlush: (() => void)[] = [];

/** One listener, however many files are open. */
function flushAtExit(flush: () => void): void {
  if (toFlush.length === 0) {
    process.once('exit', () => {
      for (const each of toFlush) each();
    });
  }
  toFlush.push(flush);
}

function readAnchors(file: string, warn: (reason: string) => void): Record<string, Anchor> {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return {};
    warn(`${file} cannot be read: ${error instanceof Error ? error.message : error}`);
    return {};
  }
}

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
