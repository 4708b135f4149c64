import pino from 'pino';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/base/clock.ts';
import { day, hour, minute } from '../../src/base/duration.ts';
import { createNightPost } from '../../src/bot/nights.ts';
import { controlOver } from '../../src/jobs/control.ts';
import { createLedger, createStore } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { createNights, type NightFound } from '../../src/jobs/nights.ts';
import { basisOf, createSentinel, type Sentinel, type SentinelParts } from '../../src/jobs/sentinel.ts';
import { sealer } from '../../src/trust/index.ts';
import { emptyLedger } from '../../src/upgrade/ledger/index.ts';
import type { LedgerEvent } from '../../src/upgrade/ledger/types.ts';
import type { Fleet, NodeSurvey } from '../../src/upgrade/rollout/types.ts';
import { belief } from '../support/belief.ts';
import { MemoryChat } from '../support/memory-chat.ts';
import { fleetOf, planned } from '../support/rollouts.ts';
import { production, silent } from './fixtures/parts.ts';
import { makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const redis = () => rig.redis.handle.caller;
const keys = keysOf(production);
const fleet: Fleet = { ...fleetOf(), drift: { at: '03:30', snooze: 7 * day } };
const all = fleet.regions.flatMap(({ nodes }) => nodes);
const [record, other, env] = ['a', 'b', 'e'].map((each) => each.repeat(64)) as [string, string, string];
const began = Date.parse('2026-11-30T12:00:00Z');
/** Half past three of the next day in each region, or soon after. */
const nights = {
  'ap-south': '2026-11-30T22:00:00Z',
  'eu-west': '2026-12-01T03:30:00Z',
  'us-east': '2026-12-01T08:30:00Z',
};

let now = began;
const clock: Clock = {
  now: () => now,
  monotonic: () => now,
  // Limits are lifted before they are reached: what is tried here takes no time.
  sleep: (_ms, signal) =>
    new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason))),
};
let looks: string[];
let world: Record<string, Partial<NodeSurvey>>;
let whileLooking: () => Promise<void>;
let chat: MemoryChat;

beforeEach(() => {
  now = began;
  looks = [];
  world = {};
  whileLooking = async () => undefined;
  chat = new MemoryChat();
});

const survey: SentinelParts['survey'] = async ({ name, region }) => {
  looks.push(name);
  await whileLooking();
  const lies = { disk: record, envSha256: env, backups: [] };
  const seen = { node: name, region, version: 'v2.0.0', sha256: record, healthy: true, detail: 'healthy', at: now };
  return { ...seen, unit: 'active/running', held: began - day, lies, ...world[name] };
};
const byHand = { sha256: other, version: 'v9.9.9', lies: { disk: other, envSha256: env, backups: [] } };

function sentinel(more: Partial<SentinelParts> = {}, of = fleet): Sentinel {
  const both = belief();
  return createSentinel({
    fleet: of,
    regions: of.regions.map(({ name }) => name),
    survey,
    nights: createNights(redis(), production, both.notary),
    store: createStore(redis(), production, both),
    ledger: createLedger(redis(), production, both),
    tidy: async () => undefined,
    clock,
    log: silent,
    ...more,
  });
}

const controlNow = () =>
  controlOver({
    redis: redis(),
    queues: rig.queues(),
    fleet: production,
    belief: belief(),
    issue: async () => undefined,
    clock,
    log: silent,
  });
const poster = () =>
  createNightPost({
    ...{ chat, channel: 'C0', control: controlNow(), fleet, sealer: sealer('k'.repeat(32)), clock },
    log: pino({ level: 'silent' }),
  });

it.each([
  [7, 9],
  [9, 7],
])('a run is known that either Redis (%i) or an adopted ledger (%i) knows', async (redisKnows, adopted) => {
  const store = {
    openIds: async () => [],
    load: async () => null,
    latest: async () => [],
    lastEpoch: async () => redisKnows,
  };
  const ledger = { load: async () => ({ ...emptyLedger, epoch: adopted }) };
  expect((await basisOf([], { store, ledger }, true)).known).toBe(9);
});

const said = (event: LedgerEvent) => createLedger(redis(), production, belief()).record(event);
const recordAll = async (at = began - day) => {
  const what = { version: 'v2.0.0', sha256: record, envSha256: env };
  await createStore(redis(), production, belief()).create({
    ...planned({}, { id: 'r1', epoch: began - day, now: at - 1 }),
    status: { is: 'done', at },
  });
  await said({ type: 'left', at, rollout: 'r1', nodes: Object.fromEntries(all.map(({ name }) => [name, what])) });
};
const found = (region = 'us-east') => createNights(redis(), production, belief().notary).of([region]);
const until = async (to: string | number, step: () => Promise<void>, every = 30 * minute) => {
  const end = typeof to === 'string' ? Date.parse(to) : to;
  for (; now < end; now = Math.min(end, now + every)) await step();
  await step();
};

describe('the nights of a fleet', () => {
  it('are silent for thirty of them when nothing drifts: nobody is told, and nothing that is kept grows', async () => {
    await recordAll();
    const guard = sentinel();
    const post = poster();
    const step = async () => {
      guard.tick();
      await guard.settled();
      await post();
    };
    const kept = async () => {
      const sizes = await Promise.all(
        (await redis().keys('*')).sort().map(async (key) => [key, (await redis().dumpBuffer(key))?.length]),
      );
      const lengths = [keys.ledgerJournal, keys.notesJournal, keys.journal('r1')].map((key) => redis().llen(key));
      return {
        keys: sizes.map(([key]) => key),
        lengths: await Promise.all(lengths),
        drift: await redis().hlen(keys.drift),
      };
    };
    await until(began + day, step, 100 * minute);
    const first = await kept();
    expect(first.drift).toBe(3);
    await until(began + 30 * day, step, 100 * minute);
    expect(await kept()).toEqual(first);
    expect(chat.messages).toEqual([]);
    for (const { name } of all) expect(looks.filter((each) => each === name)).toHaveLength(30);
  });

  it('begin at their hour in each region, and at no other', async () => {
    await recordAll();
    const guard = sentinel();
    for (const [region, at] of Object.entries(nights)) {
      now = Date.parse(at) - 1;
      guard.tick();
      await guard.settled();
      const before = looks.length;
      now += 1;
      guard.tick();
      await guard.settled();
      expect(new Set(looks.slice(before))).toEqual(
        new Set(all.filter((each) => each.region === region).map(({ name }) => name)),
      );
    }
    expect(looks).toHaveLength(9);
  });

  it('are left out where no worker lived in time, and by who serves another region', async () => {
    await recordAll();
    now = Date.parse(nights['us-east']) + 2 * hour + 1;
    const guard = sentinel();
    guard.tick();
    await guard.settled();
    expect(looks).toEqual([]);
    now -= 1;
    const elsewhere = sentinel({ regions: ['eu-west'] });
    elsewhere.tick();
    await elsewhere.settled();
    expect(looks).toEqual([]);
  });

  it('end with a clean-up of what is as recorded, and of nothing else, once; also where nobody wants to be told', async () => {
    await recordAll();
    world = { 'us-east-op-1': byHand, 'us-east-op-2': { unit: null, sha256: null } };
    const tidied: string[][] = [];
    const tidy: SentinelParts['tidy'] = async (seen) => void tidied.push(seen.map(({ node }) => node));
    now = Date.parse(nights['us-east']);
    const aftercare = { stable: 14 * day, keep: 2 };
    for (const of of [
      { ...fleet, aftercare },
      { ...fleet, aftercare, drift: { at: null, snooze: day } },
    ]) {
      const guard = sentinel({ tidy }, of);
      for (let sweeps = 0; sweeps < 3; sweeps++) {
        guard.tick();
        await guard.settled();
        now += minute;
      }
    }
    expect(tidied).toEqual([['us-east-op-3'], ['us-east-op-3']]);
    const [{ nodes } = { nodes: [] }] = await found();
    expect(nodes).toHaveLength(2);
  });

  it('are not looked at without a setting', async () => {
    await recordAll();
    now = Date.parse(nights['us-east']);
    for (const drift of [undefined, { at: null, snooze: day }]) {
      const guard = sentinel({}, { ...fleetOf(), ...(drift === undefined ? {} : { drift }) });
      guard.tick();
      await guard.settled();
    }
    expect(looks).toEqual([]);
  });
});

describe('a node that is not as recorded', () => {
  const night = async (guard = sentinel(), at: string | number = nights['us-east']) => {
    now = typeof at === 'string' ? Date.parse(at) : at;
    guard.tick();
    await guard.settled();
  };

  it('is told once, whoever dies where, and not again while it is snoozed and stays so', async () => {
    await recordAll();
    world['us-east-op-2'] = byHand;
    await night();
    for (let restarts = 0; restarts < 3; restarts++) {
      await night();
      const post = poster();
      await post();
      await post();
    }
    expect(looks).toHaveLength(3);
    expect(chat.messages).toHaveLength(1);
    expect(chat.messages[0]?.text).toMatch(
      /us-east-op-2: \*changed by hand\*\. v9\.9\.9 .* runs, and lies there; v2\.0\.0 .* was left there by r1/,
    );
    expect(chat.edits).toBe(0);
    const [{ nodes: [told] = [] } = { nodes: [] }] = await found();
    await said({
      type: 'snoozed',
      at: now + 1,
      by: 'U1',
      node: 'us-east-op-2',
      as: told?.as ?? '',
      until: now + 7 * day,
    });
    await poster()();
    expect(chat.messages).toHaveLength(1);
    expect(chat.messages[0]?.text).toMatch(/^No drift is left of that night[\s\S]*us-east-op-2: snoozed by <@U1>/);
    for (let later = 1; later <= 6; later++) {
      await night(sentinel(), Date.parse(nights['us-east']) + later * day);
      await poster()();
    }
    expect(chat.messages).toHaveLength(1);
    world['us-east-op-2'] = { ...byHand, sha256: record };
    await night(sentinel(), Date.parse(nights['us-east']) + 6.04 * day);
    expect(chat.messages).toHaveLength(1);
    await night(sentinel(), Date.parse(nights['us-east']) + 7 * day);
    await poster()();
    expect(chat.messages).toHaveLength(2);
    expect(chat.messages[1]?.text).toMatch(/the next restart would run another binary/);
  });

  it('is found by the next worker when one ends in the middle of its look', async () => {
    await recordAll();
    world['us-east-op-2'] = byHand;
    const first = sentinel();
    let closed: Promise<void> | null = null;
    whileLooking = async () => {
      closed ??= first.close();
    };
    await night(first);
    await closed;
    expect(await found()).toEqual([]);
    whileLooking = async () => undefined;
    await night();
    expect(await found()).toMatchObject([{ night: '2026-12-01', looked: 3, nodes: [{ node: 'us-east-op-2' }] }]);
  });

  it('is posted once although the bot ends between the post and its note', async () => {
    await recordAll();
    world['us-east-op-2'] = byHand;
    await night();
    const dies = controlNow();
    const setPosted = dies.store.setPosted;
    chat.posted = () => {
      dies.store.setPosted = async () => Promise.reject(new Error('it ended'));
    };
    const parts = { chat, channel: 'C0', control: dies, fleet, sealer: sealer('k'.repeat(32)), clock };
    await expect(createNightPost({ ...parts, log: pino({ level: 'silent' }) })()).rejects.toThrow('it ended');
    dies.store.setPosted = setPosted;
    expect(chat.messages).toHaveLength(1);
    const post = poster();
    await post();
    await post();
    expect(chat.messages).toHaveLength(1);
  });

  it('is told of every region in the one message of its night, and of another night in another, which takes the buttons from the first', async () => {
    await recordAll();
    world = { 'us-east-op-2': byHand, 'ap-south-op-1': byHand };
    const guard = sentinel();
    const post = poster();
    const step = async () => {
      guard.tick();
      await guard.settled();
      await post();
    };
    await until('2026-12-01T09:00:00Z', step);
    expect(chat.messages).toHaveLength(1);
    expect(chat.messages[0]?.text).toMatch(
      /ap-south-op-1: \*changed[\s\S]*us-east-op-2: \*changed|us-east-op-2: \*changed[\s\S]*ap-south-op-1: \*changed/,
    );
    await until('2026-12-02T09:00:00Z', step);
    expect(chat.messages).toHaveLength(2);
    expect(JSON.stringify(chat.messages[0]?.blocks)).not.toContain('zw:recover');
    expect(chat.messages[0]?.text).toMatch(/That night is over/);
    expect(JSON.stringify(chat.messages[1]?.blocks)).toContain('zw:recover:us-east-op-2');
    await until('2026-12-05T09:00:00Z', step);
    expect(chat.messages).toHaveLength(5);
    expect(Object.keys(await createStore(redis(), production, belief()).posted('drift'))).toHaveLength(2);
  });

  it('is judged by nobody while a rollout is at it, also when that was begun during the look', async () => {
    await recordAll();
    world = { 'us-east-op-1': byHand, 'us-east-op-2': byHand };
    const rollout = planned({}, { id: 'r2', epoch: began, now: began });
    const first = rollout.nodes['us-east-op-1'];
    if (first === undefined) throw new Error('no node');
    const store = createStore(redis(), production, belief());
    whileLooking = async () => {
      if ((await store.openIds()).length > 0) return;
      await store
        .create({ ...rollout, nodes: { ...rollout.nodes, 'us-east-op-1': { ...first, touched: true } } })
        .catch(() => undefined);
    };
    await night();
    expect(await found()).toMatchObject([{ looked: 3, nodes: [{ node: 'us-east-op-2' }] }]);
  });

  it('is judged by nobody that a rollout was still at when the look began', async () => {
    await recordAll();
    world['us-east-op-1'] = byHand;
    const rollout = planned({}, { id: 'r2', epoch: began, now: began });
    const first = rollout.nodes['us-east-op-1'];
    if (first === undefined) throw new Error('no node');
    const store = createStore(redis(), production, belief());
    await store.create({ ...rollout, nodes: { ...rollout.nodes, 'us-east-op-1': { ...first, touched: true } } });
    whileLooking = async () => void (await controlNow().record('r2', { type: 'stopped', at: now, by: 'U1' }));
    await night();
    expect(await store.openIds()).toEqual([]);
    expect(await found()).toMatchObject([{ looked: 3, nodes: [] }]);
    whileLooking = async () => undefined;
    await night(sentinel(), now + day);
    expect(await found()).toMatchObject([
      { nodes: [{ node: 'us-east-op-1', found: { binary: 'both', unproven: 'r2' } }] },
    ]);
  });

  it('is told as what it is: not seen, or of a run that nobody knows', async () => {
    await recordAll();
    world = {
      'us-east-op-1': { unit: null, sha256: null, detail: 'ssh: connection refused' },
      'us-east-op-2': { ...byHand, held: began + day },
    };
    await night();
    await poster()();
    expect(chat.messages.map(({ text }) => text)).toEqual([
      expect.stringMatching(
        /^2 nodes could not be compared[\s\S]*us-east-op-1: \*not seen\*\. ssh: connection refused[\s\S]*us-east-op-2: \*changed by a run that is not known here\*/,
      ),
    ]);
    expect(JSON.stringify(chat.messages[0]?.blocks)).not.toContain('zw:');
    expect(looks.filter((each) => each === 'us-east-op-1')).toHaveLength(2);
  });

  it('is not one that only kept silent for a moment', async () => {
    await recordAll();
    let silent = true;
    world['us-east-op-1'] = { unit: null, sha256: null };
    whileLooking = async () => {
      if (looks.filter((each) => each === 'us-east-op-1').length > 1 && silent) {
        silent = false;
        delete world['us-east-op-1'];
      }
    };
    await night();
    expect(await found()).toMatchObject([{ nodes: [] }]);
  });
});

describe('whoever writes to Redis', () => {
  const night = async (guard = sentinel(), later = 0) => {
    now = Date.parse(nights['us-east']) + later;
    guard.tick();
    await guard.settled();
  };
  const finding: NightFound = {
    region: 'us-east',
    night: '2026-12-01',
    at: Date.parse(nights['us-east']),
    looked: 3,
    nodes: [
      { node: 'us-east-op-1', found: { is: 'unseen', why: 'x' }, as: 'x', version: null, sha256: null, disk: null },
    ],
  };

  it("says nothing in the place of a worker: not unsigned, not with a bot's key, not of another region", async () => {
    await recordAll();
    now = finding.at + minute;
    const forged = createNights(redis(), production, {
      ...belief('bot').notary,
      sign: (text) => belief('bot').notary.sign(text, ['decisions']),
    });
    await forged.keep(finding);
    expect(await found()).toEqual([]);
    await redis().hset(keys.drift, 'us-east', JSON.stringify({ found: finding, key: '', signature: '' }));
    expect(await found()).toEqual([]);
    await redis().hset(keys.drift, 'us-east', '{');
    expect(await found()).toEqual([]);
    const right = createNights(redis(), production, belief().notary);
    await right.keep(finding);
    expect(await found()).toEqual([finding]);
    await redis().hset(keys.drift, 'eu-west', (await redis().hget(keys.drift, 'us-east')) ?? '');
    expect(await found('eu-west')).toEqual([]);
    const changed = (await redis().hget(keys.drift, 'us-east'))?.replace('us-east-op-1', 'us-east-op-2') ?? '';
    await redis().hset(keys.drift, 'us-east', changed);
    expect(await found()).toEqual([]);
    await poster()();
    expect(chat.messages).toEqual([]);
  });

  it('keeps no night from being looked at by putting an older one there', async () => {
    await recordAll();
    await night();
    const old = (await redis().hget(keys.drift, 'us-east')) ?? '';
    world['us-east-op-2'] = byHand;
    await redis().hset(keys.drift, 'us-east', old);
    await night(sentinel(), day);
    expect(await found()).toMatchObject([{ night: '2026-12-02', nodes: [{ node: 'us-east-op-2' }] }]);
  });

  it('takes no night away unnoticed: a region that was not looked at is told, once it should have been', async () => {
    await recordAll();
    const post = poster();
    const guard = sentinel();
    const step = async () => {
      guard.tick();
      await guard.settled();
      await redis().hdel(keys.drift, 'us-east');
      await post();
    };
    await until('2026-12-01T10:30:00Z', step);
    expect(chat.messages).toEqual([]);
    await until('2026-12-01T11:00:00Z', step);
    expect(chat.messages.map(({ text }) => text)).toEqual([expect.stringMatching(/us-east was not looked at/)]);
    // Whoever begins later does not know whether it was.
    chat.messages.splice(0);
    await redis().del(keys.posted('drift'));
    await poster()();
    expect(chat.messages).toEqual([]);
  });

  it('makes nobody claim anything by emptying it, or by changing the ledger', async () => {
    await recordAll();
    world = Object.fromEntries(all.map(({ name }) => [name, byHand]));
    await redis().flushall();
    await night();
    expect(await found()).toMatchObject([{ looked: 3, nodes: [] }]);
    await poster()();
    expect(chat.messages).toEqual([]);
    await recordAll();
    await redis().hset(keys.ledger, 'body', '{"format":1,"ledger":{}}');
    looks = [];
    await night(sentinel(), day);
    expect(looks).toEqual([]);
    await expect(poster()()).rejects.toThrow();
    expect(chat.messages).toEqual([]);
  });
});
