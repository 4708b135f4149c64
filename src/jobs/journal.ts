import { createHash } from 'node:crypto';
import type { JournalEntry } from './types.ts';

/** A line of the journal with the hash that ties it to all lines before it. */
export interface ChainedEntry extends JournalEntry {
  /** SHA-256 over the previous hash (the rollout's id for the first line) and this line. */
  hash: string;
}

/** Ties `entry` to what was written before it. */
export function chain(previous: string, { at, revision, event }: JournalEntry): ChainedEntry {
  const line = JSON.stringify({ at, revision, event });
  return { at, revision, event, hash: createHash('sha256').update(`${previous}\n${line}`).digest('hex') };
}

/** Index of the first line that was altered, moved, or whose predecessor is gone; null when the chain is whole. */
export function brokenLink(rollout: string, entries: readonly ChainedEntry[]): number | null {
  let previous = rollout;
  for (const [index, entry] of entries.entries()) {
    if (chain(previous, entry).hash !== entry.hash) return index;
    previous = entry.hash;
  }
  return null;
}
