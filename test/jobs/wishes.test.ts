import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bringOver, createLedger, createStore, openUsed } from '../../src/jobs/index.ts';
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

  it('is wanted once: not again because what was used is put back into Redis', async () => {
    const store = storeOf();
    await store.seconded('adopt r1 abc', 'U1', 0);
    const [key = ''] = await redis().keys(`${prefixOf(production)}:draft:wish-*`);
    const wish = (await redis().get(key)) ?? '';
    expect(await store.seconded('adopt r1 abc', 'U2', 1)).toBe('U1');
    await redis().set(key, wish);
    expect(await store.seconded('adopt r1 abc', 'U3', 2)).toBeNull();
    expect(await store.seconded('adopt r1 abc', 'U1', 3)).toBe('U3');
  });

  it('is wanted once by all programs of a machine, also by one that was started since', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'wishes-')), 'used-wishes.json');
    const started = () => createStore(redis(), production, { ...belief(), used: openUsed(file) });
    await started().seconded('adopt r1 abc', 'U1', 0);
    const [key = ''] = await redis().keys(`${prefixOf(production)}:draft:wish-*`);
    const wish = (await redis().get(key)) ?? '';
    expect(await started().seconded('adopt r1 abc', 'U2', 1)).toBe('U1');
    await redis().set(key, wish);
    expect(await started().seconded('adopt r1 abc', 'U3', 2)).toBeNull();
    rmSync(dirname(file), { recursive: true });
  });

  it('says so when nobody can write down that it was used', () => {
    const warned: string[] = [];
    const used = openUsed('/nowhere/used-wishes.json', (reason) => void warned.push(reason));
    used.add('a', 10, 1);
    expect(used.has('a')).toBe(true);
    expect(warned.join()).toMatch(/used-wishes\.json cannot be written/);
  });

  it('names what is adopted, also of the ledger: once that was done, it is another', async () => {
    const ledger = createLedger(redis(), production, belief());
    const mark = await ledger.mark();
    expect(await ledger.mark()).toBe(mark);
    await ledger.adopt('U2', 1, { first: 'U1', mark });
    expect(await ledger.mark()).not.toBe(mark);
    await expect(ledger.adopt('U2', 2, { first: 'U1', mark })).rejects.toThrow(/moved on meanwhile/);
  });

  it('is wanted by nobody whose wish was written into Redis', async () => {
    const store = storeOf();
    await store.seconded('adopt r1 abc', 'U1', 0);
    const [key = ''] = await redis().keys(`${prefixOf(production)}:draft:wish-*`);
    const wish = JSON.parse((await redis().get(key)) ?? '');
    await redis().set(key, JSON.stringify({ ...wish, by: 'U2' }));
    expect(await store.seconded('adopt r1 abc', 'U1', 1)).toBeNull();
  });

  it('is wanted by nobody whose wish is about something else, of another fleet, or no wish at all', async () => {
    const store = storeOf();
    const wishes = async () => (await redis().keys(`${prefixOf(production)}:draft:wish-*`))[0] ?? '';
    await store.seconded('x', 'U1', 0);
    const of = await wishes();
    await redis().del(of);
    await store.seconded('y', 'U2', 0);
    await redis().rename(await wishes(), of);
    expect(await store.seconded('x', 'U1', 1)).toBeNull();
    await createStore(redis(), 'other', belief()).seconded('x', 'U2', 0);
    const [foreign = ''] = await redis().keys(`${prefixOf('other')}:draft:wish-*`);
    await redis().rename(foreign, of);
    expect(await store.seconded('x', 'U1', 1)).toBeNull();
    await redis().set(of, 'no wish');
    expect(await store.seconded('x', 'U1', 1)).toBeNull();
    expect(await store.seconded('x', 'U2', 2)).toBe('U1');
    expect(await store.seconded('x', 'U1', 3)).toBeNull();
    expect(await store.seconded('x', 'U2', 3 + 30 * 60_000)).toBeNull();
  });

  it('is done to what the first has seen, and to nothing that came in its place', async () => {
    await writeFormer(redis(), quickRollout('r1'));
    await bringOver(redis(), production, silent);
    const store = storeOf();
    const { mark } = await store.adoptable('r1');
    const other = { format: 1, rollout: { ...former(quickRollout('r1')), requester: 'U-mallory' } };
    await redis().hset(keysOf(production).rollout('r1'), 'body', JSON.stringify(other));
    expect((await store.adoptable('r1')).mark).not.toBe(mark);
    await expect(store.adopt('r1', 'U2', 1, { mark })).rejects.toThrow(/moved on meanwhile/);
  });
});
