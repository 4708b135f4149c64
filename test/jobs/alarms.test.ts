import type { Redis } from 'ioredis';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { createAlarm } from '../../src/bot/alarm.ts';
import { type Belief, createLedger, createStore, openAnchors, startPublisher } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { recorder } from '../../src/jobs/record.ts';
import type { Sweeping } from '../../src/jobs/sweep.ts';
import { belief } from '../support/belief.ts';
import { eventually, production, quickRollout, silent, systemClock } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

/** What somebody did who writes to Redis as they like: the channel hears of it. */
const rig = makeRig();
const redis = (): Redis => rig.redis.handle.caller;
const keys = keysOf(production);

interface Night {
  sweep: Sweeping['sweep'];
  /** What the channel was told. */
  alarms: string[];
  clock: { at: number };
}

/** A paused rollout and a freeze, which everybody has seen, and a bot that shows them. */
async function night(): Promise<Night> {
  const seen: Belief = { ...belief(), anchors: openAnchors(null) };
  const store = createStore(redis(), production, seen);
  await store.create(quickRollout('r1'));
  await recorder(store, async () => undefined)('r1', { type: 'paused', at: 5, by: 'U1' });
  const span = { regions: null, start: 1, end: 9e12 };
  await createLedger(redis(), production, seen).record({
    ...{ type: 'froze', at: 1, by: 'U1', id: 'f1', reason: 'audit' },
    ...span,
  });
  const alarms: string[] = [];
  const shown: string[] = [];
  const clock = { ...systemClock, at: Date.now(), now: () => clock.at };
  const calls = createAlarm({
    chat: {
      post: async ({ content }) => {
        alarms.push(content.text);
        return '1';
      },
    },
    channel: 'C0',
    log: pino({ level: 'silent' }),
  });
  const { sweep } = rig.closeLater(
    await startPublisher({
      belief: seen,
      redis: rig.redis.handle,
      fleet: production,
      announcer: { show: async ({ id }) => void shown.push(id), repair: async () => undefined, ...calls },
      clock,
      log: silent,
      sweep: never,
    }),
  );
  await eventually(
    async () => shown,
    (all) => all.includes('r1'),
  );
  return { sweep, alarms, clock };
}

/** As often as the bot itself would look again within some minutes. */
async function minutesPass({ sweep, clock }: Night): Promise<void> {
  for (let minute = 0; minute < 3; minute += 1) {
    clock.at += 60_000;
    await sweep();
  }
}

const told = async (here: Night): Promise<string[]> => {
  await minutesPass(here);
  await eventually(
    async () => here.alarms,
    (all) => all.length > 0,
  );
  await minutesPass(here);
  return here.alarms;
};

describe('what is stored and cannot be believed is told the channel, once, with what is wrong', () => {
  const lastLine = async () => JSON.parse((await redis().lindex(keys.journal('r1'), -1)) ?? '{}');
  it.each<[string, () => Promise<unknown>, string, RegExp]>([
    [
      'a rollout that was made to run',
      async () => {
        const body = (await redis().hget(keys.rollout('r1'), 'body')) ?? '';
        await redis().hset(keys.rollout('r1'), 'body', body.replace('"is":"paused"', '"is":"running"'));
      },
      'r1',
      /not what its journal says/,
    ],
    [
      'a line that was added',
      async () => redis().rpush(keys.journal('r1'), JSON.stringify({ ...(await lastLine()), revision: 9 })),
      'r1',
      /last line|line \d/,
    ],
    ['a journal that lost its last line', () => redis().rpop(keys.journal('r1')), 'r1', /last line/],
    ['a rollout that is gone', () => redis().del(keys.rollout('r1'), keys.journal('r1')), 'r1', /not there any more/],
    [
      'a rollout that is gone with all that names it',
      async () => {
        await redis().del(keys.rollout('r1'), keys.journal('r1'));
        await redis().del(keys.rollouts, keys.open, keys.holder, keys.unpainted);
      },
      'r1',
      /not there any more/,
    ],
    [
      'a freeze that was shortened',
      async () => {
        const body = (await redis().hget(keys.ledger, 'body')) ?? '';
        await redis().hset(keys.ledger, 'body', body.replace('9000000000000', '2'));
      },
      'ledger',
      /not what its journal says/,
    ],
    [
      'a rollout that was made up and is in no list, but holds the fleet',
      async () => {
        await redis().copy(keys.rollout('r1'), keys.rollout('r9'));
        await redis().copy(keys.journal('r1'), keys.journal('r9'));
        await redis().set(keys.holder, 'r9');
      },
      'r9',
      /line 1 of its journal/,
    ],
  ])('%s', async (_what, attack, about, why) => {
    const here = await night();
    await minutesPass(here);
    expect(here.alarms).toEqual([]);
    await attack();
    const alarms = await told(here);
    expect(alarms).toHaveLength(1);
    expect(alarms[0]).toContain(`*${about}*`);
    expect(alarms[0]).toMatch(why);
  });
});
