import { createHash } from 'node:crypto';
import { canonical, type Notary, type Says } from '../trust/index.ts';
import type { Entry, JournalEntry } from './types.ts';

/** A line of a journal, tied to all lines before it and signed by the process that admitted it. */
export interface Chained<E> extends Entry<E> {
  /** SHA-256 over what is in `linkOf`, hex. */
  hash: string;
  /** Fingerprint of the key that signed the hash; absent in lines of versions that did not sign. */
  key?: string;
  /** base64 */
  signature?: string;
}

export type ChainedEntry = Chained<JournalEntry['event']>;

/** Which journal of which fleet: a line of one means nothing in another. */
export interface Place {
  fleet: string;
  /** A rollout's id, or `ledger`, or `audit`. */
  journal: string;
}

/** What the first line of a journal is tied to. */
export const firstLink = ({ journal }: Place): string => journal;

/** The next line, after the one whose hash is `previous`. */
export function append<E>(
  place: Place,
  previous: string,
  { at, revision, event }: Entry<E>,
  notary: Notary,
  as: readonly Says[],
): Chained<E> {
  const hash = linkOf(place, previous, { at, revision, event });
  return { at, revision, event, hash, ...notary.sign(hash, as) };
}

/** What is wrong with a line that should follow `previous`, in words; null when it may be believed. */
export function faultOf<E>(
  place: Place,
  previous: string,
  entry: Chained<E>,
  notary: Notary,
  as: readonly Says[],
): string | null {
  const { hash, key, signature } = entry;
  if (key === undefined || signature === undefined) return 'nobody signed it';
  if (linkOf(place, previous, entry) !== hash) return 'it was changed, or the line before it';
  return notary.fault(hash, { key, signature }, as);
}

/** Whether a line of a version that did not sign follows `previous`: that proves no more than that nothing was lost. */
export function followsUnsigned<E>(previous: string, { at, revision, event, hash, key }: Chained<E>): boolean {
  return key === undefined && sha256(`${previous}\n${JSON.stringify({ at, revision, event })}`) === hash;
}

function linkOf({ fleet, journal }: Place, previous: string, { at, revision, event }: Entry<unknown>): string {
  return sha256(canonical({ fleet, journal, previous, at, revision, event }));
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
