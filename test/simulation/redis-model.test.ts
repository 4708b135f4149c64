import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { commands, Data } from './redis.ts';
import { allAgree } from './sequences.ts';
import { Chance } from './time.ts';

/** The model of Redis is held against a real one. More: `MODEL_REDIS=5000`; another first one: `FIRST=…`. */
const sequences = Number(process.env.MODEL_REDIS ?? 300);
const first = Number(process.env.FIRST ?? 1);

type Name = (typeof commands)[number];
type Words = (string | number)[];
type Call = [Name, ...Words];

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());

/** Few keys, so that they meet; not every one only as what it is meant for, so that the wrong kind is met too. */
const keys = {
  text: ['holder', 'draft', 'epoch', 'rollout 1'],
  hash: ['rollout 1', 'rollout 2', 'ledger', 'open'],
  list: ['journal 1', 'journal 2', 'draft'],
  set: ['open', 'holder'],
  sorted: ['rollouts', 'unpainted', 'living', 'journal 1'],
};
const fields = ['body', 'revision', 'hash', 'whole'];
const ids = ['r1', 'r2', 'R3', 'ü', '𝒳', 'ﬀ'];
const hour = 3_600_000;

/** Draws calls that belong together: whoever saves mostly names the revision that is stored. */
class Calls {
  readonly #chance: Chance;
  readonly #now: number;

  constructor(chance: Chance, now: number) {
    this.#chance = chance;
    this.#now = now;
  }

  #key = (kind: keyof typeof keys): string =>
    this.#chance.of(0.03) ? this.#chance.pick(Object.values(keys).flat()) : this.#chance.pick(keys[kind]);
  #id = (): string => this.#chance.pick(this.#chance.of(0.5) ? ids : ids.slice(-2));
  #text = (): string =>
    this.#chance.pick(['', '0', '7', '41', 'abc', '0x10', '1e3', ' 12 ', '-3', '1732000000', 'größe']);
  #number = (): string => String(this.#chance.between(0, 3));
  #hash = (): string => this.#chance.pick(['', 'h1', 'h2', 'ledger']);
  #place = (): number => this.#chance.pick([0, -1, this.#chance.between(-6, 6), this.#chance.between(-6, 6), 200]);
  #score = (): number => this.#chance.pick([0, 1, 2, 2, 2, 2, -1, 1.5, this.#now - hour, this.#now + hour]);
  #some = <T>(draw: () => T): T[] => Array.from({ length: this.#chance.between(1, 3) }, draw);

  call(name: Name): Call {
    switch (name) {
      case 'get':
      case 'getdel':
        return [name, this.#key('text')];
      case 'exists':
        return [name, this.#chance.pick(Object.values(keys).flat())];
      case 'set':
        return [name, this.#key('text'), this.#text(), ...this.#options()];
      case 'hget':
        return [name, this.#key('hash'), this.#chance.pick(fields)];
      case 'hmget':
        return [name, this.#key('hash'), ...this.#some(() => this.#chance.pick(fields))];
      case 'hgetall':
        return [name, this.#key('hash')];
      case 'hset':
        return [name, this.#key('hash'), ...this.#some(() => [this.#chance.pick(fields), this.#number()]).flat()];
      case 'lrange':
        return [name, this.#key('list'), this.#place(), this.#place()];
      case 'smembers':
        return [name, this.#key('set')];
      case 'zrange':
      case 'zrevrange':
        return [name, this.#key('sorted'), this.#place(), this.#place()];
      case 'zadd':
        return [name, this.#key('sorted'), this.#score(), this.#id()];
      case 'zrem':
        return [name, this.#key('sorted'), ...this.#some(this.#id)];
      case 'eval':
        throw new Error('a script is drawn by itself');
    }
  }

  #options = (): Words =>
    this.#chance.pick<Words>([[], [], ['NX'], ['PX', hour], ['PX', 2 * hour], ['PX', hour, 'NX']]);

  script(text: string, name: string): Call {
    const one = this.#chance.between(1, 2);
    const rollout = [
      this.#chance.of(0.95) ? `rollout ${one}` : this.#key('hash'),
      this.#chance.of(0.95) ? 'holder' : this.#key('text'),
      this.#chance.of(0.95) ? 'open' : this.#key('set'),
      'rollouts',
      this.#chance.of(0.95) ? `journal ${one}` : this.#key('list'),
      'unpainted',
    ];
    const written = [
      this.#chance.of(0.8) ? `r${one}` : this.#id(),
      this.#number(),
      'body',
      this.#number(),
      this.#hash(),
      `line ${this.#number()}`,
      this.#number(),
      String(this.#score()),
    ];
    const drawn: Record<string, { keys: Words; args: Words }> = {
      createScript: { keys: rollout, args: written },
      saveScript: { keys: rollout, args: [...written, this.#number(), this.#hash()] },
      readScript: { keys: [rollout[0] ?? '', rollout[4] ?? ''], args: [this.#place()] },
      ledgerScript: {
        keys: [this.#key('hash'), this.#key('list')],
        args: ['body', this.#number(), this.#hash(), 'line', this.#number(), this.#hash()],
      },
      notesScript: {
        keys: [this.#key('hash'), this.#key('list')],
        args: [
          this.#chance.pick(['', '0', '1']),
          this.#hash(),
          this.#number(),
          this.#hash(),
          'note',
          this.#chance.between(1, 3),
        ],
      },
      paintedScript: { keys: [this.#key('sorted')], args: [this.#id(), this.#number()] },
      epochScript: { keys: [this.#key('text')], args: [this.#chance.between(1, 60), this.#chance.between(1, 60)] },
      livingScript: { keys: [this.#key('sorted')], args: [] },
    };
    const { keys: under, args } = drawn[name] ?? expect.fail(`nothing is drawn for ${name}: say here what it is given`);
    return ['eval', text, under.length, ...under, ...args];
  }
}

/** A set has no order; an error is worded for whoever reads it, and its kind is its first word. */
const plain = ([name]: Call, answer: unknown): unknown =>
  name === 'smembers' ? (answer as string[]).toSorted() : (answer ?? null);
const kindOf = (error: unknown): string => `fails: ${/WRONGTYPE/.exec(String(error))?.[0] ?? String(error)}`;

async function real(call: Call): Promise<unknown> {
  const [name, ...words] = call;
  try {
    return plain(call, await redis.handle.caller.call(name, ...words).then((raw) => shaped(name, raw)));
  } catch (error) {
    return kindOf(error);
  }
}

/** As ioredis shapes it for whoever calls by name. */
function shaped(name: Name, raw: unknown): unknown {
  if (name !== 'hgetall' || !Array.isArray(raw)) return raw;
  return Object.fromEntries(Array.from({ length: raw.length / 2 }, (_, at) => [raw[2 * at], raw[2 * at + 1]]));
}

function modelled(data: Data, call: Call): unknown {
  const [name, ...words] = call;
  try {
    return plain(call, (data[name] as (...given: Words) => unknown).apply(data, words));
  } catch (error) {
    return kindOf(error);
  }
}

async function stored(): Promise<Map<string, unknown>> {
  const { caller } = redis.handle;
  const readers: Record<string, (key: string) => Promise<unknown>> = {
    string: (key) => caller.get(key),
    hash: (key) => caller.hgetall(key),
    list: (key) => caller.lrange(key, 0, -1),
    set: async (key) => (await caller.smembers(key)).sort(),
    zset: (key) => caller.zrange(key, '0', '-1', 'WITHSCORES'),
  };
  const one = async (key: string) => {
    const [kind, ttl] = await Promise.all([caller.type(key), caller.pttl(key)]);
    return [key, { kind, of: await readers[kind]?.(key), until: ttl < 0 ? ttl : Math.ceil(ttl / hour) }] as const;
  };
  return new Map(await Promise.all((await caller.keys('*')).sort().map(one)));
}

const kinds = { text: 'string', hash: 'hash', list: 'list', set: 'set', sorted: 'zset' };

function storedInModel(data: Data): Map<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [key, value] of [...data.snapshot()].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const readers: Record<string, () => unknown> = {
      text: () => data.get(key),
      hash: () => data.hgetall(key),
      list: () => data.lrange(key, 0, -1),
      set: () => data.smembers(key).toSorted(),
      sorted: () => data.zrange(key, 0, -1).flatMap((member) => [member, String(data.zscore(key, member))]),
    };
    const ttl = data.pttl(key);
    found.set(key, { kind: kinds[value.is], of: readers[value.is]?.(), until: ttl < 0 ? ttl : Math.ceil(ttl / hour) });
  }
  return found;
}

const again = (seed: number): string =>
  `FIRST=${seed} MODEL_REDIS=1 npx vitest run --project unit test/simulation/redis-model.test.ts`;

it(`answers and holds what a real Redis does, in ${sequences} sequences`, {
  timeout: 60_000 + sequences * 200,
}, async () => {
  const answers = new Map<string, Set<string>>();
  const plainNames = commands.filter((name) => name !== 'eval');
  const scripts = new Data(() => 0).scriptsByName;
  await allAgree({ first, count: sequences, again }, async (seed) => {
    await redis.handle.caller.flushall();
    const chance = new Chance(seed);
    const now = Date.now();
    const data = new Data(() => now);
    const calls = new Calls(chance, now);
    // A few names many times meet on the same keys more often than all of them once.
    const names = Array.from({ length: 10 }, (_, at) =>
      chance.pick<string>(at < 6 ? plainNames : Object.keys(scripts)),
    );
    const told: string[] = [];
    const list = Array.from({ length: chance.between(30, 60) }, (): { name: string; call: Call } => {
      const name = chance.pick(names);
      const text = scripts[name];
      return { name, call: text === undefined ? calls.call(name as Name) : calls.script(text, name) };
    });
    // All at once: no call depends on an answer, and a connection keeps their order.
    const answered = await Promise.all(list.map(({ call }) => real(call)));
    for (const [at, { name, call }] of list.entries()) {
      told.push(`${name} ${JSON.stringify(call.slice(scripts[name] === undefined ? 1 : 2))}`);
      answers.set(name, (answers.get(name) ?? new Set()).add(JSON.stringify(answered[at])));
      expect(modelled(data, call), `${told.join('\n')}\nanswers something else`).toEqual(answered[at]);
    }
    expect(storedInModel(data), `${told.join('\n')}\nleaves something else`).toEqual(await stored());
  });
  if (sequences < 100) return;
  // What is never called, or always answers the same, would prove nothing.
  for (const name of [...plainNames, ...Object.keys(scripts)])
    expect(answers.get(name)?.size ?? 0, name).toBeGreaterThan(name === 'paintedScript' ? 0 : 1);
});

it('forgets a key when its time is over, as a real Redis does', async () => {
  const { caller } = redis.handle;
  await caller.set('seen', '1', 'PX', 30);
  while ((await caller.get('seen')) !== null);
  expect(await caller.call('set', 'seen', '1', 'PX', 30, 'NX')).toBe('OK');
  let now = 1_000;
  const data = new Data(() => now);
  data.set('seen', '1', 'PX', 30);
  now += 30;
  expect([data.get('seen'), data.exists('seen'), data.pttl('seen')]).toEqual(['1', 1, 0]);
  now += 1;
  expect([data.get('seen'), data.exists('seen'), data.pttl('seen')]).toEqual([null, 0, -2]);
  expect(data.set('seen', '1', 'PX', 30, 'NX')).toBe('OK');
});
