import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { brokenLink, createControl, createStore, startWorker } from '../../src/jobs/index.ts';
import type { Sweeping } from '../../src/jobs/sweep.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { effects, eventually, nodes, quickRollout, silent, systemClock, workerParts } from './fixtures/parts.ts';

let redis: TestRedis;
const closing: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
afterEach(async () => {
  for (const each of closing.splice(0).reverse()) await each.close();
  await redis.handle.caller.flushall();
});

const worker = async (changes = {}): Promise<Sweeping> => {
  const started = await startWorker(workerParts(redis.handle, changes));
  closing.push(started);
  return started;
};
const control = () => {
  const opened = createControl(redis.handle, systemClock, silent);
  closing.push(opened);
  return opened;
};

describe('a rollout in the queues', () => {
  it('goes through all nodes one by one, restarting each once', async () => {
    await worker();
    const { start, store } = control();
    await start(quickRollout('r1'));
    await eventually(
      () => store.load('r1'),
      (rollout) => rollout?.status.is === 'done',
    );
    expect(await effects(redis.handle.caller)).toEqual(nodes.flatMap((node) => [`restart ${node}`, `switch ${node}`]));
    expect(brokenLink('r1', await createStore(redis.handle.caller).journal('r1'))).toBeNull();
  });
});
