import { describe, expect, it } from 'vitest';
import { bringOver, createStore } from '../../src/jobs/index.ts';
import { keysOf, prefixOf } from '../../src/jobs/keys.ts';
import { belief } from '../support/belief.ts';
import { former, writeFormer } from './fixtures/former-layout.ts';
import { production, quickRollout, silent } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const redis = () => rig.redis.handle.caller;
const storeOf = () => createStore(redis(), production, belief());
const minute = 60_000;

describe('what it takes two to decide', () => {
  it('is noted for the first, done by another within half an hour, and used up', async () => {
    const store = storeOf();
    expect(await store.seconded('adopt r1 abc', 'U1', 0)).toBeNull();
    expect(await store.seconded('adopt r1 abc', 'U1', 1)).toBeNull();
    expect(await store.seconded('adopt r1 abd', 'U2', 2)).toBeNull();
    expect(await store.seconded('adopt r1 abc', 'U2', 3)).toBe('U1');
    expect(await store.seconded('adopt r1 abc', 'U3', 4)).toBeNull();
    expect(await store.seconded('adopt r1 abc', 'U4', 31 * minute)).toBeNull();
  });

  it('is wanted by nobody whose wish was written into Redis', async () => {
    const store = storeOf();
    await store.seconded('adopt r1 abc', 'U1', 0);
    const [key = ''] = await redis().keys(`${prefixOf(production)}:draft:wish-*`);
    const wish = JSON.parse((await redis().get(key)) ?? '');
    await redis().set(key, JSON.stringify({ ...wish, by: 'U2' }));
    expect(await store.seconded('adopt r1 abc', 'U1', 1)).toBeNull();
  });

  it('is done to what the first has seen, and to nothing that came in its place', async () => {
    await writeFormer(redis(), quickRollout('r1'));
    await bringOver(redis(), production, silent);
    const store = storeOf();
    const seen = await store.stands('r1');
    const other = { format: 1, rollout: { ...former(quickRollout('r1')), requester: 'U-mallory' } };
    await redis().hset(keysOf(production).rollout('r1'), 'body', JSON.stringify(other));
    expect(await store.stands('r1')).not.toBe(seen);
    await expect(store.adopt('r1', 'U2', 1, { seen })).rejects.toThrow(/not what it was a moment ago/);
  });
});
