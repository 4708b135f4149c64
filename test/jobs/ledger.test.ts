import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createLedger } from '../../src/jobs/index.ts';
import { append } from '../../src/jobs/journal.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { emptyLedger } from '../../src/upgrade/ledger/index.ts';
import type { LedgerEvent } from '../../src/upgrade/ledger/types.ts';
import { belief } from '../support/belief.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { newImage } from '../support/rollouts.ts';
import { effects, eventually, nodes, production, quickRollout } from './fixtures/parts.ts';
import { done, makeRig } from './fixtures/rig.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
afterEach(() => redis.handle.caller.flushall());

const ledger = (fleet = production) => createLedger(redis.handle.caller, fleet, belief());
const froze = (id: string): LedgerEvent => ({
  type: 'froze',
  at: 1_000,
  by: 'U1',
  id,
  regions: null,
  start: 1_000,
  end: 2_000,
  reason: 'audit',
});

describe('the stored ledger', () => {
  it('is empty at first, and each fleet has its own', async () => {
    expect(await ledger().load()).toEqual({
      revision: 0,
      freezes: [],
      nodes: {},
      begun: [],
      timings: {},
      snoozed: {},
      builds: {},
    });
    expect(await ledger().record(froze('f1'))).toMatchObject({ changed: true, ledger: { revision: 1 } });
    expect((await ledger().load()).freezes).toMatchObject([{ id: 'f1', author: 'U1' }]);
    expect((await ledger('staging').load()).freezes).toEqual([]);
  });

  it('loses nothing when many write at once, and its journal stays whole', async () => {
    await Promise.all(Array.from({ length: 12 }, (_, index) => ledger().record(froze(`f${index}`))));
    const { freezes, revision } = await ledger().load();
    expect([freezes.length, revision]).toEqual([12, 12]);
    const lines = await ledger().lines();
    expect(lines.map((line) => JSON.parse(line).revision)).toEqual(Array.from({ length: 12 }, (_, index) => index + 1));
    await redis.handle.caller.lrem(keysOf(production).ledgerJournal, 1, lines[3] ?? '');
    await expect(ledger().load()).rejects.toThrow(/line 4 of its journal: it was changed, or the line before it/);
  });

  it('is not written when nothing changes', async () => {
    await ledger().record(froze('f1'));
    expect(await ledger().record(froze('f1'))).toMatchObject({ changed: false, ledger: { revision: 1 } });
    expect(await ledger().lines()).toHaveLength(1);
  });

  it('that was adopted before something was known is read as it was then, like what is stored', async () => {
    const before = { revision: 1, freezes: [], nodes: {} };
    const event = { type: 'adopted', at: 1_000, by: 'U1', ledger: before, previous: 'ledger' };
    const place = { fleet: production, journal: 'ledger' };
    const line = append(place, 'ledger', { at: 1_000, revision: 1, event }, belief().notary, ['decisions']);
    const body = JSON.stringify({ format: 1, ledger: before });
    await redis.handle.caller.hset(keysOf(production).ledger, { revision: '1', body, hash: line.hash });
    await redis.handle.caller.rpush(keysOf(production).ledgerJournal, JSON.stringify(line));
    expect(await ledger().load()).toEqual({ ...emptyLedger, ...before });
  });

  it('says in which format it was adopted', async () => {
    await ledger().record(froze('f1'));
    await ledger().adopt('U1', 2_000);
    const [last = ''] = (await ledger().lines()).slice(-1);
    expect(JSON.parse(last).event).toMatchObject({ type: 'adopted', format: 1 });
    expect((await ledger().load()).freezes).toHaveLength(1);
  });

  it('that was emptied is refused by whoever remembers it, and is made anew from what the nodes were found to be', async () => {
    const own = belief();
    const kept = () => createLedger(redis.handle.caller, production, own);
    const one = { version: 'v2.0.0', sha256: newImage, envSha256: null };
    await kept().record(froze('f1'));
    await redis.handle.caller.flushall();
    await expect(kept().load()).rejects.toThrow(/it was put back to line 0; this process has seen 1/);
    await kept().adopt('U1', 2_000, { first: 'U2', found: { nodes: { n1: one }, epoch: 1_500 } });
    const wanted = { freezes: [], nodes: { n1: { ...one, at: 2_000, rollout: null } }, epoch: 1_500 };
    expect(await kept().load()).toMatchObject(wanted);
    // So it is to whoever never saw it before, and what comes after is folded onto it.
    const nodes = { n2: one };
    const said: LedgerEvent = { type: 'left', at: 3_000, rollout: 'r2', nodes };
    await ledger().record(said);
    expect(await ledger().load()).toMatchObject({ ...wanted, nodes: { ...wanted.nodes, n2: { rollout: 'r2' } } });
  });

  it('that cannot be read is refused, not overwritten', async () => {
    await redis.handle.caller.hset(keysOf(production).ledger, { revision: '7', body: '{"format":99}', hash: 'x' });
    await expect(ledger().record(froze('f1'))).rejects.toThrow(
      /ledger cannot be believed: (its last line|what is stored)/,
    );
    expect(await redis.handle.caller.hget(keysOf(production).ledger, 'revision')).toBe('7');
  });
});

describe('workers', () => {
  const rig = makeRig();
  const kept = () => createLedger(rig.redis.handle.caller, production, belief());

  it('write down what a rollout left, and how long its steps took', async () => {
    await rig.worker();
    const control = rig.control();
    await control.start(quickRollout('r1'));
    const after = await eventually(
      () => kept().load(),
      ({ timings }) => Object.keys(timings).length > 0,
      30_000,
    );
    expect(Object.keys(after.nodes)).toEqual(nodes);
    expect(after.nodes[nodes[0] ?? '']).toMatchObject({ version: 'v2.0.0', sha256: newImage, rollout: 'r1' });
    expect(Object.keys(after.timings)).toEqual(nodes);
    expect(after.timings[nodes[0] ?? '']).toMatchObject([{ rollout: 'r1', took: { switch: expect.any(Number) } }]);
  });

  it('write it down also when the last wake was lost', async () => {
    const control = rig.control();
    const rollout = quickRollout('r1', {}, {}, { limit: 1 });
    const [node] = Object.values(rollout.nodes);
    if (!node) throw new Error('no node');
    const finished = { ...node, state: { is: 'done', at: Date.now(), already: false } as const };
    const status = { is: 'done', at: Date.now() } as const;
    await control.store.create({ ...rollout, status, nodes: { [node.name]: finished } });
    await rig.worker();
    expect(
      await eventually(
        () => kept().load(),
        ({ revision }) => revision === 1,
      ),
    ).toMatchObject({
      nodes: { [node.name]: { rollout: 'r1' } },
    });
  });

  it('touch no node while the fleet is frozen', async () => {
    const now = Date.now();
    await kept().record({ ...froze('f1'), at: now, start: now, end: now + 600_000 } as LedgerEvent);
    await rig.worker();
    const control = rig.control();
    await control.start(quickRollout('r1'));
    const frozen = await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout?.looks['us-east']?.freezes?.length === 1,
    );
    expect(done(frozen)).toBe(false);
    expect(await effects(rig.redis.handle.caller)).toEqual([]);
  });
});
