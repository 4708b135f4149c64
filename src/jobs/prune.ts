import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Redis } from 'ioredis';
import { isOpen } from '../upgrade/rollout/index.ts';
import { isFileName, keep, linesOf, readStored, type Stored } from './history.ts';
import { keysOf, prefixOf } from './keys.ts';
import { noteLeft } from './ledger.ts';
import { takeLock } from './lock-file.ts';
import { reasonOf } from './log.ts';
import type { RolloutStore } from './store.ts';
import type { LedgerStore } from './types.ts';

/** How long history stays in Redis, which holds everything in memory, and where it goes then. */
export interface Retention {
  /** Milliseconds, counted from a rollout's creation. */
  keepFor: number;
  /** Directory for what is removed, a file of JSON lines for each rollout. */
  exports: string;
}

/** What one fleet keeps. */
export interface Kept {
  redis: Redis;
  fleet: string;
  store: Pick<RolloutStore, 'load' | 'newestIds'>;
  ledger: LedgerStore;
}

/** Rollouts removed at once: a sweep does other things as well. */
const most = 20;
/** Looked at in each sweep whatever the list says of their age, and how often that is at most (ms). */
const few = 5;
const sweepEvery = 10_000;
/** Of the newest so many are asked which one it is: what cannot be believed may stand before them. */
const looked = 10;

/**
 * KEYS: rollout, rollouts, open, ledger. ARGV: the prefix, id, its revision and hash, the ledger's revision. Answers
 * whether it is gone: not when anything moved since it was written down.
 */
const script = `
  local stored = redis.call('HMGET', KEYS[1], 'revision', 'hash')
  if (stored[1] or '') ~= ARGV[3] or (stored[2] or '') ~= ARGV[4] then return 0 end
  if (redis.call('HGET', KEYS[4], 'revision') or '0') ~= ARGV[5] then return 0 end
  if redis.call('SISMEMBER', KEYS[3], ARGV[2]) == 1 then return 0 end
  for _, kind in ipairs({':rollout:', ':journal:', ':posted:'}) do redis.call('DEL', ARGV[1] .. kind .. ARGV[2]) end
  redis.call('ZREM', KEYS[2], ARGV[2])
  redis.call('ZREM', ARGV[1] .. ':unpainted', ARGV[2])
  return 1
`;

/**
 * Removes rollouts that are over and older than the retention, some at a time, each once it is written down outside of
 * Redis: never the newest, which can be rolled back, nor one that the ledger names as the last to have left a node proven.
 * How old one is its journal says; the list in Redis only says which to look at first, and is put right.
 * @param stays told why one cannot be written down or read
 * @returns their ids
 */
export async function prune(
  kept: Kept,
  now: number,
  { keepFor, exports }: Retention,
  stays: (why: string) => void,
): Promise<string[]> {
  const { redis, fleet } = kept;
  await putSomeRight(kept, now);
  const old = await redis.zrangebyscore(keysOf(fleet).rollouts, '-inf', now - keepFor);
  if (old.length === 0) return [];
  const standing = new Set(await standingIn(kept));
  const due = old.filter((id) => !standing.has(id)).slice(0, most);
  if (due.length === 0) return [];
  await mkdir(exports, { recursive: true, mode: 0o700 });
  // Another process of this machine is at it.
  const release = await takeLock(join(exports, 'lock'));
  if (release === null) return [];
  const removed: string[] = [];
  try {
    const before = Math.min(now - keepFor + 1, await newestAt(kept));
    for (const id of due) {
      const gone = await removeOne(kept, id, before, exports).catch((error: unknown) => {
        stays(`${id}: ${reasonOf(error)}`);
        return false;
      });
      if (gone) removed.push(id);
    }
  } finally {
    await release();
  }
  return removed;
}

/** Ids that stay however old they are. */
async function standingIn({ redis, fleet, ledger }: Kept): Promise<string[]> {
  const [opened, { nodes }] = await Promise.all([redis.smembers(keysOf(fleet).open), ledger.load()]);
  return [...opened, ...Object.values(nodes).flatMap(({ rollout }) => rollout ?? [])];
}

/** When the newest one that can be believed was created. */
async function newestAt({ store }: Kept): Promise<number> {
  const all = (await store.newestIds(looked)).map((id) => store.load(id).catch(() => null));
  return Math.max(...(await Promise.all(all)).map((rollout) => rollout?.createdAt ?? Number.NEGATIVE_INFINITY));
}

/** Whoever writes into the list makes young what is old: all of it is looked at, in turn. */
async function putSomeRight({ redis, fleet, store }: Kept, now: number): Promise<void> {
  const { rollouts } = keysOf(fleet);
  const turns = Math.ceil((await redis.zcard(rollouts)) / few);
  const start = turns === 0 ? 0 : (Math.floor(now / sweepEvery) % turns) * few;
  const some = await redis.zrange(rollouts, String(start), String(start + few - 1), 'WITHSCORES');
  for (let index = 0; index < some.length; index += 2) {
    const id = some[index] ?? '';
    // What is not there goes first.
    const at = await store.load(id).then(
      (rollout) => rollout?.createdAt ?? 0,
      () => null,
    );
    if (at !== null && at !== Number(some[index + 1])) await redis.zadd(rollouts, 'XX', at, id);
  }
}

/** @param before epoch ms: what was created then or later stays */
async function removeOne(
  { redis, fleet, store, ledger }: Kept,
  id: string,
  before: number,
  exports: string,
): Promise<boolean> {
  const keys = keysOf(fleet);
  if (!isFileName(id)) throw new Error('its id cannot name a file');
  const rollout = await store.load(id);
  if (rollout !== null && rollout.createdAt >= before) {
    await redis.zadd(keys.rollouts, 'XX', rollout.createdAt, id);
    return false;
  }
  if (rollout !== null && isOpen(rollout)) throw new Error('it is open, although it is not among the open ones');
  // Whoever should have noted what it left may have died before.
  if (rollout !== null) await noteLeft(ledger, rollout);
  const { revision, nodes } = await ledger.load();
  if (Object.values(nodes).some((left) => left.rollout === id)) return false;
  const stored = await readStored(redis, fleet, id);
  const found: Stored = stored ?? { id, body: '', revision: '', hash: '', journal: [] };
  if (stored !== null) await keep(exports, id, linesOf(fleet, stored));
  const touched = [keys.rollout(id), keys.rollouts, keys.open, keys.ledger];
  const words = [prefixOf(fleet), id, found.revision, found.hash, String(revision)];
  return (await redis.eval(script, touched.length, ...touched, ...words)) === 1;
}
