import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Refused } from '../base/errors.ts';
import { canonical, type Notary } from '../trust/index.ts';
import { format, isOpen } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import type { Anchors } from './anchors.ts';
import { draftsOf } from './drafts.ts';
import { append, type ChainedEntry, firstLink } from './journal.ts';
import { keysOf } from './keys.ts';
import { livingRegions } from './living.ts';
import { createReader, encode } from './reader.ts';
import { isWhole, signedAs, unadopted } from './replay.ts';
import { createScript, epochScript, paintedScript, saveScript } from './scripts.ts';
import type { PostedMessage, Store } from './types.ts';
import { wishesOf } from './wishes.ts';

/** `Store`, plus what only this side of the house needs. */
export interface RolloutStore extends Store {
  journal(id: string): Promise<ChainedEntry[]>;
  /** As they are stored. */
  lines(id: string): Promise<string[]>;
  /** Ids of those that were under way when they were seen here last, and are not there any more; each is told once. */
  lost(): Promise<string[]>;
  /** Of all rollouts that are kept, newest first. */
  ids(): Promise<string[]>;
  /** Ids of rollouts whose newest revision is not known to stand in the chat, open or not, however old. */
  unpainted(): Promise<string[]>;
  /** This revision stands in the chat; one that was saved meanwhile stays to be painted. */
  painted(id: string, revision: number): Promise<void>;
  /** Regions that at least one living worker serves; one that died is not counted after a few seconds. */
  livingRegions(): Promise<string[]>;
}

/** Whose signatures count, and what was seen outside Redis. */
export interface Belief {
  notary: Notary;
  anchors: Anchors;
}

/**
 * The rollouts of one fleet in Redis, which is not believed: each is what its signed journal says, or it is refused
 * (`Tampered`). Commands reject with ioredis' errors when Redis is away.
 */
export function createStore(redis: Redis, fleet: string, { notary, anchors }: Belief): RolloutStore {
  const keys = keysOf(fleet);
  const place = (journal: string) => ({ fleet, journal });
  const reader = createReader(redis, fleet, notary, anchors);
  const drafts = draftsOf(redis, fleet, notary);
  const load = async (id: string): Promise<Rollout | null> => (await reader.read(id))?.rollout ?? null;

  /** `last`: hash and revision of the line before; null for the first. */
  const write = async (
    script: string,
    rollout: Rollout,
    entry: ChainedEntry,
    last: { hash: string; revision: number } | null,
  ): Promise<string> => {
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
      isWhole(entry.event) ? '1' : '0',
      String(rollout.createdAt),
      String(last?.revision ?? ''),
      last?.hash ?? '',
    ];
    const answer: unknown = await redis.eval(script, touched.length, ...touched, ...fields);
    const [verdict, holder] = Array.isArray(answer) ? answer.map(String) : [String(answer)];
    if (verdict === 'held') throw await heldBy(holder ?? '');
    return verdict ?? '';
  };

  const heldBy = async (holder: string): Promise<Refused> => {
    const other = await load(holder);
    const what = other ? ` (${other.release.version}, asked for by ${other.requester}, ${other.status.is})` : '';
    return new Refused(`Rollout ${holder}${what} holds the fleet. Wait until it is over, or stop it first.`);
  };

  const storedOf = async (id: string): Promise<Stored> => {
    const stored = await reader.readStored(id);
    if (stored === null || stored.rollout.fleet !== fleet) throw new Refused(`There is no rollout ${id}.`);
    return stored;
  };

  return {
    load,
    async open() {
      const holder = await redis.get(keys.holder);
      // What was seen here to be under way is so, also when the lists in Redis have forgotten it.
      for (const id of new Set([...(holder === null ? [] : [holder]), ...anchors.open()])) {
        const rollout = await load(id);
        if (rollout !== null && isOpen(rollout)) return rollout;
      }
      return null;
    },
    openIds: async () => [...new Set([...(await redis.smembers(keys.open)), ...anchors.open()])],
    async lost() {
      const there = await Promise.all(
        anchors.open().map(async (id) => [id, await redis.exists(keys.rollout(id))] as const),
      );
      const gone = there.filter(([, found]) => found === 0).map(([id]) => id);
      for (const id of gone) anchors.forget(id);
      return gone;
    },
    ids: () => redis.zrevrange(keys.rollouts, 0, -1),
    async latest(count) {
      const ids = count > 0 ? await redis.zrevrange(keys.rollouts, 0, count - 1) : [];
      return (await Promise.all(ids.map(load))).filter((rollout) => rollout !== null);
    },
    async create(rollout) {
      const other = await this.open();
      if (other !== null && other.id !== rollout.id) throw await heldBy(other.id);
      const { id, createdAt: at, requester: by, revision } = rollout;
      const event = { type: 'created' as const, at, by, format, rollout };
      const entry = append(place(id), firstLink(place(id)), { at, revision, event }, notary, signedAs(event));
      const verdict = await write(createScript, rollout, entry, null);
      if (verdict === 'exists') throw new Refused(`Rollout ${id} was started already.`);
    },
    async save(rollout, event) {
      const { id, revision } = rollout;
      const before = await reader.read(id);
      if (before === null || before.rollout.revision !== revision - 1) return false;
      if (before.rollout.unsigned) throw unadopted(id);
      const { head } = before;
      const entry = append(place(id), head.hash, { at: event.at, revision, event }, notary, signedAs(event));
      const last = { hash: head.hash, revision: revision - 1 };
      if ((await write(saveScript, rollout, entry, last)) !== 'saved') return false;
      reader.wrote(id, { rollout, head: { count: head.count + 1, revision, hash: entry.hash, rollout } }, entry.at);
      return true;
    },
    async stands(id) {
      // What is proven moves on meanwhile, and nobody else can change it.
      const proven = await load(id).catch(() => null);
      if (proven !== null && !proven.unsigned) return 'proven';
      return markOf(await storedOf(id));
    },
    async adopt(id, by, at, { as = same, seen = null } = {}) {
      const stored = await storedOf(id);
      if (seen !== null && seen !== 'proven' && seen !== markOf(stored))
        throw new Refused(`${id} is not what it was a moment ago. Look again.`);
      const { hash: previous, rollout: before } = stored;
      const { unsigned: _, onlyBack: __, ...rest } = before;
      const rollout = { ...as(rest, at), revision: before.revision + 1 };
      const event = { type: 'adopted' as const, at, by, format, rollout, previous };
      const entry = append(place(id), previous, { at, revision: rollout.revision, event }, notary, signedAs(event));
      const last = { hash: previous, revision: before.revision };
      if ((await write(saveScript, rollout, entry, last)) !== 'saved')
        throw new Refused(`${id} moved on meanwhile. Look again.`);
      return rollout;
    },
    async journal(id) {
      return (await redis.lrange(keys.journal(id), 0, -1)).map(decodeEntry);
    },
    headOf: (id) => anchors.of(id),
    lines: (id) => redis.lrange(keys.journal(id), 0, -1),
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
    seconded: wishesOf(redis, fleet, notary),
    saveDraft: drafts.save,
    takeDraft: drafts.take,
  };
}

const same = (rollout: Rollout): Rollout => rollout;

type Stored = NonNullable<Awaited<ReturnType<ReturnType<typeof createReader>['readStored']>>>;

/** Names exactly what is stored, in short. */
const markOf = ({ rollout, hash }: Stored): string =>
  createHash('sha256')
    .update(`${hash}\n${canonical(rollout)}`)
    .digest('hex')
    .slice(0, 12);

const decodeEntry = (line: string): ChainedEntry => JSON.parse(line);
const decodePosted = (value: string): PostedMessage => JSON.parse(value);
