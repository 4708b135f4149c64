import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The newest line of a journal that this process has seen. */
export interface Anchor {
  revision: number;
  hash: string;
  /** Epoch ms at which the line was written. */
  at: number;
}

/** What was seen, kept outside Redis: a Redis that is put back, or rewritten whole, is noticed by it. */
export interface Anchors {
  of(journal: string): Anchor | null;
  set(journal: string, anchor: Anchor): void;
  /** Writes down at once what is new. */
  flush(): void;
}

/** So many journals are remembered, those that were seen last. */
const most = 50;
/** Milliseconds between two writes of the file. */
const rest = 1_000;

/** Kept in `file`; null: in this process only. A file that cannot be read or written is as if there were none. */
export function openAnchors(file: string | null, warn: (reason: string) => void = () => undefined): Anchors {
  const seen = new Map<string, Anchor>(file === null ? [] : Object.entries(readAnchors(file, warn)));
  let timer: NodeJS.Timeout | null = null;
  const write = (): void => {
    timer = null;
    if (file === null) return;
    try {
      writeFileSync(`${file}.new`, JSON.stringify(Object.fromEntries(seen)), { mode: 0o600 });
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
      seen.delete(journal);
      seen.set(journal, anchor);
      const [oldest] = seen.keys();
      if (seen.size > most && oldest !== undefined) seen.delete(oldest);
      timer ??= setTimeout(write, rest).unref();
    },
    flush,
  };
}

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
