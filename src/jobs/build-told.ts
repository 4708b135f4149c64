import type { Redis } from 'ioredis';
import { second } from '../base/duration.ts';
import { redactLines } from '../base/redact.ts';
import { canonical, type Notary, type Signature } from '../trust/index.ts';
import { keysOf } from './keys.ts';

/** What people are told of a build's log, as far as it was read: redacted, and never more than fits a thread. */
export interface BuildTold {
  version: string;
  number: number;
  /** When it was looked at last, as far as that was told; epoch ms. */
  at: number;
  /** Bytes of the log that were read. */
  read: number;
  /** Finished pieces, in order; what is not in them was left out, but for the last lines. */
  pieces: string[];
  /** Lines of the next piece, and when the first of them was read, epoch ms. */
  open: string[];
  since: number | null;
  /** Bytes of which nothing is told. */
  leftOut: number;
  /** The last lines. */
  last: string[];
  /** Why nobody knows at the moment how it goes, in words. */
  trouble: string | null;
}

/** Stands for a rollout's id where what is told of builds is woken and kept: no rollout is called so. */
export const buildsName = 'build';

const mostPieces = 12;
/** A piece is a message in a thread: so many characters and lines, or what came in so much time (ms), which is longer for each: they last for 20 min. */
const piece = { characters: 2_400, lines: 80, time: 15 * second };
const lastLines = 20;
const longestLine = 300;

export const nothingTold = (version: string, number: number): BuildTold => ({
  ...{ version, number, at: 0, read: 0, pieces: [], open: [], since: null, leftOut: 0, last: [], trouble: null },
});

/** From which byte on the log is read next: a log that grows faster than it is read is read at its end. */
export const readsFrom = ({ read }: Pick<BuildTold, 'read'>, size: number): number =>
  size - read > furthestBehind ? size - chunk : read;

/** More than one look brings; and how far it may be behind. */
const chunk = 20_000;
const furthestBehind = 200_000;

/**
 * With what was read of the log from byte `from` on. Only whole lines are taken, since half a secret looks like none; what is so long that it
 * is not whole in one look is left out.
 * @param over nothing comes after it
 */
export function heard(told: BuildTold, from: number, text: Buffer, now: number, over: boolean): BuildTold {
  const jumped = from - told.read;
  const begin = jumped > 0 ? text.indexOf(10) + 1 : 0;
  const end = over ? text.length : text.lastIndexOf(10) + 1;
  if (end <= begin && text.length >= chunk)
    return { ...told, read: from + text.length, leftOut: told.leftOut + jumped + text.length };
  if (end <= begin) return closed(told, now, over);
  const lines = linesIn(text.subarray(begin, end).toString('utf8'));
  const next = {
    ...told,
    read: from + end,
    leftOut: told.leftOut + jumped + begin,
    last: [...told.last, ...lines].slice(-lastLines),
  };
  return closed(
    lines.reduce((each, line) => withLine(each, line, now), next),
    now,
    over,
  );
}

/** What a terminal would show of each: a line that was drawn over and over is its last drawing. */
const linesIn = (text: string): string[] =>
  redactLines(
    text
      .replace(/\r?\n$/, '')
      .split(/\r?\n/)
      .map((line) => line.slice(line.lastIndexOf('\r') + 1)),
  ).map((line) => (line.length > longestLine ? `${line.slice(0, longestLine - 1)}…` : line));

function withLine(told: BuildTold, line: string, now: number): BuildTold {
  if (told.pieces.length >= mostPieces) return { ...told, leftOut: told.leftOut + line.length + 1 };
  const size = told.open.reduce((sum, each) => sum + each.length + 1, 0);
  const isFull = told.open.length >= piece.lines || size + line.length > piece.characters;
  const before = isFull ? cutOff(told) : told;
  if (before.pieces.length >= mostPieces) return { ...before, leftOut: before.leftOut + line.length + 1 };
  return { ...before, open: [...before.open, line], since: before.since ?? now };
}

function closed(told: BuildTold, now: number, over: boolean): BuildTold {
  const isDue = told.since !== null && (over || now - told.since >= piece.time * (told.pieces.length + 1));
  return isDue ? cutOff(told) : told;
}

const cutOff = (told: BuildTold): BuildTold => ({
  ...told,
  pieces: [...told.pieces, told.open.join('\n')],
  open: [],
  since: null,
});

/** What was told last, signed by the worker that told it: who writes to Redis has nothing said in a build's name. */
export interface BuildTelling {
  keep(told: BuildTold): Promise<void>;
  /** Of this build; null where nothing is told of it, or nobody of ours did. */
  of(version: string, number: number): Promise<BuildTold | null>;
}

export function createBuildTelling(redis: Redis, fleet: string, notary: Notary): BuildTelling {
  const key = keysOf(fleet).build;
  const text = (told: unknown): string => `build\n${canonical({ fleet, told })}`;
  return {
    async keep(told) {
      await redis.set(key, JSON.stringify({ told, ...notary.sign(text(told), ['reports']) }));
    },
    async of(version, number) {
      const stored = parsed(await redis.get(key).catch(() => null));
      if (stored === null || notary.fault(text(stored.told), stored, ['reports']) !== null) return null;
      const { told } = stored;
      return told.version === version && told.number === number ? told : null;
    },
  };
}

function parsed(stored: string | null): ({ told: BuildTold } & Signature) | null {
  try {
    const read = JSON.parse(stored ?? 'null');
    const isWhole =
      typeof read?.told === 'object' && typeof read.key === 'string' && typeof read.signature === 'string';
    return isWhole ? read : null;
  } catch {
    return null;
  }
}
