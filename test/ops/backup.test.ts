import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Belief, createControl, openAnchors, openRedis, type RedisHandle } from '../../src/jobs/index.ts';
import { production, quickRollout, silent, systemClock } from '../jobs/fixtures/parts.ts';
import { belief } from '../support/belief.ts';
import { shown } from '../support/product.ts';
import { type RedisServer, startRedisServer } from '../support/redis-server.ts';

/** docs/operations.md, "Backup and restore", step by step on a real Redis. */
const root = resolve(import.meta.dirname, '../..');
const trial = mkdtempSync(join(tmpdir(), 'zw-backup-'));
const open: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.stop();
});
afterAll(() => rmSync(trial, { recursive: true, force: true }));

const folder = (name: string): string => {
  const path = join(trial, name);
  mkdirSync(path);
  return path;
};

/** As ops/redis.conf has it, but for the places. */
async function server(dir: string): Promise<RedisServer> {
  const own = readFileSync(join(root, 'ops/redis.conf'), 'utf8')
    .split('\n')
    .filter((line) => /^[a-z]/.test(line) && !/^(?:port|unixsocket|unixsocketperm|aclfile|dir|daemonize) /.test(line))
    .flatMap((line) => {
      const [name = '', ...words] = line.split(' ');
      return [`--${name}`, ...words.map((word) => word.replaceAll('"', ''))];
    });
  const started = await startRedisServer(dir, [...own, '--port', '{port}']);
  open.push(started);
  return started;
}

async function programs({ port }: RedisServer, seen: Belief) {
  const url = `redis://127.0.0.1:${port}`;
  const handle: RedisHandle = await openRedis({ url, user: null, password: null, ca: null }, trial);
  open.push(handle);
  const control = createControl(handle, production, seen, systemClock, silent);
  open.push({ stop: () => control.close() });
  return { handle, control };
}

/** Beside whoever writes meanwhile. */
const backUp = async (from: string, to: string) => {
  const { code, err } = await shown(spawn(join(root, 'ops/backup-redis.sh'), [join(from, 'appendonlydir'), to]));
  return { code, err };
};

/** As it is put back: into an empty directory of a Redis that does not run yet. */
function putBack(backup: string, name: string): string {
  const dir = folder(name);
  cpSync(backup, join(dir, 'appendonlydir'), { recursive: true });
  return dir;
}
const remembering = (): Belief => ({ ...belief(), anchors: openAnchors(null) });

describe('a backup of Redis', () => {
  it('is whole although Redis is written to, and begins new files meanwhile', async () => {
    const from = folder('busy');
    const { port } = await server(from);
    const redis = new Redis({ port });
    open.push({ stop: async () => redis.disconnect() });
    let acknowledged = 0;
    let isOver = false;
    const writing = (async () => {
      while (!isOver) acknowledged = await redis.incr('count');
    })();
    writing.catch(() => undefined);
    for (const name of ['one', 'two', 'three']) {
      const before = acknowledged;
      await redis.bgrewriteaof();
      expect(await backUp(from, join(trial, name))).toEqual({ code: 0, err: '' });
      const manifest = execFileSync('find', [join(trial, name), '-name', '*.manifest'], { encoding: 'utf8' }).trim();
      expect(spawnSync('redis-check-aof', [manifest], { encoding: 'utf8' })).toMatchObject({ status: 0 });
      const again = new Redis({ port: (await server(putBack(join(trial, name), `busy-${name}`))).port });
      open.push({ stop: async () => again.disconnect() });
      expect(Number(await again.get('count'))).toBeGreaterThanOrEqual(before);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    isOver = true;
    await writing;
    expect(acknowledged).toBeGreaterThan(100);
  });

  it('says what is wrong, and overwrites nothing', async () => {
    expect(await backUp(folder('nothing'), join(trial, 'no'))).toMatchObject({
      code: 2,
      err: expect.stringMatching(/appendonlydir/),
    });
    expect(await backUp(trial, folder('taken'))).toMatchObject({
      code: 2,
      err: expect.stringMatching(/there already/),
    });
  });
});

describe('a Redis that is put back', () => {
  it('to what it was: everything goes on, and nobody has anything to say', async () => {
    const from = folder('same');
    const seen = remembering();
    const first = await server(from);
    const { control } = await programs(first, seen);
    await control.start(quickRollout('r1'));
    await control.record('r1', { type: 'paused', at: Date.now(), by: 'U1' });
    for (const each of open.splice(0).reverse()) await each.stop();
    expect((await backUp(from, join(trial, 'same-backup'))).code).toBe(0);
    const after = await programs(await server(putBack(join(trial, 'same-backup'), 'same-again')), seen);
    expect((await after.control.store.load('r1'))?.status.is).toBe('paused');
    const { changed } = await after.control.record('r1', { type: 'resumed', at: Date.now(), by: 'U1' });
    expect(changed).toBe(true);
  });

  it('to an earlier time: nothing is believed of what was written on since, until somebody adopts it', async () => {
    const from = folder('before');
    const seen = remembering();
    const { control } = await programs(await server(from), seen);
    await control.start(quickRollout('r1'));
    expect((await backUp(from, join(trial, 'before-backup'))).code).toBe(0);
    await control.record('r1', { type: 'paused', at: Date.now(), by: 'U1' });
    for (const each of open.splice(0).reverse()) await each.stop();

    const after = await programs(await server(putBack(join(trial, 'before-backup'), 'before-again')), seen);
    await expect(after.control.store.load('r1')).rejects.toThrow(/put back to line 1; this process has seen line 2/);
    await expect(after.control.record('r1', { type: 'resumed', at: Date.now(), by: 'U1' })).rejects.toThrow();
    const flaws: string[] = [];
    for await (const each of after.control.audit('r1', 0)) flaws.push(JSON.stringify(each));
    expect(flaws.join()).toMatch(/put back to line 1; this process has seen line 2/);
    const adopted = await after.control.adopt('r1', 'U2');
    expect(adopted.status.is).toBe('running');
    expect((await after.control.store.load('r1'))?.revision).toBe(adopted.revision);
  });
});
