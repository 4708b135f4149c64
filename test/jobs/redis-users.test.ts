import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { RedisPlace } from '../../src/base/redis-place.ts';
import {
  createCensus,
  createControl,
  openRedis,
  type RedisHandle,
  startPublisher,
  startWorker,
} from '../../src/jobs/index.ts';
import { keysOf, prefixOf } from '../../src/jobs/keys.ts';
import { queueNames } from '../../src/jobs/queues.ts';
import { belief } from '../support/belief.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';
import { eventually, production, quickRollout, silent, systemClock, workerParts } from './fixtures/parts.ts';
import { done } from './fixtures/rig.ts';

const root = resolve(import.meta.dirname, '../..');
const dir = mkdtempSync(join(tmpdir(), 'zw-users-'));
const socket = join(dir, 'redis.sock');
const handles: RedisHandle[] = [];
let server: RedisServer;
/** Sees what was refused; the product has nobody like it. */
let judge: Redis;

/** What docker-compose.yml starts Redis with, in a folder of the test. */
function composed(): string[] {
  const { services } = parse(readFileSync(join(root, 'docker-compose.yml'), 'utf8'));
  const [program, ...words]: string[] = services.redis.command;
  expect(program).toBe('redis-server');
  const places: Record<string, string> = {
    '/run/redis/redis.sock': socket,
    '/run/secrets/redis-users': join(dir, 'redis-users.acl'),
  };
  return words.map((word) => places[word] ?? word);
}

const place = (user: string): RedisPlace => ({
  url: socket,
  user,
  password: readFileSync(join(dir, `redis-${user}`), 'utf8'),
  ca: null,
});
const open = async (user: 'bot' | 'worker') => {
  const handle = await openRedis(place(user), dir);
  handles.push(handle);
  return handle;
};
const refused = async () => (await judge.call('ACL', 'LOG')) as unknown as string[][];

beforeAll(async () => {
  execFileSync(join(root, 'scripts/redis-users.sh'), [production, dir]);
  appendFileSync(join(dir, 'redis-users.acl'), 'user judge on >judge ~* &* +@all\n');
  server = await startRedisServer(dir, composed());
  judge = new Redis({ path: socket, username: 'judge', password: 'judge' });
});
afterEach(async () => {
  for (const handle of handles.splice(0)) await handle.stop();
  await judge.flushall();
  await judge.call('ACL', 'LOG', 'RESET');
});
afterAll(async () => {
  judge.disconnect();
  await server.stop();
  rmSync(dir, { recursive: true, force: true });
});

describe('the users that scripts/redis-users.sh makes', () => {
  it('are enough for bot and worker, each with everything that it does', async () => {
    const [bot, worker] = [await open('bot'), await open('worker')];
    const working = await startWorker(workerParts(worker, { steps: workerParts(handleOfJudge()).steps }));
    const control = createControl(bot, production, belief('bot'), systemClock, silent);
    const { store } = control;
    const shown: string[] = [];
    const publishing = await startPublisher({
      belief: belief('bot'),
      redis: bot,
      fleet: production,
      announcer: {
        async show({ id }) {
          shown.push(id);
          // The first time fails, so that the queue's way of trying again is gone as well.
          if (shown.length === 1) throw new Error('Slack is away');
          await store.setPosted(id, 'main', { ts: '1', channel: 'C1', content: 'x' });
        },
        repair: async () => undefined,
        alarm: async () => undefined,
        outrun: async () => undefined,
        refusing: async () => undefined,
      },
      clock: systemClock,
      log: silent,
    });
    const at = Date.now();
    const rollout = quickRollout('r1');
    const [surveyed] = await control.survey([{ name: 'us-east-op-1', region: 'us-east' }], 5_000);
    expect(surveyed?.healthy).toBe(true);
    const [unserved] = await control.survey([{ name: 'eu-west-op-1', region: 'eu-west' }], 300);
    expect(unserved?.detail).toMatch(/no worker of eu-west answered/);
    expect(await control.diagnose({ name: 'us-east-op-1', region: 'us-east' }, 5_000)).toMatchObject({ evidence: [] });
    await store.saveDraft(rollout, 10_000);
    expect((await store.takeDraft('r1'))?.id).toBe('r1');
    expect(await store.firstTime('click', 1_000)).toBe(true);
    expect(await store.nextEpoch(at)).toBeGreaterThanOrEqual(at);
    await control.start(rollout);
    await eventually(() => store.load('r1'), done);
    await eventually(
      () => store.posted('r1'),
      ({ main }) => main !== undefined,
    );
    await control.ledger.record({
      type: 'froze',
      at,
      by: 'U1',
      id: 'f1',
      regions: null,
      start: at,
      end: at + 9e9,
      reason: 'sale',
    });
    await control.record('r1', { type: 'ticked', at, silent: [] });
    expect((await store.latest(5)).map(({ id }) => id)).toEqual(['r1']);
    expect((await store.journal('r1')).length).toBeGreaterThan(5);
    expect(await store.open()).toBeNull();
    await working.sweep();
    await publishing.sweep();
    const census = { fleet: production, regions: ['us-east'], store, notary: belief('bot').notary };
    for (const [redis, seesSteps] of [
      [bot.caller, false],
      [worker.caller, true],
    ] as const)
      expect((await createCensus({ ...census, redis, seesSteps })()).workers.get('us-east')).toBe(1);
    await publishing.close();
    await control.close();
    await working.close();
    expect(await refused()).toEqual([]);
  });

  const tries: [string, 'bot' | 'worker', string[]][] = [
    ['empty Redis', 'worker', ['FLUSHALL']],
    ['list all keys', 'worker', ['KEYS', '*']],
    ['go over all keys', 'bot', ['SCAN', '0']],
    ['change its settings', 'bot', ['CONFIG', 'SET', 'dir', '/tmp']],
    ['write its file elsewhere', 'worker', ['BGSAVE']],
    ['make users', 'worker', ['ACL', 'SETUSER', 'me', 'on', 'nopass', '+@all', '~*']],
    ['stop it', 'bot', ['SHUTDOWN', 'NOSAVE']],
    [
      'leave functions behind',
      'bot',
      ['FUNCTION', 'LOAD', '#!lua name=x\nredis.register_function("x", function() end)'],
    ],
    ['make it follow another', 'worker', ['REPLICAOF', '127.0.0.1', '1']],
    ['listen to what others do', 'worker', ['MONITOR']],
    ['put others out', 'worker', ['CLIENT', 'KILL', 'USER', 'bot']],
    ['touch another fleet', 'bot', ['GET', '{zw}/staging:holder']],
    ['touch a fleet whose name begins alike', 'bot', ['GET', `${prefixOf(production)}-2:holder`]],
    ['touch another fleet in a script', 'worker', ['EVAL', "return redis.call('GET', '{zw}/staging:holder')", '0']],
    ['change a plan between its preview and Start', 'worker', ['SET', keysOf(production).draft('r1'), 'x']],
    ['forget what was delivered', 'worker', ['DEL', keysOf(production).seen('x')]],
    ['put a step into the queue', 'bot', ['LPUSH', `${prefixOf(production)}:step-us-east:wait`, 'x']],
  ];
  it.each(tries)('cannot %s (as the %s)', async (_, user, [command = '', ...words]) => {
    const { caller } = await open(user);
    await expect(caller.call(command, ...words)).rejects.toThrow(/NOPERM|user executing the script can't access/);
  });

  it('are all that there are: nobody enters without a password, and who looks at its health may do nothing else', async () => {
    const stranger = new Redis({ path: socket, lazyConnect: true, retryStrategy: () => null });
    stranger.on('error', () => undefined);
    await stranger.connect().catch(() => undefined);
    await expect(stranger.get('{zw}:open')).rejects.toThrow(/NOAUTH|closed/i);
    stranger.disconnect();
    const health = new Redis({ path: socket, username: 'health', password: 'none', enableReadyCheck: false });
    expect(await health.ping()).toBe('PONG');
    await expect(health.get('{zw}:open')).rejects.toThrow(/NOPERM|permissions/i);
    health.disconnect();
    const wrong = openRedis({ ...place('bot'), password: 'guessed' }, dir);
    await expect(wrong).rejects.toThrow(/WRONGPASS/);
  });

  it('know every key that the store has, so that a new one is given to somebody', () => {
    const given = readFileSync(join(dir, 'redis-users.acl'), 'utf8');
    const keys = Object.values(keysOf(production)).map((key) => (typeof key === 'string' ? key : key('x')));
    const queues = [
      queueNames.advance,
      queueNames.publish,
      queueNames.build,
      queueNames.step('us-east'),
      queueNames.ask('us-east'),
    ];
    for (const key of [...keys, ...queues.map((queue) => `${prefixOf(production)}:${queue}:wait`)]) {
      const patterns = given.match(/(?<=~)\{zw\}\/\S+/g) ?? [];
      const fits = patterns.some((pattern) =>
        pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) : key === pattern,
      );
      expect([key, fits]).toEqual([key, true]);
    }
  });

  it('have passwords that only their owner may read, which stand nowhere else', () => {
    const rules = readFileSync(join(dir, 'redis-users.acl'), 'utf8');
    const compose = readFileSync(join(root, 'docker-compose.yml'), 'utf8');
    for (const user of ['bot', 'worker']) {
      const file = join(dir, `redis-${user}`);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(rules).not.toContain(readFileSync(file, 'utf8'));
    }
    expect(compose).not.toMatch(/requirepass|--pass (?!none)/);
  });

  it('stand in docs/security.md as the script writes them', () => {
    const docs = readFileSync(join(root, 'docs/security.md'), 'utf8');
    const rules = readFileSync(join(dir, 'redis-users.acl'), 'utf8').split('\n').slice(0, 4);
    for (const rule of rules)
      expect(docs).toContain(rule.replaceAll(production, 'FLEET').replace(/#[0-9a-f]{64}/, '#SHA256'));
  });
});

/** The simulated nodes of these tests lie in Redis as well, where the product's users may not go. */
function handleOfJudge(): RedisHandle {
  return { caller: judge, patient: () => judge, doubts: [], stop: async () => undefined };
}
