import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { day } from '../../src/base/duration.ts';
import { createLedger, createStore, type RolloutStore } from '../../src/jobs/index.ts';
import { keysOf, prefixOf } from '../../src/jobs/keys.ts';
import { prune } from '../../src/jobs/prune.ts';
import type { NodeRun, Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief, flawsIn } from '../support/belief.ts';
import { eventually, production, quickRollout, systemClock } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const redis = () => rig.redis.handle.caller;
const now = Date.now();
const keepFor = 400 * day;
const old = now - keepFor - 1;
let store: RolloutStore;
let exports: string;
let stays: string[];
beforeEach(() => {
  store = createStore(redis(), production, belief());
  exports = mkdtempSync(join(tmpdir(), 'zw-exports-'));
  stays = [];
});
afterEach(() => rmSync(exports, { recursive: true }));

const pruned = (fleet = production, directory = exports, client = redis(), later = 0) =>
  prune(
    {
      ...{ redis: client, fleet },
      store: createStore(redis(), fleet, belief()),
      ledger: createLedger(redis(), fleet, belief()),
    },
    now + later,
    { keepFor, exports: directory },
    (why) => stays.push(why),
  );

/** Made at `createdAt`, and over at once unless it is to stay open. */
async function rollout(id: string, createdAt: number, open = false): Promise<void> {
  const made: Rollout = quickRollout(id, { createdAt });
  await store.create(open ? made : { ...made, status: { is: 'stopped', by: 'U1', at: createdAt + 1 } });
  await store.setPosted(id, 'main', { ts: id, channel: 'C1', content: 'x' });
}
const left = () => store.ids();
const keysNaming = (id: string) => redis().keys(`${prefixOf(production)}:*${id}*`);
const exported = (id: string) =>
  readFileSync(join(exports, `${id}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

describe('what Redis keeps', () => {
  it('loses rollouts that are over and older than the retention, with all that belongs to them', async () => {
    await rollout('r1', old);
    await rollout('r2', now - keepFor + 60_000);
    await rollout('r3', now);
    expect(await pruned()).toEqual(['r1']);
    expect(await left()).toEqual(['r3', 'r2']);
    expect(await keysNaming('r1')).toEqual([]);
    expect(await store.unpainted()).toEqual(['r2', 'r3']);
    expect(await keysNaming('r2')).toHaveLength(3);
  });

  it('has written them down before, for their owner alone: the rollout, and a journal whose chain is whole', async () => {
    await rollout('r1', old);
    await rollout('r2', now);
    const [before, journal] = [await store.load('r1'), await store.journal('r1')];
    await pruned();
    const lines = exported('r1');
    const entries = lines.filter(({ is }) => is === 'entry').map(({ line }) => JSON.parse(line));
    expect(entries).toEqual(journal);
    expect(flawsIn('r1', entries)).toEqual([]);
    expect(lines.at(-1)).toMatchObject({ is: 'rollout', fleet: production, rollout: 'r1', revision: 1 });
    expect(lines.at(-1).hash).toBe(journal.at(-1)?.hash);
    expect(JSON.parse(lines.at(-1).body).rollout).toEqual(before);
    expect(statSync(join(exports, 'r1.jsonl')).mode & 0o777).toBe(0o600);
    expect(readdirSync(exports)).toEqual(['r1.jsonl']);
  });

  it('never loses the newest one, nor one that is open', async () => {
    await rollout('r1', old - 2);
    expect(await pruned()).toEqual([]);
    await rollout('r2', old - 1, true);
    expect(await pruned()).toEqual(['r1']);
    await redis().zadd(keysOf(production).rollouts, now, 'r3');
    expect(await pruned()).toEqual(['r3']);
    expect((await store.open())?.id).toBe('r2');
  });

  it('is as old as its journal says, whatever anybody wrote into the list', async () => {
    const { rollouts } = keysOf(production);
    const ages = { old, older: old - day, young: now - day, newest: now };
    for (const [id, at] of Object.entries(ages)) await rollout(id, at);
    await redis().zadd(rollouts, 0, 'young', '-inf', 'newest', '+inf', 'old', 9e15, 'older', 9e15, 'nothing');
    const removed = [...(await pruned()), ...(await pruned())];
    expect(removed.sort()).toEqual(['nothing', 'old', 'older']);
    expect(await left()).toEqual(['newest', 'young']);
    expect(await redis().zscore(rollouts, 'newest')).toBe(String(now));
  });

  it('is looked at in turn, however many there are', async () => {
    for (let index = 0; index < 12; index += 1) await rollout(`r${index}`, now + index);
    await rollout('hidden', old);
    await redis().zadd(keysOf(production).rollouts, 9e15, 'hidden');
    const all = [];
    for (let sweep = 0; sweep < 4; sweep += 1)
      all.push(...(await pruned(undefined, undefined, undefined, sweep * 10_000)));
    expect(all).toEqual(['hidden']);
  });

  it('never loses one that is open although somebody took it off the list of those', async () => {
    await rollout('r2', now);
    await rollout('r1', old, true);
    await redis().srem(keysOf(production).open, 'r1');
    expect(await pruned()).toEqual([]);
    expect(stays).toEqual([expect.stringMatching(/^r1: it is open/)]);
    expect((await store.load('r1'))?.id).toBe('r1');
  });

  it('never loses one that was the last to leave a node proven, as the ledger has it', async () => {
    await rollout('r1', old - 2);
    await rollout('r2', old - 1);
    await rollout('r3', now);
    const left = { version: 'v1.0.0', sha256: 'a'.repeat(64), envSha256: null };
    const ledger = createLedger(redis(), production, belief());
    await ledger.record({ type: 'left', at: old, rollout: 'r1', nodes: { 'us-east-op-1': left } });
    expect(await pruned()).toEqual(['r2']);
    await ledger.record({ type: 'left', at: now, rollout: 'r3', nodes: { 'us-east-op-1': left } });
    expect(await pruned()).toEqual(['r1']);
  });

  it('notes what one left before it is removed, and then keeps it', async () => {
    const made = quickRollout('r1', { createdAt: old, status: { is: 'done', at: old + 2 } });
    const nodes = Object.entries(made.nodes).map(([name, node]): [string, NodeRun] => [
      name,
      { ...node, state: { is: 'done', at: old + 2, already: false } },
    ]);
    await store.create({ ...made, nodes: Object.fromEntries(nodes) });
    await rollout('r2', now);
    expect(await pruned()).toEqual([]);
    expect((await createLedger(redis(), production, belief()).load()).nodes['us-east-op-1']?.rollout).toBe('r1');
  });

  it('loses only some at a time', async () => {
    for (let index = 0; index < 25; index += 1) await rollout(`r${index}`, old - 100 + index);
    expect(await pruned()).toHaveLength(20);
    expect(await pruned()).toHaveLength(4);
    expect(await left()).toEqual(['r24']);
    expect(readdirSync(exports)).toHaveLength(24);
  });

  it('is seen to by the workers', async () => {
    await rollout('r1', now);
    await rollout('r2', now + 1);
    const worker = await rig.worker({
      sweep: never,
      retention: { keepFor, exports },
      clock: { ...systemClock, now: () => now + keepFor + 60_000 },
    });
    await worker.sweep();
    await eventually(left, (ids) => ids.length === 1);
    expect(await left()).toEqual(['r2']);
    // The lock of whoever wrote it down goes last.
    const files = await eventually(
      async () => readdirSync(exports),
      (all) => all.length === 1,
    );
    expect(files).toEqual(['r1.jsonl']);
  });

  it('of another fleet is not touched', async () => {
    await rollout('r1', old);
    await rollout('r2', old);
    expect(await pruned('staging')).toEqual([]);
    expect(await left()).toHaveLength(2);
  });
});

describe('nothing is lost', () => {
  beforeEach(async () => {
    await rollout('r1', old);
    await rollout('r2', now);
  });

  it('when a worker dies between writing down and removing: the next one does both again', async () => {
    const dying = new Proxy(redis(), {
      get: (target, name) =>
        name === 'eval'
          ? () => Promise.reject(new Error('the worker is gone'))
          : (Reflect.get(target, name, target).bind?.(target) ?? Reflect.get(target, name, target)),
    });
    expect(await pruned(production, exports, dying)).toEqual([]);
    expect(readdirSync(exports)).toEqual(['r1.jsonl']);
    expect(await left()).toEqual(['r2', 'r1']);
    expect(await pruned()).toEqual(['r1']);
    expect(exported('r1')).toHaveLength(2);
  });

  it('when it dies while it writes: half a file and a lock of the dead stand in nobody’s way', async () => {
    writeFileSync(join(exports, 'r1.jsonl.half'), '{"is":"ent', { mode: 0o644 });
    writeFileSync(join(exports, 'lock'), '999999999');
    await pruned();
    expect(await pruned()).toEqual(['r1']);
    expect(exported('r1')).toHaveLength(2);
    expect(readdirSync(exports)).toEqual(['r1.jsonl']);
    expect(statSync(join(exports, 'r1.jsonl')).mode & 0o777).toBe(0o600);
  });

  it('when it cannot be written down', async () => {
    writeFileSync(join(exports, 'file'), '');
    await expect(pruned(production, join(exports, 'file'))).rejects.toThrow(/EEXIST|ENOTDIR/);
    mkdirSync(join(exports, 'r1.jsonl'));
    expect(await pruned()).toEqual([]);
    expect(stays).toEqual([expect.stringMatching(/^r1: /)]);
    expect(await left()).toEqual(['r2', 'r1']);
  });

  it('when it changes meanwhile', async () => {
    const changing = new Proxy(redis(), {
      get(target, name) {
        if (name !== 'eval')
          return Reflect.get(target, name, target).bind?.(target) ?? Reflect.get(target, name, target);
        return async (...words: Parameters<typeof target.eval>) => {
          await target.hset(keysOf(production).rollout('r1'), 'revision', '3');
          return target.eval(...words);
        };
      },
    });
    expect(await pruned(production, exports, changing)).toEqual([]);
    expect(await left()).toEqual(['r2', 'r1']);
  });

  it.each(['../../escaped', '.hidden', 'a/b', `${'x'.repeat(200)}`])(
    'and nothing is written elsewhere for an id that somebody put into Redis: %s',
    async (id) => {
      await redis().copy(keysOf(production).rollout('r1'), keysOf(production).rollout(id));
      await redis().zadd(keysOf(production).rollouts, old, id);
      expect(await pruned()).toEqual(['r1']);
      expect(stays).toEqual([`${id}: its id cannot name a file`]);
      expect(readdirSync(exports)).toEqual(['r1.jsonl']);
    },
  );
});
