import { ReplyError } from 'ioredis';
import type { Task } from '../upgrade/rollout/types.ts';

/** What a worker tells of itself to whoever counts. None of it may throw: what is counted changes nothing. */
export interface WorkMeter {
  /** A step or look was over, `ms` after it was begun. */
  worked(work: { region: string; step: Task['step']; outcome: Outcome; ms: number }): void;
  /** Whether its clock agrees with that of Redis, so that it takes jobs. */
  clock(isRight: boolean): void;
  /** Whether it can follow what newer versions wrote, so that it takes jobs. */
  follows(does: boolean): void;
}

export type Outcome = 'succeeded' | 'failed' | 'unknown' | 'later' | 'gated' | 'watched';

/** What whoever shows rollouts tells, in the same way. */
export interface ShowMeter {
  /** The newest line of a rollout, written at `at` (epoch ms), is to be seen in the chat. */
  drawing(rollout: string, revision: number, at: number): void;
  /** It stands there. */
  drawn(rollout: string, revision: number): void;
  /** Whether what is stored of a journal can be believed. */
  believed(journal: string, is: boolean): void;
}

export const redisTroubles = ['away', 'slow', 'denied', 'refuses-writes', 'other'] as const;
export type RedisTrouble = (typeof redisTroubles)[number];

/** Which kind of trouble it is, in one of few words: what Redis says itself may be anything. null: it is none. */
export function redisTroubleIn(error: unknown): RedisTrouble | null {
  const words = error instanceof Error ? error.message : String(error);
  if (error instanceof ReplyError) {
    // How a script is sent for the first time.
    if (words.startsWith('NOSCRIPT')) return null;
    if (/^(?:NOAUTH|WRONGPASS|NOPERM)\b/.test(words)) return 'denied';
    return /\b(?:OOM|MISCONF|READONLY|NOREPLICAS)\b/.test(words) ? 'refuses-writes' : 'other';
  }
  if (/timed? ?out/i.test(words)) return 'slow';
  return 'away';
}
