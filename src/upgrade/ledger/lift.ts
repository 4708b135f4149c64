import { emptyLedger } from './fold.ts';
import type { Ledger } from './types.ts';

/** Shape of what is stored; raised when an older program could misread it. */
export const format = 1;

/**
 * A ledger as any earlier version stored it, as this one reads it.
 * @throws Error for a format that this program does not know
 */
export function lift(stored: { format: number; ledger: unknown }): Ledger {
  if (stored.format === format) return { ...emptyLedger, ...(stored.ledger as Ledger) };
  throw new Error(
    `it was stored in format ${stored.format}, this program reads format ${format}: use the version that stored it, or a newer one`,
  );
}
