import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createBuildTelling, nothingTold } from '../../src/jobs/build-told.ts';
import { createLedger } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { belief } from '../support/belief.ts';
import { buildingWorld } from '../support/building.ts';
import { production } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const dir = mkdtempSync(join(tmpdir(), 'zw-build-attacks-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const redis = () => rig.redis.handle.caller;
const version = 'v2.0.0';
const told = { ...nothingTold(version, 1), pieces: ['all is well'] };
const asked = { type: 'build-asked', at: 1, by: 'U0ROSA', version, number: 1 } as const;

describe('whoever writes to Redis', () => {
  it('says nothing in the place of a worker', async () => {
    const telling = createBuildTelling(redis(), production, belief().notary);
    await telling.keep(told);
    expect(await telling.of(version, 1)).toEqual(told);
    const { build } = keysOf(production);
    const signed = (await redis().get(build)) ?? '';
    for (const changed of [
      signed.replace('all is well', 'all is lost'),
      JSON.stringify({ told }),
      signed.replace('"number":1', '"number":2'),
      '{}',
      'null',
      '{"told":null,"key":"","signature":""}',
      'x',
    ]) {
      await redis().set(build, changed);
      expect([changed, await telling.of(version, 1)]).toEqual([changed, null]);
    }
    // What is signed by a bot, or for another fleet, is none of it either.
    await createBuildTelling(redis(), production, belief('both').notary).keep(told);
    expect(await createBuildTelling(redis(), 'other', belief().notary).of(version, 1)).toBe(null);
    expect(await telling.of(version, 2)).toBe(null);
    await expect(createBuildTelling(redis(), production, belief('bot').notary).keep(told)).rejects.toThrow(
      'Nobody would believe this program',
    );
  });

  it('is built for nobody: what the ledger does not prove is not gone to', async () => {
    const world = await buildingWorld(dir);
    world.source.release(version);
    await createLedger(redis(), production, belief()).record({ type: 'unfroze', at: 1, by: 'U1', ids: [] });
    const worker = await rig.worker({
      sweep: never,
      build: { place: world.place(), shelf: await world.finished(), every: 20 },
    });
    // A job of an attacker's own, and a record that nobody signed.
    await rig.queues().build(version, 1);
    await worker.sweep();
    const { ledger } = keysOf(production);
    await redis().hset(ledger, {
      body: JSON.stringify({
        format: 1,
        ledger: { revision: 1, builds: { [version]: { ...asked, state: { is: 'asked' } } } },
      }),
      ...{ revision: '1', hash: 'x' },
    });
    await rig.queues().build(version, 2);
    await worker.sweep();
    await rig.queues().build('../../x', 3);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(readdirSync(world.shelf)).toEqual([]);
    expect(readdirSync(world.folder)).not.toContain('own');
  });

  it('has no decision counted that a worker signed', async () => {
    const worker = createLedger(redis(), production, belief('worker'));
    await expect(worker.record(asked)).rejects.toThrow('Nobody would believe this program');
    const bot = createLedger(redis(), production, belief('bot'));
    await bot.record(asked);
    const source = { tag: 't', commit: 'c', time: 1, signedBy: null };
    await expect(bot.record({ type: 'build-begun', at: 2, version, number: 1, source, worker: 'w' })).rejects.toThrow(
      'Nobody would believe this program',
    );
  });
});
