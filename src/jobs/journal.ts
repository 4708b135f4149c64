import { createHash } from 'node:crypto';
import { canonical, type Notary, type Says } from '../trust/index.ts';
import type { Entry, JournalEntry } from './types.ts';

/**
 * What lines mean, by number. Raised with whatever folds otherwise than before, or is said for the first time: a program that
 * does not know the number waits, instead of taking for forged what it cannot follow. Update the bot first.
 */
export const meaning = 2;

/** A line of a journal, tied to all lines before it and signed by the process that admitted it. */
export interface Chained<E> extends Entry<E> {
  /** SHA-256 over what is in `linkOf`, hex. */
  hash: string;
  /** Fingerprint of the key that signed the hash; absent in lines of versions that did not sign. */
  key?: string;
  /** base64 */
  signature?: string;
  /** `meaning` of the program that wrote it; 1 when absent. */
  meaning?: number;
}

export type ChainedEntry = Chained<JournalEntry['event']>;

/** A line as it is stored; null when it is none, whoever wrote it. */
export function lineIn<E extends { type: string }>(stored: string): Chained<E> | null {
  try {
    const line: unknown = JSON.parse(stored);
    return isLine<E>(line) ? line : null;
  } catch {
    return null;
  }
}

/** The same, and null for a line that says the same in another spelling than ours: for who looks at every bit. */
export function spelledLine<E extends { type: string }>(stored: string): Chained<E> | null {
  const line = lineIn<E>(stored);
  return line !== null && JSON.stringify(line) === stored && Object.keys(line).every((each) => members.includes(each))
    ? line
    : null;
}

const members = ['at', 'revision', 'event', 'meaning', 'hash', 'key', 'signature'];

function isLine<E extends { type: string }>(line: unknown): line is Chained<E> {
  if (typeof line !== 'object' || line === null) return false;
  const { at, revision, event, hash, key = '', signature = '', meaning: of = 1 }: Record<string, unknown> = { ...line };
  const isEvent = typeof event === 'object' && event !== null && 'type' in event && typeof event.type === 'string';
  const words = [hash, key, signature].every((each) => typeof each === 'string');
  return isEvent && words && Number.isFinite(at) && Number.isSafeInteger(revision) && Number.isSafeInteger(of);
}

/** Which journal of which fleet: a line of one means nothing in another. */
export interface Place {
  fleet: string;
  /** A rollout's id, or `ledger`, or `notes`. */
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
  const hash = linkOf(place, previous, { at, revision, event, meaning });
  return { at, revision, event, meaning, hash, ...notary.sign(hash, as) };
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

/** A newer version of this program wrote it, and somebody whose signature counts signed that. */
export function isNewer<E>(place: Place, previous: string, line: Chained<E>, notary: Notary): boolean {
  return (line.meaning ?? 1) > meaning && faultOf(place, previous, line, notary, ['decisions', 'reports']) === null;
}

/** Whether a line of a version that did not sign follows `previous`: that proves no more than that nothing was lost. */
export function followsUnsigned<E>(previous: string, { at, revision, event, hash, key }: Chained<E>): boolean {
  return key === undefined && sha256(`${previous}\n${JSON.stringify({ at, revision, event })}`) === hash;
}

type Linked = Entry<unknown> & { meaning?: number };

function linkOf({ fleet, journal }: Place, previous: string, { at, revision, event, meaning }: Linked): string {
  return sha256(canonical({ fleet, journal, previous, at, revision, event, meaning }));
}

/** What an adoption answers for: all that stood before it, as it was stored. */
export const digestOfLines = (stored: readonly string[]): string => sha256(JSON.stringify(stored));

/** A short name for what somebody answers for, which two say to each other. */
export const markOf = (...parts: string[]): string => sha256(parts.join('\n')).slice(0, 12);

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
