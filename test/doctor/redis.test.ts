import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { examineRedis } from '../../src/doctor/redis.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { scratch } from './support.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
const set = (name: string, value: string) => redis.handle.caller.config('SET', name, value);
beforeEach(async () => {
  await set('appendonly', 'yes');
  await set('appendfsync', 'always');
  await set('maxmemory-policy', 'noeviction');
});

const look = async () => {
  const [found, ...more] = await examineRedis(null, redis.dir);
  expect(more).toEqual([]);
  return found;
};

describe('the look at Redis', () => {
  it('finds one that keeps what it acknowledged right', async () => {
    expect(await look()).toMatchObject({
      is: 'right',
      text: expect.stringMatching(/^private, \d\S+, AOF always, noeviction$/),
    });
  });

  it.each([
    ['appendonly', 'no', /it loses writes when it stops: set `appendonly yes`/],
    ['appendfsync', 'everysec', /appendfsync is everysec.*set `appendfsync always`/],
    ['maxmemory-policy', 'allkeys-lru', /it may drop data \(allkeys-lru\)/],
  ])('says what to change when %s is %s', async (name, value, words) => {
    await set(name, value);
    expect(await look()).toMatchObject({ is: 'wrong', text: expect.stringMatching(words) });
  });

  it('is not sure of one that does not tell how it syncs', async () => {
    await redis.handle.caller.call('ACL', 'SETUSER', 'default', '-config');
    const found = await look();
    await redis.handle.caller.call('ACL', 'SETUSER', 'default', '+config');
    expect(found).toMatchObject({ is: 'note', text: expect.stringMatching(/AOF, noeviction; .*must be `always`/) });
  });

  it('starts the private one where none runs, and ends it again', async () => {
    const dir = scratch();
    const [found] = await examineRedis(null, dir);
    expect(found?.is).toBe('right');
    const { default: net } = await import('node:net');
    const refused = await new Promise((settle) => {
      net
        .connect(join(dir, 'redis', 'redis.sock'))
        .once('error', () => settle(true))
        .once('connect', () => settle(false));
    });
    expect(refused).toBe(true);
    await rm(dir, { recursive: true });
  });
});
