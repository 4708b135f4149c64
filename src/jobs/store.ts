import type { Redis } from 'ioredis';
import { day } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import type { Notary } from '../trust/index.ts';
import { format, isOpen, wayOut } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import type { Anchors } from './anchors.ts';
import { draftsOf } from './drafts.ts';
import { append, type ChainedEntry, digestOfLines, firstLink, lineIn, markOf } from './journal.ts';
import { keysOf } from './keys.ts';
import { livingRegions } from './living.ts';
import { createReader, decode, encode } from './reader.ts';
import { isWhole, lastProven, signedAs, Tampered, unadopted } from './replay.ts';
import { createScript, epochScript, freeScript, paintedScript, saveScript } from './scripts.ts';
import type { Adoptable, PostedMessage, Store } from './types.ts';
import { openUsed, type Used } from './used.ts';
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

/** A rollout among the others, by when it was created; of one that cannot be believed, by when it was written to last. */
interface Ranked {
  id: string;
  at: number;
  load(): Promise<Rollout | null>;
}

/** Of what was seen here, so many more than are asked for are looked at: what is over may be written to as well. */
const spare = 2;
/** Names in the list that are no rollouts, as far as they are passed over. */
const mostNames = 100;

/** Whose signatures count, and what was seen outside Redis. */
export interface Belief {
  notary: Notary;
  anchors: Anchors;
  /** What counts once; absent: in this process only. */
  used?: Used;
}

/**
 * The rollouts of one fleet in Redis, which is not believed: each is what its signed journal says, or it is refused
 * (`Tampered`). Commands reject with ioredis' errors when Redis is away.
 */
export function createStore(
  redis: Redis,
  fleet: string,
  { notary, anchors, used = openUsed(null) }: Belief,
): RolloutStore {
  const keys = keysOf(fleet);
  const place = (journal: string) => ({ fleet, journal });
  const reader = createReader(redis, fleet, notary, anchors);
  const drafts = draftsOf(redis, fleet, notary);
  const load = async (id: string): Promise<Rollout | null> => (await reader.read(id))?.rollout ?? null;

  /** `last`: hash and revision of the line before; null for the first. `held`: it is signed that it held the fleet until now. */
  const write = async (
    script: string,
    rollout: Rollout,
    entry: ChainedEntry,
    last: { hash: string; revision: number | string } | null,
    held = false,
    body = encode(rollout),
  ): Promise<string> => {
    const { id } = rollout;
    if (rollout.fleet !== fleet)
      throw new Error(`rollout ${id} is of fleet ${rollout.fleet}, this is ${fleet}'s store`);
    const touched = [keys.rollout(id), keys.holder, keys.open, keys.rollouts, keys.journal(id), keys.unpainted];
    const { revision } = rollout;
    const fields = [
      id,
      isOpen(rollout) ? '1' : '0',
      body,
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
    if (verdict !== 'held' || holder === undefined) return verdict ?? '';
    if (held ? await holdsBySignature(holder) : await isUnderWay(holder)) throw await heldBy(holder);
    // Nothing that anybody signed holds the fleet under that name.
    await redis.eval(freeScript, 1, keys.holder, holder);
    return write(script, rollout, entry, last, held, body);
  };

  const heldBy = async (holder: string): Promise<Refused> => {
    const other = await load(holder);
    const what = other ? ` (${other.release.version}, asked for by ${other.requester}, ${other.status.is})` : '';
    return new Refused(`Rollout ${holder}${what} holds the fleet. ${wayOut(other?.status)}`);
  };

  const isUnderWay = async (id: string): Promise<boolean> => {
    const rollout = await load(id);
    return rollout !== null && isOpen(rollout);
  };

  /** What nobody signed, or can believe, takes the fleet from nobody who holds it. */
  const holdsBySignature = async (id: string): Promise<boolean> => {
    const rollout = await load(id).catch(unlessTampered);
    return rollout !== null && isOpen(rollout) && !rollout.unsigned;
  };

  /** The number that it has given out last, as it was signed; 0 where that is not known. */
  const epochIn = async (id: string): Promise<number> => {
    const rollout = await load(id).catch((error: unknown) => {
      if (error instanceof Refused) return null;
      throw error;
    });
    return rollout === null || rollout.unsigned ? 0 : rollout.epoch;
  };

  /** What of a rollout somebody may answer for, and what must still be stored then. */
  const found = async (
    id: string,
  ): Promise<{ what: Adoptable; stored: { hash: string; revision: string; lines: string[] } }> => {
    const [body, hash, revision] = await redis.hmget(keys.rollout(id), 'body', 'hash', 'revision');
    const texts = await redis.lrange(keys.journal(id), 0, -1);
    const lines = texts.map((line) => lineIn<ChainedEntry['event']>(line));
    if (body == null && lines.length === 0) throw new Refused(`There is no rollout ${id}.`);
    const stored = { hash: hash ?? '', revision: revision ?? '', lines: texts };
    const proven = lastProven(place(id), lines, notary)?.rollout ?? null;
    const mark = markOf(body ?? '', stored.hash, proven === null ? '' : encode(proven));
    if (proven !== null) return { what: { rollout: proven, as: 'proven', mark }, stored };
    const rollout = decodeStored(id, body ?? '');
    if (rollout.id !== id || rollout.fleet !== fleet) throw new Refused(`What is stored as ${id} is another rollout.`);
    const isFormer = lines.length > 0 && lines.every((line) => line !== null && line.key === undefined);
    return { what: { rollout, as: isFormer && anchors.of(id) === null ? 'unsigned' : 'ended', mark }, stored };
  };

  /** Where a rollout stands among the others; null when it is not there, unless it is `kept` here in mind. */
  const ranked = async (id: string, kept: boolean): Promise<Ranked | null> => {
    try {
      const rollout = await load(id);
      if (rollout === null && !kept) return null;
      return { id, at: rollout?.createdAt ?? anchors.of(id)?.at ?? 0, load: async () => rollout };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      const refuse = () => Promise.reject(error);
      return { id, at: anchors.of(id)?.at ?? Number.POSITIVE_INFINITY, load: refuse };
    }
  };

  /** The list in Redis leaves out and puts first what somebody likes: what was seen here counts too, and what is signed orders it. */
  const newest = async (count: number): Promise<Ranked[]> => {
    if (count <= 0) return [];
    const found = new Map<string, Ranked>();
    const [last, ...others] = anchors.rollouts().slice(0, count + spare);
    for (const id of await redis.zrevrange(keys.rollouts, 0, count + mostNames)) {
      const each = found.size < count ? await ranked(id, id === last) : null;
      if (each !== null) found.set(id, each);
    }
    for (const id of last === undefined ? [] : [last, ...others]) {
      const each = found.has(id) ? null : await ranked(id, id === last);
      if (each !== null) found.set(id, each);
    }
    return [...found.values()].sort((a, b) => b.at - a.at).slice(0, count);
  };

  return {
    load,
    async open() {
      const holder = await redis.get(keys.holder);
      // What was seen here to be under way is so, also when the lists in Redis have forgotten it, or name what nobody signed.
      const ids = new Set([...(holder === null ? [] : [holder]), ...anchors.open()]);
      for (const id of ids) if (await holdsBySignature(id)) return load(id);
      for (const id of ids) {
        const rollout = await load(id);
        if (rollout !== null && isOpen(rollout)) return rollout;
      }
      return null;
    },
    async openIds() {
      const [listed, holder] = await Promise.all([redis.smembers(keys.open), redis.get(keys.holder)]);
      return [...new Set([...listed, ...anchors.open(), ...(holder === null ? [] : [holder])])];
    },
    async lost() {
      // Where one of the two is left, it is there, and cannot be believed.
      const there = await Promise.all(
        anchors.open().map(async (id) => [id, await redis.exists(keys.rollout(id), keys.journal(id))] as const),
      );
      const gone = there.filter(([, found]) => found === 0).map(([id]) => id);
      for (const id of gone) anchors.forget(id);
      return gone;
    },
    ids: () => redis.zrevrange(keys.rollouts, 0, -1),
    newestIds: async (count) => (await newest(count)).map(({ id }) => id),
    async latest(count) {
      const found = await newest(count);
      return (await Promise.all(found.map((each) => each.load()))).filter((rollout) => rollout !== null);
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
      const body = encode(rollout);
      if ((await write(saveScript, rollout, entry, last, isOpen(before.rollout), body)) !== 'saved') return false;
      const written = { rollout, head: { count: head.count + 1, revision, hash: entry.hash, rollout } };
      reader.wrote(id, written, body, entry.at);
      return true;
    },
    adoptable: async (id) => (await found(id)).what,
    async adopt(id, by, at, { first, mark, as = same } = {}) {
      const { what, stored } = await found(id);
      if (mark !== undefined && mark !== what.mark) throw new Refused(`${id} moved on meanwhile. Look again.`);
      const { unsigned: _, onlyBack: __, ...before } = what.rollout;
      const taken = what.as === 'ended' ? { ...before, status: { is: 'stopped' as const, by, at } } : as(before, at);
      const rollout = { ...taken, revision: Math.max(before.revision, Number(stored.revision) || 0) + 1 };
      const two = first === undefined ? {} : { with: first };
      const named = { previous: stored.hash, before: digestOfLines(stored.lines) };
      const event = { type: 'adopted' as const, at, by, ...two, format, rollout, ...named };
      const entry = append(place(id), stored.hash, { at, revision: rollout.revision, event }, notary, signedAs(event));
      if ((await write(saveScript, rollout, entry, stored)) !== 'saved')
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
    async lastEpoch() {
      const ids = new Set([...(await this.newestIds(3)), ...anchors.open()]);
      return Math.max(0, ...(await Promise.all([...ids].map(epochIn))));
    },
    async nextEpoch(now) {
      const least = Math.max(now, (await this.lastEpoch()) + 2);
      return Number(await redis.eval(epochScript, 1, keys.epoch, least, day));
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
    seconded: wishesOf(redis, fleet, notary, used),
    saveDraft: drafts.save,
    takeDraft: drafts.take,
  };
}

function unlessTampered(error: unknown): null {
  if (error instanceof Tampered) return null;
  throw error;
}

const same = (rollout: Rollout): Rollout => rollout;

const decodeEntry = (line: string): ChainedEntry => JSON.parse(line);
const decodePosted = (value: string): PostedMessage => JSON.parse(value);

/** @throws Refused */
function decodeStored(id: string, body: string): Rollout {
  try {
    return decode(id, body);
  } catch {
    throw new Refused(
      `Nothing is left of ${id} that anybody signed or could read. What a node ran before: zeitwork return NODE.`,
    );
  }
}
