import type { Redis } from 'ioredis';
import { Refused } from '../base/errors.ts';
import { format, isOpen, lift } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { type ChainedEntry, chain } from './journal.ts';
import { keysOf } from './keys.ts';
import { livingRegions } from './living.ts';
import { type Log, reasonOf } from './log.ts';
import { createScript, epochScript, paintedScript, saveScript } from './scripts.ts';
import type { PostedMessage, Store } from './types.ts';

/** `Store`, plus what only this side of the house needs. */
export interface RolloutStore extends Store {
  journal(id: string): Promise<ChainedEntry[]>;
  /** Ids of rollouts whose newest revision is not known to stand in the chat, open or not, however old. */
  unpainted(): Promise<string[]>;
  /** This revision stands in the chat; one that was saved meanwhile stays to be painted. */
  painted(id: string, revision: number): Promise<void>;
  /** Regions that at least one living worker serves; one that died is not counted after a few seconds. */
  livingRegions(): Promise<string[]>;
}

/**
 * The rollouts of one fleet in Redis. Commands reject with ioredis' errors when Redis is away.
 * @param log told once about each rollout of another fleet that was found where this fleet's are
 */
export function createStore(redis: Redis, fleet: string, log: Pick<Log, 'warn'> = unheard): RolloutStore {
  const keys = keysOf(fleet);
  const told = new Set<string>();
  const own = (rollout: Rollout): Rollout | null => {
    if (rollout.fleet === fleet) return rollout;
    if (!told.has(rollout.id))
      log.warn({ rollout: rollout.id, of: rollout.fleet, fleet }, 'not of this fleet, refused');
    told.add(rollout.id);
    return null;
  };
  const load = async (id: string): Promise<Rollout | null> => {
    const body = await redis.hget(keys.rollout(id), 'body');
    return body === null ? null : own(decode(id, body));
  };

  const write = async (script: string, rollout: Rollout, entry: ChainedEntry, last: string): Promise<string> => {
    const { id } = rollout;
    if (rollout.fleet !== fleet)
      throw new Error(`rollout ${id} is of fleet ${rollout.fleet}, this is ${fleet}'s store`);
    const touched = [keys.rollout(id), keys.holder, keys.open, keys.rollouts, keys.journal(id), keys.unpainted];
    const { revision } = rollout;
    const fields = [
      id,
      isOpen(rollout) ? '1' : '0',
      encode(rollout),
      String(revision),
      entry.hash,
      JSON.stringify(entry),
    ];
    const answer: unknown = await redis.eval(script, touched.length, ...touched, ...fields, last);
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
    async open() {
      const holder = await redis.get(keys.holder);
      return holder === null ? null : load(holder);
    },
    openIds: () => redis.smembers(keys.open),
    async latest(count) {
      const ids = count > 0 ? await redis.zrevrange(keys.rollouts, 0, count - 1) : [];
      return (await Promise.all(ids.map(load))).filter((rollout) => rollout !== null);
    },
    async create(rollout) {
      const { createdAt: at, requester: by, revision } = rollout;
      const entry = chain(rollout.id, { at, revision, event: { type: 'created' as const, at, by } });
      const verdict = await write(createScript, rollout, entry, String(at));
      if (verdict === 'exists') throw new Refused(`Rollout ${rollout.id} was started already.`);
    },
    async save(rollout, event) {
      const [stored, hash] = await redis.hmget(keys.rollout(rollout.id), 'revision', 'hash');
      const last = rollout.revision - 1;
      if (Number(stored) !== last || !hash) return false;
      const entry = chain(hash, { at: event.at, revision: rollout.revision, event });
      return (await write(saveScript, rollout, entry, String(last))) === 'saved';
    },
    async journal(id) {
      return (await redis.lrange(keys.journal(id), 0, -1)).map(decodeEntry);
    },
    unpainted: () => redis.zrange(keys.unpainted, '0', '-1'),
    async painted(id, revision) {
      await redis.eval(paintedScript, 1, keys.unpainted, id, String(revision));
    },
    livingRegions: () => livingRegions(redis, keys.living),
    async nextEpoch(now) {
      return Number(await redis.eval(epochScript, 1, keys.epoch, now));
    },
    async firstTime(name, ttlMs) {
      return (await redis.set(keys.seen(name), '1', 'PX', ttlMs, 'NX')) === 'OK';
    },
    async posted(rollout) {
      const fields = await redis.hgetall(keys.posted(rollout));
      return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, decodePosted(value)]));
    },
    async setPosted(rollout, name, message) {
      await redis.hset(keys.posted(rollout), name, JSON.stringify(message));
    },
    async saveDraft(rollout, ttlMs) {
      await redis.set(keys.draft(rollout.id), encode(rollout), 'PX', ttlMs);
    },
    async takeDraft(id) {
      const body = await redis.getdel(keys.draft(id));
      return body === null ? null : own(decode(id, body));
    },
  };
}

const unheard: Pick<Log, 'warn'> = { warn: () => undefined };

const encode = (rollout: Rollout): string => JSON.stringify({ format, rollout });

/** What an earlier version stored is lifted; what a later one stored is left to it. */
function decode(id: string, body: string): Rollout {
  try {
    return lift(JSON.parse(body));
  } catch (error) {
    throw new Error(`Rollout ${id} cannot be read: ${reasonOf(error)}`);
  }
}

const decodeEntry = (line: string): ChainedEntry => JSON.parse(line);
const decodePosted = (value: string): PostedMessage => JSON.parse(value);
