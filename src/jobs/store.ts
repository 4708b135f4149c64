import type { Redis } from 'ioredis';
import { isOpen } from '../upgrade/rollout/index.ts';
import { Refused, type Rollout } from '../upgrade/rollout/types.ts';
import { type ChainedEntry, chain } from './journal.ts';
import { createScript, epochScript, saveScript } from './scripts.ts';
import type { PostedMessage, Store } from './types.ts';

/** Shape of what is stored; raised when an older program could misread it. */
const format = 1;

/** All keys share one slot, so that a script may touch several of them on a cluster. */
export const prefix = '{zw}';
const key = (...parts: string[]): string => [prefix, ...parts].join(':');

const openKey = key('open');
const changedKey = key('changed');

/** `Store`, plus what only this side of the house needs. */
export interface RolloutStore extends Store {
  journal(id: string): Promise<ChainedEntry[]>;
  /** Ids of rollouts that were saved at or after `since` (epoch ms), open or not. */
  changedSince(since: number): Promise<string[]>;
}

/** Rollouts in Redis. Commands reject with ioredis' errors when Redis is away. */
export function createStore(redis: Redis): RolloutStore {
  const load = async (id: string): Promise<Rollout | null> => {
    const body = await redis.hget(key('rollout', id), 'body');
    return body === null ? null : decode(id, body);
  };

  const write = async (script: string, rollout: Rollout, entry: ChainedEntry, last: string): Promise<string> => {
    const { id, fleet } = rollout;
    const keys = [
      key('rollout', id),
      key('holder', fleet),
      openKey,
      key('fleet', fleet),
      key('journal', id),
      changedKey,
    ];
    const fields = [id, isOpen(rollout) ? '1' : '0', encode(rollout), rollout.revision, entry.hash];
    const answer: unknown = await redis.eval(
      script,
      keys.length,
      ...keys,
      ...fields,
      JSON.stringify(entry),
      entry.at,
      last,
    );
    const [verdict, holder] = Array.isArray(answer) ? answer.map(String) : [String(answer)];
    if (verdict === 'held') throw await heldBy(holder ?? '');
    return verdict ?? '';
  };

  const heldBy = async (holder: string): Promise<Refused> => {
    const other = await load(holder);
    const what = other ? ` (${other.release.version}, asked for by ${other.requester}, ${other.status.is})` : '';
    return new Refused(`Rollout ${holder}${what} holds the fleet. Wait until it is over, or stop it first.`);
  };

  return {
    load,
    async open(fleet) {
      const holder = await redis.get(key('holder', fleet));
      return holder === null ? null : load(holder);
    },
    openIds: () => redis.smembers(openKey),
    async latest(fleet, count) {
      const ids = count > 0 ? await redis.zrevrange(key('fleet', fleet), 0, count - 1) : [];
      return (await Promise.all(ids.map(load))).filter((rollout) => rollout !== null);
    },
    async create(rollout) {
      const { createdAt: at, requester: by, revision } = rollout;
      const entry = chain(rollout.id, { at, revision, event: { type: 'created', at, by } });
      const verdict = await write(createScript, rollout, entry, String(at));
      if (verdict === 'exists') throw new Refused(`Rollout ${rollout.id} was started already.`);
    },
    async save(rollout, event) {
      const [stored, hash] = await redis.hmget(key('rollout', rollout.id), 'revision', 'hash');
      const last = rollout.revision - 1;
      if (Number(stored) !== last || !hash) return false;
      const entry = chain(hash, { at: event.at, revision: rollout.revision, event });
      return (await write(saveScript, rollout, entry, String(last))) === 'saved';
    },
    async journal(id) {
      return (await redis.lrange(key('journal', id), 0, -1)).map(decodeEntry);
    },
    changedSince: (since) => redis.zrangebyscore(changedKey, since, '+inf'),
    async nextEpoch(fleet, now) {
      return Number(await redis.eval(epochScript, 1, key('epoch', fleet), now));
    },
    async firstTime(name, ttlMs) {
      return (await redis.set(key('seen', name), '1', 'PX', ttlMs, 'NX')) === 'OK';
    },
    async posted(rollout) {
      const fields = await redis.hgetall(key('posted', rollout));
      return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, decodePosted(value)]));
    },
    async setPosted(rollout, name, message) {
      await redis.hset(key('posted', rollout), name, JSON.stringify(message));
    },
    async saveDraft(rollout, ttlMs) {
      await redis.set(key('draft', rollout.id), encode(rollout), 'PX', ttlMs);
    },
    async takeDraft(id) {
      const body = await redis.getdel(key('draft', id));
      return body === null ? null : decode(id, body);
    },
  };
}

const encode = (rollout: Rollout): string => JSON.stringify({ format, rollout });

/** Our own writing is trusted; another version's is not. */
function decode(id: string, body: string): Rollout {
  const stored: { format: number; rollout: Rollout } = JSON.parse(body);
  if (stored.format === format) return stored.rollout;
  throw new Error(
    `Rollout ${id} was stored in format ${stored.format}, this program reads format ${format}: finish it with the version that started it.`,
  );
}

const decodeEntry = (line: string): ChainedEntry => JSON.parse(line);
const decodePosted = (value: string): PostedMessage => JSON.parse(value);
