import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Refused } from '../../src/base/errors.ts';
import { createStore, type RolloutStore } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { recorder } from '../../src/jobs/record.ts';
import { plan } from '../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief, flawsIn } from '../support/belief.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { fleetOf, inputOf, recorded } from '../support/rollouts.ts';
import { quickRollout } from './fixtures/parts.ts';

let redis: TestRedis;
let store: RolloutStore;

beforeAll(async () => {
  redis = await startTestRedis();
});
beforeEach(() => {
  store = createStore(redis.handle.caller, 'production', belief());
});
afterAll(() => redis.stop());
afterEach(() => redis.handle.caller.flushall());

const keys = keysOf('production');
const tick: Event = { type: 'ticked', at: 1 };
const raised = (rollout: Rollout, changes: Partial<Rollout> = {}): Rollout => ({
  ...rollout,
  ...changes,
  revision: rollout.revision + 1,
});
const stoppedAt = (at: number): Pick<Rollout, 'status'> => ({ status: { is: 'stopped', by: 'U1', at } });

describe('the store', () => {
  it('gives back what was created', async () => {
    const rollout = quickRollout('r1');
    await store.create(rollout);
    expect(await store.load('r1')).toEqual(rollout);
    expect(await store.open()).toEqual(rollout);
    expect(await store.openIds()).toEqual(['r1']);
    expect(await store.load('r2')).toBeNull();
  });

  it('keeps one open rollout and names the one that holds it', async () => {
    await store.create(quickRollout('r1'));
    const second = store.create(quickRollout('r2'));
    await expect(second).rejects.toThrow(Refused);
    await expect(second).rejects.toThrow(/r1 \(v2\.0\.0, asked for by U-requester, running\) holds the fleet/);
  });

  it.each([
    [{ is: 'running' }, 'Wait until it is over, or stop it first.'],
    [
      { is: 'held', reason: 'it', node: null, at: 1, pending: null },
      'It needs a decision first: retry, roll back, or stop.',
    ],
    [
      { is: 'rolling-back', scope: { is: 'all' }, queue: [], by: 'U1', at: 1, after: null },
      'It is being rolled back: wait',
    ],
    [{ is: 'stopping', by: 'U1', at: 1 }, 'It is being stopped: wait'],
  ] as [Rollout['status'], string][])('says what helps while that one is %j', async (status, way) => {
    const first = quickRollout('r1');
    await store.create(first);
    await store.save(raised(first, { status }), tick);
    await expect(store.create(quickRollout('r2'))).rejects.toThrow(`holds the fleet. ${way}`);
  });

  it('lets exactly one of many creations win', async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `r${index}`);
    const results = await Promise.allSettled(ids.map((id) => store.create(quickRollout(id))));
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('refuses to create the same rollout twice', async () => {
    const rollout = quickRollout('r1');
    await store.create(rollout);
    await store.save(raised(rollout, stoppedAt(2)), tick);
    await expect(store.create(rollout)).rejects.toThrow(/started already/);
    expect((await store.load('r1'))?.status.is).toBe('stopped');
  });

  it('frees the fleet when a rollout is over, and refuses to reopen it once another one holds it', async () => {
    const first = quickRollout('r1');
    await store.create(first);
    const over = raised(first, stoppedAt(2));
    expect(await store.save(over, tick)).toBe(true);
    expect(await store.open()).toBeNull();
    await store.create(quickRollout('r2'));
    await expect(store.save(raised(over, { status: { is: 'running' } }), tick)).rejects.toThrow(/r2.*holds the fleet/);
    expect((await store.load('r1'))?.status.is).toBe('stopped');
    expect((await store.open())?.id).toBe('r2');
  });

  it('reopens a rollout of a free fleet', async () => {
    const first = quickRollout('r1');
    await store.create(first);
    const over = raised(first, stoppedAt(2));
    await store.save(over, tick);
    expect(await store.save(raised(over, { status: { is: 'running' } }), tick)).toBe(true);
    expect((await store.open())?.id).toBe('r1');
  });

  it('refuses to save over what somebody else saved', async () => {
    const rollout = quickRollout('r1');
    await store.create(rollout);
    const results = await Promise.all(Array.from({ length: 20 }, () => store.save(raised(rollout), tick)));
    expect(results.filter(Boolean)).toHaveLength(1);
    expect(await store.journal('r1')).toHaveLength(2);
    expect(await store.save({ ...rollout, revision: 9 }, tick)).toBe(false);
  });

  it('lists the newest rollouts first', async () => {
    for (const [index, id] of ['r1', 'r2', 'r3'].entries()) {
      const rollout = quickRollout(id, { createdAt: 1_000 + index });
      await store.create(rollout);
      await store.save(raised(rollout, stoppedAt(2)), tick);
    }
    expect((await store.latest(2)).map(({ id }) => id)).toEqual(['r3', 'r2']);
    expect(await store.latest(0)).toEqual([]);
  });

  it.each<[string, () => Promise<unknown>]>([
    [
      'names that are no rollouts are put before them',
      () => redis.handle.caller.zadd(keys.rollouts, 9e15, 'r8', 9e15, 'r9'),
    ],
    ['the newest is taken off the list', () => redis.handle.caller.zrem(keys.rollouts, 'r3')],
    ['an older one is put before it', () => redis.handle.caller.zadd(keys.rollouts, 9e15, 'r1')],
    ['the list is gone', () => redis.handle.caller.del(keys.rollouts)],
  ])('knows the newest rollout, which alone goes back, also when %s', async (_what, change) => {
    for (const [index, id] of ['r1', 'r2', 'r3'].entries()) {
      const rollout = quickRollout(id, { createdAt: 1_000 + index });
      await store.create(rollout);
      await store.save(raised(rollout, stoppedAt(2)), { ...tick, at: 2_000 + index });
    }
    await change();
    expect((await store.latest(1)).map(({ id }) => id)).toEqual(['r3']);
    expect(await store.newestIds(1)).toEqual(['r3']);
  });

  it('gives every epoch once, rising, and never below the clock', async () => {
    const now = Date.now();
    const epochs = await Promise.all(Array.from({ length: 50 }, () => store.nextEpoch(now)));
    expect(new Set(epochs).size).toBe(50);
    expect(Math.min(...epochs)).toBe(now);
    const later = await store.nextEpoch(now - 60_000);
    expect(later).toBe(now + 100);
    // Between any two lies the number of the orders to go back that the first leaves on its nodes.
    const sorted = epochs.toSorted((a, b) => a - b);
    expect(sorted.every((epoch, at) => at === 0 || epoch > (sorted[at - 1] ?? 0) + 1)).toBe(true);
    expect(await store.nextEpoch(now + 1_000)).toBe(now + 1_000);
  });

  it('knows the highest number of a run as long as a journal tells of it', async () => {
    expect(await store.lastEpoch()).toBe(0);
    await store.create({ ...quickRollout('r1'), epoch: 41 });
    expect(await store.lastEpoch()).toBe(41);
    await redis.handle.caller.set(keys.epoch, '99');
    expect(await store.lastEpoch()).toBe(41);
    await redis.handle.caller.hset(keys.rollout('r1'), 'body', '{}');
    expect(await store.lastEpoch()).toBe(0);
    await redis.handle.caller.flushall();
    expect(await store.lastEpoch()).toBe(0);
  });

  it('sees a delivery for the first time once, until it forgets it', async () => {
    const seen = await Promise.all(Array.from({ length: 10 }, () => store.firstTime('click', 60_000)));
    expect(seen.filter(Boolean)).toHaveLength(1);
    expect(await store.firstTime('brief', 1)).toBe(true);
    await expect.poll(() => store.firstTime('brief', 1)).toBe(true);
  });

  it('gives a draft away once', async () => {
    const draft = quickRollout('r1');
    await store.saveDraft(draft, 60_000);
    const taken = await Promise.all([store.takeDraft('r1'), store.takeDraft('r1'), store.takeDraft('r1')]);
    expect(taken.filter((each) => each !== null)).toEqual([draft]);
  });

  it('remembers where messages stand', async () => {
    await store.setPosted('r1', 'status', { ts: '1.2', channel: 'C1', content: 'x' });
    await store.setPosted('r1', 'status', { ts: '1.2', channel: 'C1', content: 'y' });
    expect(await store.posted('r1')).toEqual({ status: { ts: '1.2', channel: 'C1', content: 'y' } });
    expect(await store.posted('r2')).toEqual({});
  });

  it('remembers what is still to be painted, until its newest revision is', async () => {
    const first = quickRollout('r1');
    await store.create(first);
    expect(await store.unpainted()).toEqual(['r1']);
    await store.save(raised(first, stoppedAt(2)), tick);
    await store.painted('r1', 1);
    expect(await store.unpainted()).toEqual(['r1']);
    await store.painted('r1', 2);
    expect(await store.unpainted()).toEqual([]);
  });
});

describe('record', () => {
  it('loses none of 50 reports that arrive together', async () => {
    const fleet = fleetOf({}, { perRegion: 50 });
    const rollout = plan(inputOf(fleet, { regions: ['us-east'] }));
    await store.create(rollout);
    const record = recorder(store, async () => undefined);
    const report = { is: 'succeeded', facts: { before: recorded, already: false } } as const;
    const results = await Promise.all(
      Object.values(rollout.nodes).map(({ name: node, attempt }) =>
        record('r1', { type: 'reported', at: 1, run: 1, node, step: 'stage', attempt, report }),
      ),
    );
    const stored = await store.load('r1');
    const journal = await store.journal('r1');
    expect(results.filter(({ changed }) => changed)).toHaveLength(50);
    expect(Object.values(stored?.nodes ?? {}).filter(({ state }) => state.is === 'ready')).toHaveLength(50);
    expect(stored?.revision).toBe(51);
    expect(journal.map(({ revision }) => revision)).toEqual(Array.from({ length: 51 }, (_, index) => index + 1));
    expect(flawsIn('r1', journal)).toEqual([]);
  });

  it('says that a repeated event changed nothing, and wakes nobody for it', async () => {
    await store.create(quickRollout('r1'));
    const woken: string[] = [];
    const record = recorder(store, async (id) => void woken.push(id));
    const event: Event = { type: 'paused', at: 5, by: 'U1' };
    expect(await record('r1', event)).toMatchObject({ changed: true, rollout: { revision: 2 } });
    expect(await record('r1', event)).toMatchObject({ changed: false, rollout: { revision: 2 } });
    expect(woken).toEqual(['r1']);
  });

  it('still wakes when the answer to its own save was lost', async () => {
    await store.create(quickRollout('r1'));
    const woken: string[] = [];
    const forgetful = {
      load: store.load,
      adopt: store.adopt,
      save: async (rollout: Rollout, event: Event) => {
        await store.save(rollout, event);
        return false;
      },
    };
    const record = recorder(forgetful, async (id) => void woken.push(id));
    expect(await record('r1', { type: 'paused', at: 5, by: 'U1' })).toMatchObject({ changed: false });
    expect(woken).toEqual(['r1']);
    expect(await store.journal('r1')).toHaveLength(2);
  });

  it('refuses an unknown rollout', async () => {
    await expect(recorder(store, async () => undefined)('r9', tick)).rejects.toThrow(/There is no rollout r9/);
  });
});

describe('the journal', () => {
  it('shows where a line was altered, moved or taken out', async () => {
    await store.create(quickRollout('r1'));
    const record = recorder(store, async () => undefined);
    for (const at of [1, 2, 3]) await record('r1', { type: at % 2 ? 'paused' : 'resumed', at, by: 'U1' });
    const lines = await store.journal('r1');
    const [first, second, third, fourth] = lines;
    if (!first || !second || !third || !fourth) throw new Error('four lines expected');
    expect(flawsIn('r1', lines)).toEqual([]);
    expect(flawsIn('r2', lines)).toEqual(['line 1 of its journal: it was changed, or the line before it']);
    const changed = 'it was changed, or the line before it';
    expect(flawsIn('r1', [first, { ...second, at: 99 }, third, fourth])).toEqual([`line 2 of its journal: ${changed}`]);
    expect(flawsIn('r1', [first, third, fourth])).toEqual([`line 2 of its journal: ${changed}`]);
    expect(flawsIn('r1', [first, second, fourth, third])).toEqual([`line 3 of its journal: ${changed}`]);
  });
});
