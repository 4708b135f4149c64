import { setTimeout as pause } from 'node:timers/promises';
import { wordsOf } from '../../base/errors.ts';
import { Ended } from './exit.ts';

/** What is looked at again and again; raised `revision` means that something changed. */
export interface Watched {
  revision: number;
  over: boolean;
}

export interface WatchParts<W extends Watched> {
  look(): Promise<W>;
  /** Called at first and after every change. */
  show(seen: W): void;
  /** The store stopped answering. */
  onSilence(): void;
  signal: AbortSignal;
  everyMs: number;
  /** How long the store may be silent. */
  patienceMs: number;
}

/**
 * Looks until it is over, and shows every change that is seen.
 * @returns the last state; null when `signal` came first
 * @throws Ended when the store is silent for too long
 */
export async function watch<W extends Watched>(parts: WatchParts<W>): Promise<W | null> {
  const { signal } = parts;
  let shown = -1;
  let silentSince: number | null = null;
  while (!signal.aborted) {
    try {
      const seen = await parts.look();
      silentSince = null;
      if (seen.revision !== shown) parts.show(seen);
      shown = seen.revision;
      if (seen.over) return seen;
    } catch (error) {
      if (error instanceof Ended) throw error;
      if (silentSince === null) parts.onSilence();
      silentSince ??= performance.now();
      const reason = wordsOf(error);
      if (performance.now() - silentSince > parts.patienceMs) throw new Ended('unreachable', `the store: ${reason}`);
    }
    await pause(parts.everyMs, undefined, { signal }).catch(() => undefined);
  }
  return null;
}

/** Lines of `text` that were not in what was said before, for a reader who has seen that. */
export function freshLines(text: string, before: string): string[] {
  const known = new Set(before.split('\n'));
  return text.split('\n').filter((line) => line.trim() !== '' && !known.has(line));
}
