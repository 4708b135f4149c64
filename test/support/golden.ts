import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Redis } from 'ioredis';

/** What a version had in Redis at some moment. */
export interface Stored {
  name: string;
  now: number;
  keys: Record<string, Kept>;
}

type Kept =
  | { hash: Record<string, string> }
  | { list: string[] }
  | { set: string[] }
  | { sorted: string[] }
  | { text: string };

/** What version 0.1.0 had: one rollout, and the events that made it. */
export interface StoredFirst {
  name: string;
  now: number;
  stored: { format: number; rollout: unknown };
  /** Without the first one, `created`. */
  journal: { type: string; at: number }[];
}

const read = <T>(format: number): [string, T][] => {
  const text = readFileSync(join(import.meta.dirname, `../golden/format-${format}.json`), 'utf8');
  return JSON.parse(text).map((each: T & { name: string }) => [each.name, each]);
};

/** Written by the version that had the format, by name; never written again once that is released. */
export const golden1 = (): [string, StoredFirst][] => read(1);
export const golden2 = (): [string, Stored][] => read(2);
export const golden3 = (): [string, Stored][] => read(3);

/** The rollout as its body has it. */
export function bodyOf({ keys }: Stored, id = 'r1'): { format: number; rollout: unknown } {
  const kept = keys[`{zw}/production:rollout:${id}`];
  if (kept === undefined || !('hash' in kept)) throw new Error(`there is no rollout ${id}`);
  return JSON.parse(kept.hash.body ?? '');
}

/** Puts everything back as it was. */
export async function putBack(redis: Redis, { keys }: Stored): Promise<void> {
  for (const [name, kept] of Object.entries(keys)) {
    if ('hash' in kept) await redis.hset(name, kept.hash);
    else if ('list' in kept) await redis.rpush(name, ...kept.list);
    else if ('set' in kept) await redis.sadd(name, ...kept.set);
    else if ('sorted' in kept) await redis.zadd(name, ...kept.sorted.toReversed());
    else await redis.set(name, kept.text);
  }
}
