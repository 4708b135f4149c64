import { Queue } from 'bullmq';
import { describe, expect, it } from 'vitest';
import { createStore, type PublisherParts, startPublisher } from '../../src/jobs/index.ts';
import { keysOf, prefixOf } from '../../src/jobs/keys.ts';
import type { Sweeping } from '../../src/jobs/sweep.ts';
import type { Announcer } from '../../src/jobs/types.ts';
import type { Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief } from '../support/belief.ts';
import { eventually, production, quickRollout, silent, systemClock } from './fixtures/parts.ts';
import { done, makeRig, never } from './fixtures/rig.ts';

const rig = makeRig();
const { worker, control } = rig;

describe('publishing', () => {
  const publisher = async (show: Announcer['show'], changes: Partial<PublisherParts> = {}): Promise<Sweeping> => {
    const started = await startPublisher({
      belief: belief('bot'),
      redis: rig.redis.handle,
      fleet: production,
      announcer: {
        show,
        repair: async () => undefined,
        alarm: async () => undefined,
        outrun: async () => undefined,
        refusing: async () => undefined,
      },
      clock: systemClock,
      log: silent,
      sweep: never,
      ...changes,
    });
    return rig.closeLater(started);
  };

  it('ends with the final state and never holds a rollout up, however often it fails', async () => {
    const shown: number[] = [];
    let calls = 0;
    await publisher(async (rollout) => {
      calls += 1;
      if (calls % 2 === 1) throw new Error('channel_not_found');
      shown.push(rollout.revision);
    });
    await worker();
    const { start, store } = control();
    await start(quickRollout('r1'));
    const final = await eventually(() => store.load('r1'), done);
    await eventually(
      async () => shown.at(-1),
      (revision) => revision === final?.revision,
    );
    expect(shown).toEqual([...shown].sort((a, b) => a - b));
  });

  it('waits as long as the chat asks', async () => {
    const calls: number[] = [];
    await publisher(async () => {
      calls.push(performance.now());
      if (calls.length === 1) throw Object.assign(new Error('ratelimited'), { retryAfter: 2 });
    });
    const { start } = control();
    await start(quickRollout('r1'));
    await eventually(
      async () => calls,
      (all) => all.length >= 2,
    );
    expect((calls[1] ?? 0) - (calls[0] ?? 0)).toBeGreaterThan(1_900);
  });

  it('shows how a rollout ended although Slack was away for more than a day and its last wake is lost', async () => {
    const { start, record } = control();
    const clock = { ...systemClock, ahead: 0, now: () => Date.now() + clock.ahead };
    const away = await publisher(() => Promise.reject(new Error('ECONNREFUSED')), { clock });
    await start(quickRollout('r1'));
    await record('r1', { type: 'stopped', at: Date.now(), by: 'U1' });
    const store = createStore(rig.redis.handle.caller, production, belief());
    const queue = new Queue('publish', { connection: rig.redis.handle.caller, prefix: prefixOf(production) });
    await eventually(
      () => queue.getDelayedCount(),
      (count) => count > 0,
    );
    await away.close();
    await queue.obliterate({ force: true });
    clock.ahead = 25 * 3_600_000;
    expect(await store.unpainted()).toEqual(['r1']);
    const shown: string[] = [];
    await publisher(async ({ status }) => void shown.push(status.is), { clock });
    await eventually(
      async () => shown,
      (all) => all.includes('stopped'),
    );
    await eventually(store.unpainted, (ids) => ids.length === 0);
  });

  it('asks on the next working day what came of a night on which windows were overridden, also after a restart', async () => {
    const { start, record } = control();
    const clock = { ...systemClock, ahead: 0, now: () => Date.now() + clock.ahead };
    const shown: number[] = [];
    const show = async () => void shown.push(clock.ahead);
    const first = await publisher(show, { clock });
    const override = { by: 'U1', with: 'U2', reason: 'fire', until: Date.now() + 4 * 3_600_000 };
    await start(quickRollout('r1', { override, startedAt: Date.now() }));
    await record('r1', { type: 'stopped', at: Date.now(), by: 'U1' });
    const store = createStore(rig.redis.handle.caller, production, belief());
    await eventually(
      async () => shown.length,
      (count) => count > 1,
    );
    const before = shown.length;
    for (let i = 0; i < 3; i += 1) await first.sweep();
    await first.close();
    expect(await store.unpainted()).toEqual(['r1']);
    const second = await publisher(show, { clock });
    await eventually(
      async () => shown.length,
      (count) => count > before,
    );
    clock.ahead = 5 * 24 * 3_600_000;
    await second.sweep();
    await eventually(
      async () => shown,
      (all) => all.includes(clock.ahead),
    );
    await eventually(store.unpainted, (ids) => ids.length === 0);
  });

  it('signs into the journal what was really delivered of a notice, once', async () => {
    const notice = { audience: 'channel', kind: 'scheduled', startAt: null, begins: null } as const;
    let calls = 0;
    await publisher(async (_, told) => {
      calls += 1;
      await told?.(notice);
    });
    const { start, store } = control();
    const wanted = { wanted: 48 * 3_600_000, audiences: ['channel'], told: [] };
    await start({ ...quickRollout('r1'), notice: wanted });
    const isTold = (rollout: Rollout | null) => rollout?.notice?.told.length === 1;
    await eventually(() => store.load('r1'), isTold);
    // Being told wakes whoever shows it: that shows it once more, and it is told no second time.
    await eventually(
      async () => calls,
      (count) => count > 1,
    );
    const lines = (await store.journal('r1')).filter(({ event }) => event.type === 'announced');
    expect(lines).toHaveLength(1);
    expect(await createStore(rig.redis.handle.caller, production, belief()).load('r1')).toMatchObject({
      notice: { told: [{ ...notice, at: expect.any(Number) }] },
    });
  });

  it('has the chat looked over at its start, and then once a minute', async () => {
    const clock = { ...systemClock, at: 0, now: () => clock.at };
    const looked: number[] = [];
    const repair = async () => void looked.push(clock.at / 1_000);
    const { sweep } = await publisher(async () => undefined, {
      clock,
      announcer: {
        show: async () => undefined,
        alarm: async () => undefined,
        outrun: async () => undefined,
        refusing: async () => undefined,
        repair,
      },
    });
    for (let seconds = 0; seconds <= 300; seconds += 30) {
      clock.at = seconds * 1_000;
      await sweep();
    }
    expect(looked).toEqual([0, 60, 120, 180, 240, 300]);
  });

  it('calls people when Redis takes no writes, and says so when it does again', async () => {
    const told: (string | null)[] = [];
    const { sweep } = await publisher(async () => undefined, {
      announcer: {
        ...{ show: async () => undefined, alarm: async () => undefined, outrun: async () => undefined },
        ...{ refusing: async (reason) => void told.push(reason), repair: async () => undefined },
      },
    });
    const { start } = control();
    await start(quickRollout('r1'));
    await sweep();
    expect(told).toEqual([]);
    await rig.redis.handle.caller.config('SET', 'maxmemory', 1);
    await sweep();
    await rig.redis.handle.caller.config('SET', 'maxmemory', 0);
    await sweep();
    await sweep();
    expect(told).toEqual([expect.stringMatching(/OOM/), null]);
  });

  it('forgets what it should paint when the rollout is gone', async () => {
    const store = createStore(rig.redis.handle.caller, production, belief());
    await store.create(quickRollout('r1'));
    const keys = keysOf(production);
    await rig.redis.handle.caller.del(keys.rollout('r1'), keys.journal('r1'), keys.open);
    await publisher(async () => undefined);
    await eventually(store.unpainted, (ids) => ids.length === 0);
  });
});
