import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prefixOf } from '../../src/jobs/keys.ts';
import { createLeases, LetGo, orAborted } from '../../src/jobs/lease.ts';
import { reasonOf, seldom } from '../../src/jobs/log.ts';
import { openWorker } from '../../src/jobs/worker.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { eventually, silent, systemClock } from './fixtures/parts.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());

const untilAborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(signal.reason), { once: true });
  });

describe('a worker', () => {
  it('is told when the lock of its job is gone', async () => {
    const seen: unknown[] = [];
    const worker = openWorker({
      fleet: 'a',
      queue: 'lost',
      redis: redis.handle.patient(),
      clock: systemClock,
      log: silent,
      concurrency: 1,
      process: async ({ signal }) => {
        if (seen.length === 0) seen.push(await untilAborted(signal));
      },
    });
    const queue = new Queue('lost', { connection: redis.handle.caller, prefix: prefixOf('a') });
    const { id } = await queue.add('work', {});
    await eventually(
      () => queue.getActiveCount(),
      (count) => count === 1,
    );
    await redis.handle.caller.set(`${prefixOf('a')}:lost:${id}:lock`, 'somebody else');
    await eventually(
      async () => seen.length,
      (count) => count === 1,
    );
    expect(seen[0]).toBeInstanceOf(LetGo);
    await worker.close(1_000);
    await queue.close();
  });

  it('stores why a job failed without the secrets in it', async () => {
    const worker = openWorker({
      fleet: 'a',
      queue: 'broken',
      redis: redis.handle.patient(),
      clock: systemClock,
      log: silent,
      concurrency: 1,
      process: async () => {
        throw new Error('curl -u app https://bob:hunter2@example.com failed');
      },
    });
    const queue = new Queue('broken', { connection: redis.handle.caller, prefix: prefixOf('a') });
    const { id = '' } = await queue.add('work', {});
    await eventually(
      () => queue.getFailedCount(),
      (count) => count === 1,
    );
    expect(JSON.stringify(await redis.handle.caller.hgetall(`${prefixOf('a')}:broken:${id}`))).not.toContain('hunter2');
    await worker.close(1_000);
    await queue.close();
  });
});

describe('a lease', () => {
  const hold = (leases: ReturnType<typeof createLeases>): Promise<unknown> =>
    leases.hold('job', (signal) => untilAborted(signal)).catch((error: unknown) => error);

  it('is let go when no renewal was confirmed for its duration', async () => {
    expect(await hold(createLeases(50, systemClock))).toBeInstanceOf(LetGo);
  });

  it('is kept as long as renewals arrive', async () => {
    const leases = createLeases(100, systemClock);
    let ended = false;
    const held = hold(leases).then(() => {
      ended = true;
    });
    for (let index = 0; index < 8; index += 1) {
      await pause(30);
      leases.renewed(['job', 'another job']);
    }
    expect(ended).toBe(false);
    leases.lost(['job']);
    await held;
  });

  it('tells when nothing is held any more, and gives up waiting in time', async () => {
    const leases = createLeases(10_000, systemClock);
    expect(await leases.idle(10)).toBe(true);
    const held = hold(leases);
    expect(await leases.idle(20)).toBe(false);
    const waiting = leases.idle(5_000);
    leases.letGoOfAll('closing');
    await held;
    expect(await waiting).toBe(true);
  });

  it('does not wait for work that ignores the signal', async () => {
    const stop = new AbortController();
    const endless = orAborted(new Promise(() => undefined), stop.signal);
    stop.abort(new LetGo('enough'));
    await expect(endless).rejects.toThrow('enough');
    const aborted = AbortSignal.abort(new LetGo('before'));
    await expect(orAborted(new Promise(() => undefined), aborted)).rejects.toThrow('before');
  });
});

describe('what is stored of an error', () => {
  it.each([
    ['redis://:pw@host/0 refused', 'redis://***@host/0 refused'],
    ['postgres://app:p%40ss@db:5432/zeitwork', 'postgres://***@db:5432/zeitwork'],
    ['invalid_auth xoxb-123-abc', 'invalid_auth xoxb-***'],
    ['DB_PASSWORD=geheim PORT=1', 'DB_PASSWORD=*** PORT=1'],
    ['api_key: "a b c", x', 'api_key: ***, x'],
    ['connection refused', 'connection refused'],
  ])('%s -> %s', (text, clean) => {
    expect(reasonOf(new Error(text))).toBe(clean);
  });

  it('is said once in a while, however often it comes', () => {
    const said: [string, number][] = [];
    const complain = seldom(60_000, (...line) => said.push(line));
    for (let index = 0; index < 50; index += 1) complain(new Error('connection refused'));
    complain(new Error('another thing'));
    const hasty = seldom(-1, (...line) => said.push(line));
    hasty('x');
    hasty('x');
    expect(said).toEqual([
      ['connection refused', 0],
      ['another thing', 0],
      ['x', 0],
      ['x', 0],
    ]);
  });

  it('is cut at a readable length', () => {
    expect(reasonOf('x'.repeat(10_000))).toHaveLength(2_000);
  });
});
