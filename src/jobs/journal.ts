import { createHash } from 'node:crypto';
import type { Entry, JournalEntry } from './types.ts';

/** A line of a journal with the hash that ties it to all lines before it. */
export interface Chained<E> extends Entry<E> {
  /** SHA-256 over the previous hash (the rollout's id for the first line, or `ledger`) and this line. */
  hash: string;
}

export type ChainedEntry = Chained<JournalEntry['event']>;

/** Ties `entry` to what was written before it. */
export function chain<E>(previous: string, { at, revision, event }: Entry<E>): Chained<E> {
  const line = JSON.stringify({ at, revision, event });
  return { at, revision, event, hash: createHash('sha256').update(`${previous}\n${line}`).digest('hex') };
}

/**
 * `first`: the rollout's id, or `ledger`.
 * @returns index of the first line that was altered, moved, or whose predecessor is gone; null when the chain is whole
 */
export function brokenLink(first: string, entries: readonly Chained<unknown>[]): number | null {
  let previous = first;
  for (const [index, entry] of entries.entries()) {
    if (chain(previous, entry).hash !== entry.hash) return index;
    previous = entry.hash;
  }
  return null;
}
