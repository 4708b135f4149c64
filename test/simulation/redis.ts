import type { Redis } from 'ioredis';
import { livingScript } from '../../src/jobs/living.ts';
import * as scripts from '../../src/jobs/scripts.ts';
import type { Chance, Program, Time } from './time.ts';

interface Kinds {
  hash: Map<string, string>;
  list: string[];
  set: Set<string>;
  sorted: Map<string, number>;
  text: string;
}
interface Value {
  is: keyof Kinds;
  of: Kinds[keyof Kinds];
}

/**
 * What Redis holds, and the few commands and scripts that the store uses. It is held against a real Redis by
 * `test/simulation/redis-model.test.ts`.
 */
export class Data {
  #keys = new Map<string, Value>();
  #expires = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** A copy of all that is stored now. */
  snapshot(): Map<string, Value> {
    return structuredClone(this.#keys);
  }

  putBack(keys: Map<string, Value>): void {
    this.#keys = structuredClone(keys);
    this.#expires.clear();
  }

  #value(key: string): Value | undefined {
    if ((this.#expires.get(key) ?? Number.POSITIVE_INFINITY) < this.#now()) this.#delete(key);
    return this.#keys.get(key);
  }

  #delete(key: string): boolean {
    this.#expires.delete(key);
    return this.#keys.delete(key);
  }

  #read<K extends keyof Kinds>(key: string, is: K): Kinds[K] | undefined {
    const value = this.#value(key);
    if (value === undefined) return undefined;
    if (value.is !== is) throw new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
    return value.of as Kinds[K];
  }

  #write<K extends keyof Kinds>(key: string, is: K, empty: Kinds[K]): Kinds[K] {
    const found = this.#read(key, is);
    if (found !== undefined) return found;
    this.#keys.set(key, { is, of: empty });
    return empty;
  }

  get = (key: string): string | null => this.#read(key, 'text') ?? null;
  getdel(key: string): string | null {
    const value = this.get(key);
    this.#delete(key);
    return value;
  }
  set(key: string, value: string, ...options: (string | number)[]): 'OK' | null {
    if (options.includes('NX') && this.#value(key) !== undefined) return null;
    this.#delete(key);
    this.#keys.set(key, { is: 'text', of: String(value) });
    const expiry = options.indexOf('PX');
    if (expiry !== -1) this.#expires.set(key, this.#now() + Number(options[expiry + 1]));
    return 'OK';
  }
  del = (...keys: string[]): number => keys.filter((key) => this.#value(key) !== undefined && this.#delete(key)).length;
  /** Milliseconds left; -1: without an end, -2: no such key. */
  pttl(key: string): number {
    if (this.#value(key) === undefined) return -2;
    return (this.#expires.get(key) ?? this.#now() - 1) - this.#now();
  }
  exists = (key: string): number => (this.#value(key) === undefined ? 0 : 1);

  hget = (key: string, field: string): string | null => this.#read(key, 'hash')?.get(field) ?? null;
  hmget = (key: string, ...fields: string[]): (string | null)[] => fields.map((field) => this.hget(key, field));
  hgetall = (key: string): Record<string, string> => Object.fromEntries(this.#read(key, 'hash') ?? []);
  hset(key: string, ...words: (string | number)[]): number {
    const hash = this.#write(key, 'hash', new Map());
    let added = 0;
    for (let at = 0; at < words.length; at += 2) {
      if (!hash.has(String(words[at]))) added += 1;
      hash.set(String(words[at]), String(words[at + 1]));
    }
    return added;
  }

  rpush(key: string, ...lines: string[]): number {
    return this.#write(key, 'list', []).push(...lines);
  }
  llen = (key: string): number => this.#read(key, 'list')?.length ?? 0;
  lrange(key: string, from: number, to: number): string[] {
    const list = this.#read(key, 'list') ?? [];
    const [begin, end] = placesIn(list.length, from, to);
    return list.slice(begin, end);
  }
  ltrim(key: string, from: number, to: number): void {
    const kept = this.lrange(key, from, to);
    if (kept.length === 0) this.#delete(key);
    else this.#write(key, 'list', []).splice(0, Number.POSITIVE_INFINITY, ...kept);
  }

  sadd(key: string, member: string): void {
    this.#write(key, 'set', new Set()).add(member);
  }
  srem(key: string, member: string): void {
    const set = this.#read(key, 'set');
    set?.delete(member);
    if (set?.size === 0) this.#delete(key);
  }
  smembers = (key: string): string[] => [...(this.#read(key, 'set') ?? [])];

  zadd(key: string, score: number | string, member: string): number {
    const sorted = this.#write(key, 'sorted', new Map());
    const added = sorted.has(member) ? 0 : 1;
    sorted.set(member, Number(score));
    return added;
  }
  zrem(key: string, ...members: string[]): number {
    const sorted = this.#read(key, 'sorted');
    const removed = members.filter((member) => sorted?.delete(member)).length;
    if (sorted?.size === 0) this.#delete(key);
    return removed;
  }
  zscore = (key: string, member: string): number | null => this.#read(key, 'sorted')?.get(member) ?? null;
  #inOrder = (key: string): string[] =>
    [...(this.#read(key, 'sorted') ?? [])]
      .sort(([a, x], [b, y]) => x - y || Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([member]) => member);
  zrange(key: string, from: string | number, to: string | number): string[] {
    const list = this.#inOrder(key);
    return list.slice(...placesIn(list.length, Number(from), Number(to)));
  }
  zrevrange(key: string, from: number, to: number): string[] {
    const list = this.#inOrder(key).reverse();
    return list.slice(...placesIn(list.length, from, to));
  }

  eval(script: string, count: number, ...words: (string | number)[]): unknown {
    const run = this.#scripts.get(script);
    if (run === undefined) throw new Error(`the model of Redis does not know this script: ${script.slice(0, 80)}`);
    return run(words.slice(0, count).map(String), words.slice(count).map(String));
  }

  #save(keys: string[], args: string[]): void {
    const [rollout = '', holder = '', open = '', , journal = '', unpainted = ''] = keys;
    const [id = '', isOpen, body = '', revision = '', hash = '', entry = '', whole] = args;
    if (isOpen === '1') {
      this.set(holder, id);
      this.sadd(open, id);
    } else {
      if (this.get(holder) === id) this.del(holder);
      this.srem(open, id);
    }
    this.hset(rollout, 'body', body, 'revision', revision, 'hash', hash);
    const lines = this.rpush(journal, entry);
    if (whole === '1') this.hset(rollout, 'whole', lines - 1);
    this.zadd(unpainted, revision, id);
  }

  #heldBy(keys: string[], args: string[]): string[] | null {
    const holder = this.get(keys[1] ?? '');
    return args[1] === '1' && holder !== null && holder !== args[0] ? ['held', holder] : null;
  }

  /** The scripts that it knows, by their names in `src/jobs`. */
  get scriptsByName(): Record<string, string> {
    const all: [string, string][] = [...Object.entries(scripts), ['livingScript', livingScript]];
    return Object.fromEntries(all.filter(([, text]) => this.#scripts.has(text)));
  }

  readonly #scripts = new Map<string, (keys: string[], args: string[]) => unknown>([
    [
      scripts.createScript,
      (keys, args) => {
        if (this.exists(keys[0] ?? '') === 1) return ['exists', ''];
        const held = this.#heldBy(keys, args);
        if (held !== null) return held;
        this.zadd(keys[3] ?? '', args[7] ?? '', args[0] ?? '');
        this.#save(keys, args);
        return ['saved', ''];
      },
    ],
    [
      scripts.saveScript,
      (keys, args) => {
        const [revision, hash] = this.hmget(keys[0] ?? '', 'revision', 'hash');
        if (revision !== args[8] || hash !== args[9]) return ['conflict', ''];
        const held = this.#heldBy(keys, args);
        if (held !== null) return held;
        this.#save(keys, args);
        return ['saved', ''];
      },
    ],
    [
      scripts.readScript,
      ([hash = '', journal = ''], [from = '0']) => [
        ...this.hmget(hash, 'body', 'revision', 'hash'),
        this.llen(journal),
        this.lrange(journal, Number(from), -1),
      ],
    ],
    [
      scripts.ledgerScript,
      ([ledger = '', journal = ''], [body = '', revision = '', hash = '', entry = '', was, before]) => {
        if ((this.hget(ledger, 'revision') ?? '0') !== was) return 0;
        if ((this.hget(ledger, 'hash') ?? 'ledger') !== before) return 0;
        this.hset(ledger, 'body', body, 'revision', revision, 'hash', hash);
        this.rpush(journal, entry);
        return 1;
      },
    ],
    [
      scripts.notesScript,
      ([notes = '', journal = ''], [was, before, revision = '', hash = '', line = '', most = '0']) => {
        const [stored, head] = this.hmget(notes, 'revision', 'hash');
        if ((stored ?? '') !== was || (head ?? '') !== before) return 0;
        this.hset(notes, 'revision', revision, 'hash', hash);
        this.rpush(journal, line);
        this.ltrim(journal, -Number(most), -1);
        return 1;
      },
    ],
    [
      scripts.paintedScript,
      ([unpainted = ''], [id = '', revision]) => {
        const newest = this.zscore(unpainted, id);
        if (newest !== null && newest <= Number(revision)) this.zrem(unpainted, id);
        return null;
      },
    ],
    [
      scripts.epochScript,
      ([epoch = ''], [least, most]) => {
        const last = Number(this.get(epoch) ?? '0') || 0;
        const next = last + 2 > Number(least) && last < Number(least) + Number(most) ? last + 2 : Number(least);
        this.set(epoch, String(next));
        return String(next);
      },
    ],
    [
      livingScript,
      ([living = '']) =>
        this.#inOrder(living).filter((m) => {
          const left = (this.zscore(living, m) ?? 0) - this.#now();
          return left > 0 && left <= 20_000;
        }),
    ],
  ]);
}

/** As Redis counts: from the end when negative, the last one included. */
function placesIn(length: number, from: number, to: number): [number, number] {
  const place = (at: number) => (at < 0 ? Math.max(0, length + at) : at);
  return [place(from), to < 0 ? Math.max(0, length + to + 1) : to + 1];
}

/** What comes back is nobody else's to change. */
const copyOf = (answer: unknown): unknown => {
  if (Array.isArray(answer)) return answer.map(copyOf);
  return typeof answer === 'object' && answer !== null ? { ...answer } : answer;
};

/** How the way to Redis misbehaves. */
export interface RedisTrouble {
  /** Away until then, for everybody; epoch ms. */
  awayUntil: number;
  /** An answer is lost with this probability: whoever is patient sends it again, others hear an error. */
  losesAnswer: number;
}

export const commands = [
  'get',
  'getdel',
  'set',
  'exists',
  'hget',
  'hmget',
  'hgetall',
  'hset',
  'lrange',
  'smembers',
  'zrange',
  'zrevrange',
  'zadd',
  'zrem',
  'eval',
] as const;

/**
 * A connection of one program. Before and after each effect it may be killed (`crash`); a patient one waits for a Redis
 * that is away, another one hears an error within a second.
 */
export function connection(
  data: Data,
  program: Program,
  patient: boolean,
  parts: { time: Time; chance: Chance; trouble: RedisTrouble; crash: (program: Program) => boolean },
): Redis {
  const { time, chance, trouble, crash } = parts;
  const once = async (work: () => unknown): Promise<unknown> => {
    await program.pass(chance.between(0, 2));
    while (time.now < trouble.awayUntil) {
      if (!patient) {
        await program.pass(1_000);
        throw new Error('Redis is away');
      }
      await program.pass(trouble.awayUntil - time.now);
    }
    if (crash(program)) await new Promise(() => undefined);
    const answer = copyOf(work());
    if (crash(program)) await new Promise(() => undefined);
    const lost = chance.of(trouble.losesAnswer);
    await program.pass(lost ? 1_000 : chance.between(0, 2));
    if (!lost) return answer;
    if (!patient) throw new Error('Connection is closed.');
    return once(work);
  };
  const calls = commands.map((name) => {
    const work = data[name] as (...words: unknown[]) => unknown;
    return [name, (...words: unknown[]) => once(() => work.apply(data, words))] as const;
  });
  return Object.fromEntries(calls) as unknown as Redis;
}
