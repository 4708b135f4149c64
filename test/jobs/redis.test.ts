import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { checkServer, openRedis, type RedisHandle } from '../../src/jobs/redis.ts';

const opened: RedisHandle[] = [];
const dirs: string[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.stop();
  for (const dir of dirs.splice(0)) await rm(dir, { recursive: true, force: true });
});

async function stateDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'zw-'));
  dirs.push(dir);
  return dir;
}

async function open(dir: string): Promise<RedisHandle> {
  const handle = await openRedis(null, dir);
  opened.push(handle);
  return handle;
}

const serverPid = async ({ caller }: RedisHandle): Promise<string> =>
  (await caller.info('server')).match(/process_id:(\d+)/)?.[1] ?? '';

describe('the private Redis', () => {
  it('syncs every write, evicts nothing and listens on no port', async () => {
    const { caller } = await open(await stateDir());
    const settings = await caller.config('GET', 'appendfsync', 'appendonly', 'maxmemory-policy', 'port');
    expect(settings).toEqual(
      expect.arrayContaining([
        'appendfsync',
        'always',
        'appendonly',
        'yes',
        'maxmemory-policy',
        'noeviction',
        'port',
        '0',
      ]),
    );
  });

  it('is shared by everybody who opens the same directory, also at the same moment', async () => {
    const dir = await stateDir();
    const handles = await Promise.all([open(dir), open(dir), open(dir)]);
    const pids = await Promise.all(handles.map(serverPid));
    expect(new Set(pids).size).toBe(1);
    expect(await readFile(join(dir, 'redis', 'redis.pid'), 'utf8')).toBe(`${pids[0]}\n`);
  });

  it('ends with the process that started it, and keeps what was written', async () => {
    const dir = await stateDir();
    const first = await open(dir);
    const pid = await serverPid(first);
    await first.caller.set('kept', 'yes');
    await first.stop();
    const second = await open(dir);
    expect(await serverPid(second)).not.toBe(pid);
    expect(await second.caller.get('kept')).toBe('yes');
  });

  it('is left running by a process that only found it', async () => {
    const dir = await stateDir();
    const first = await open(dir);
    const second = await open(dir);
    await second.stop();
    expect(await first.caller.ping()).toBe('PONG');
  });

  it('finds a short socket path when the directory is deep', async () => {
    const deep = join(await stateDir(), 'd'.repeat(60), 'e'.repeat(60));
    await mkdir(deep, { recursive: true });
    const { caller } = await open(deep);
    expect(await caller.ping()).toBe('PONG');
  });
});

describe('a Redis that syncs', () => {
  it.each(['everysec', 'no'])('%s is refused, saying what to set', async (sync) => {
    const dir = await stateDir();
    const { caller } = await open(dir);
    await caller.config('SET', 'appendfsync', sync);
    await expect(open(dir)).rejects.toThrow(
      `appendfsync is ${sync}, so a crash forgets finished work: set \`appendfsync always\``,
    );
    await caller.config('SET', 'appendfsync', 'always');
    expect((await open(dir)).doubts).toEqual([]);
  });

  it('as nobody may ask is taken, with the doubt told', async () => {
    const dir = await stateDir();
    const { caller } = await open(dir);
    await caller.config('SET', 'appendfsync', 'everysec');
    await caller.call('ACL', 'SETUSER', 'default', '-config');
    const { doubts } = await open(dir);
    expect(doubts).toEqual([expect.stringMatching(/CONFIG GET.*appendfsync: it must be `always`/)]);
  });

  it('as nobody may ask is refused all the same when it appends nothing', async () => {
    const dir = await stateDir();
    const { caller } = await open(dir);
    await caller.config('SET', 'appendonly', 'no');
    await caller.call('ACL', 'SETUSER', 'default', '-config');
    await expect(open(dir)).rejects.toThrow(/set `appendonly yes` and `appendfsync always`/);
  });
});

describe('a Redis by URL', () => {
  it('is named without its password when it cannot be reached', async () => {
    const attempt = openRedis(
      { url: 'redis://user:hunter2@127.0.0.1:1/0', user: null, password: null, ca: null },
      await stateDir(),
    );
    await expect(attempt).rejects.toThrow(/Redis at 127\.0\.0\.1:1: .*ECONNREFUSED/);
    await expect(attempt).rejects.not.toThrow(/hunter2/);
  });

  const info = (changes: Record<string, string>): string =>
    Object.entries({ redis_version: '7.0.15', aof_enabled: '1', maxmemory_policy: 'noeviction', ...changes })
      .map((pair) => pair.join(':'))
      .join('\r\n');

  it.each([
    ['is too old', { redis_version: '6.0.16' }, /6\.2 or newer/],
    ['forgets what it acknowledged', { aof_enabled: '0' }, /appendonly yes/],
    ['evicts', { maxmemory_policy: 'allkeys-lru' }, /allkeys-lru.*noeviction/],
  ])('is refused when it %s', (_why, changes, message) => {
    expect(() => checkServer(info(changes), 'always')).toThrow(message);
  });

  it.each([
    { redis_version: '6.2.0' },
    { redis_version: '8.4.1' },
    { redis_version: '7.2.4', valkey_version: '8.0.1' },
  ])('is taken as %o', (changes) => {
    expect(() => checkServer(info(changes), 'always')).not.toThrow();
  });
});
