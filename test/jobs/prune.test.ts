import { beforeEach, describe, expect, it } from 'vitest';
import { createStore, type RolloutStore } from '../../src/jobs/index.ts';
import { prefixOf } from '../../src/jobs/keys.ts';
import { prune, retention } from '../../src/jobs/prune.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief } from '../support/belief.ts';
import { production, quickRollout, systemClock } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const redis = () => rig.redis.handle.caller;
const now = Date.now();
const old = now - retention - 1;
let store: RolloutStore;
beforeEach(() => {
  store = createStore(redis(), production, belief());
});

/** Made at `createdAt`, and over at once unless it is to stay open. */
async function rollout(id: string, createdAt: number, open = false): Promise<void> {
  const made: Rollout = quickRollout(id, { createdAt });
  await store.create(open ? made : { ...made, status: { is: 'stopped', by: 'U1', at: createdAt + 1 } });
  await store.setPosted(id, 'main', { ts: id, channel: 'C1', content: 'x' });
}
const left = async () => (await store.latest(100)).map(({ id }) => id);
const keysNaming = (id: string) => redis().keys(`${prefixOf(production)}:*${id}*`);

describe('what Redis keeps', () => {
  it('loses rollouts that are over and older than the retention, with all that belongs to them', async () => {
    await rollout('r1', old);
    await rollout('r2', now - retention + 60_000);
    await rollout('r3', now);
    expect(await prune(redis(), production, now)).toEqual(['r1']);
    expect(await left()).toEqual(['r3', 'r2']);
    expect(await keysNaming('r1')).toEqual([]);
    expect(await store.unpainted()).toEqual(['r2', 'r3']);
    expect(await keysNaming('r2')).toHaveLength(3);
  });

  it('never loses the newest one, nor one that is open', async () => {
    await rollout('r1', old - 2);
    expect(await prune(redis(), production, now)).toEqual([]);
    await rollout('r2', old - 1, true);
    expect(await prune(redis(), production, now)).toEqual(['r1']);
    await redis().zadd(`${prefixOf(production)}:rollouts`, now, 'r3');
    expect(await prune(redis(), production, now)).toEqual([]);
    expect((await store.open())?.id).toBe('r2');
  });

  it('loses only some at a time', async () => {
    for (let index = 0; index < 25; index += 1) await rollout(`r${index}`, old - 100 + index);
    expect(await prune(redis(), production, now)).toHaveLength(20);
    expect(await prune(redis(), production, now)).toHaveLength(4);
    expect(await left()).toEqual(['r24']);
  });

  it('is seen to by the workers', async () => {
    await rollout('r1', now);
    await rollout('r2', now + 1);
    const worker = await rig.worker({ sweep: never, clock: { ...systemClock, now: () => now + retention + 60_000 } });
    await worker.sweep();
    expect(await left()).toEqual(['r2']);
  });

  it('of another fleet is not touched', async () => {
    await rollout('r1', old);
    await rollout('r2', old);
    expect(await prune(redis(), 'staging', now)).toEqual([]);
    expect(await left()).toHaveLength(2);
  });
});
