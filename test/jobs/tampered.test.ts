import { createHash, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import {
  type Belief,
  bringOver,
  type ChainedEntry,
  createLedger,
  createStore,
  openAnchors,
  startPublisher,
  Tampered,
} from '../../src/jobs/index.ts';
import { meaning } from '../../src/jobs/journal.ts';
import { keysOf, prefixOf } from '../../src/jobs/keys.ts';
import { recorder } from '../../src/jobs/record.ts';
import { Newer } from '../../src/jobs/replay.ts';
import { ticker } from '../../src/jobs/tick.ts';
import { canonical } from '../../src/trust/index.ts';
import { format, todo, turns } from '../../src/upgrade/rollout/index.ts';
import { undoOf } from '../../src/upgrade/rollout/traits.ts';
import type { NodeRun, Rollout } from '../../src/upgrade/rollout/types.ts';
import { belief, testKey } from '../support/belief.ts';
import { random } from '../support/random.ts';
import { recorded } from '../support/rollouts.ts';
import { writeFormer } from './fixtures/former-layout.ts';
import { effects, eventually, production, quickRollout, silent, systemClock } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

/** What somebody can do who writes to Redis as they like. Whatever it is, no node may notice. */
const rig = makeRig();
const redis = (): Redis => rig.redis.handle.caller;
const keys = keysOf(production);
const asWeAre = (): Belief => ({ ...belief(), anchors: openAnchors(null) });
const storeOf = (who: Belief) => createStore(redis(), production, who);
const wakeNobody = async () => undefined;

/** A rollout that waits, paused, with some lines in its journal. */
async function paused(id: string, who: Belief = asWeAre()): Promise<Rollout> {
  const store = storeOf(who);
  await store.create(quickRollout(id));
  const record = recorder(store, wakeNobody);
  await record(id, { type: 'paused', at: 5, by: 'U1' });
  await record(id, { type: 'resumed', at: 6, by: 'U1' });
  const { rollout } = await record(id, { type: 'paused', at: 7, by: 'U1' });
  return rollout;
}

const lines = async (id: string): Promise<ChainedEntry[]> =>
  (await redis().lrange(keys.journal(id), 0, -1)).map((line) => JSON.parse(line));
async function putLines(id: string, all: object[]): Promise<void> {
  await redis().del(keys.journal(id));
  await redis().rpush(keys.journal(id), ...all.map((line) => JSON.stringify(line)));
}
async function putBody(id: string, change: (rollout: Rollout) => Rollout): Promise<void> {
  const { format, rollout } = JSON.parse((await redis().hget(keys.rollout(id), 'body')) ?? '');
  await redis().hset(keys.rollout(id), 'body', JSON.stringify({ format, rollout: change(rollout) }));
}
const running = (rollout: Rollout): Rollout => ({ ...rollout, status: { is: 'running' } });

/** A line as we would write it, but for the key. */
function forged(
  id: string,
  previous: string,
  revision: number,
  event: object,
  signer = 'mallory',
  meaning?: number,
): object {
  const text = canonical({ fleet: production, journal: id, previous, at: 9, revision, event, meaning });
  const hash = createHash('sha256').update(text).digest('hex');
  const key = testKey(signer);
  return {
    at: 9,
    revision,
    event,
    meaning,
    hash,
    key: key.id,
    signature: sign(null, Buffer.from(hash), key.private).toString('base64'),
  };
}

/** Adds a line and what follows from it, as a program of ours would. */
async function append(id: string, event: object, signer: string, change: (rollout: Rollout) => Rollout): Promise<void> {
  const last = (await lines(id)).at(-1);
  if (!last) throw new Error('no line');
  const line = forged(id, last.hash, last.revision + 1, event, signer) as ChainedEntry;
  await redis().rpush(keys.journal(id), JSON.stringify(line));
  await putBody(id, (rollout) => ({ ...change(rollout), revision: last.revision + 1 }));
  await redis().hset(keys.rollout(id), 'revision', last.revision + 1, 'hash', line.hash);
}

/** A rollout as 0.1.0 stored it, in which a node is about to be switched, another was, and all is decided. */
function madeUp(): Rollout {
  const rollout = quickRollout('r1');
  const of = (name: string) => rollout.nodes[name] as NodeRun;
  const [one, two] = [of('us-east-op-1'), of('us-east-op-2')];
  const turn = turns(rollout)[0]?.id ?? '';
  const trying = { failures: 0, unknowns: 0, notBefore: 0, since: null, lastReason: null };
  const foreign = { what: 'binary' as const, sha256: 'f'.repeat(64), version: null };
  const nodes = {
    ...rollout.nodes,
    [one.name]: {
      ...one,
      ...{ before: recorded, touched: true, decided: { foreign, as: 'replace' as const, by: 'U1' } },
      state: {
        is: 'working' as const,
        direction: 'forward' as const,
        phase: turn,
        index: 1,
        step: 'switch' as const,
        ...trying,
      },
    },
    [two.name]: {
      ...two,
      before: recorded,
      touched: true,
      touchedAt: 1,
      state: { is: 'done' as const, at: 1, already: false },
    },
  };
  return { ...rollout, nodes };
}

const resumed = { type: 'resumed', at: 9, by: 'U1' };

/** A journal as a version wrote it that did not sign, with a hash that fits, and what it would have stored beside it. */
async function putUnsigned(revision: number): Promise<void> {
  const at = { at: 1, revision, event: { type: 'created', at: 1, by: 'U1' } };
  const hash = createHash('sha256')
    .update(`r1\n${JSON.stringify(at)}`)
    .digest('hex');
  await putLines('r1', [{ ...at, hash }]);
  await putBody('r1', (r) => ({ ...running(r), revision }));
  await redis().hset(keys.rollout('r1'), 'revision', revision, 'hash', hash, 'whole', 0);
}

const attacks: [string, () => Promise<unknown>, RegExp][] = [
  ['the stored rollout is edited', () => putBody('r1', running), /not what its journal says/],
  [
    'the unit that is restarted is another one',
    () => putBody('r1', (r) => ({ ...r, service: { ...r.service, unit: 'sshd', binary: '/usr/bin/sudo' } })),
    /not what its journal says/,
  ],
  [
    'a line is added that nobody signed',
    () => append('r1', resumed, 'mallory', running),
    /a key that the settings do not name/,
  ],
  ['a worker decides', () => append('r1', resumed, 'worker', running), /whose key may not say that/],
  [
    'a worker says no in the name of an approver',
    () =>
      append(
        'r1',
        { type: 'declined', at: 9, by: 'U1', phase: 'approval/eu-west', reason: null },
        'worker',
        (rollout) => rollout,
      ),
    /whose key may not say that/,
  ],
  [
    'a worker says that a person has it',
    () => append('r1', { type: 'taken-on', at: 9, by: 'U1', waits: ['held.1'] }, 'worker', (rollout) => rollout),
    /whose key may not say that/,
  ],
  [
    'a worker ticks in the name of a person',
    () => append('r1', { type: 'item-ticked', at: 9, by: 'U1', item: 'before.1' }, 'worker', (rollout) => rollout),
    /whose key may not say that/,
  ],
  [
    'a worker takes the tick of a person back',
    () => append('r1', { type: 'item-unticked', at: 9, by: 'U1', item: 'before.1' }, 'worker', (rollout) => rollout),
    /whose key may not say that/,
  ],
  [
    'a worker says who writes down what went wrong',
    () => append('r1', { type: 'owned', at: 9, by: 'U1' }, 'worker', (rollout) => rollout),
    /whose key may not say that/,
  ],
  [
    'a bot reports what no worker did',
    () =>
      append(
        'r1',
        { type: 'begun', at: 9, run: 1, node: 'us-east-op-1', step: 'stage', attempt: 1 },
        'bot',
        (rollout) => rollout,
      ),
    /whose key may not say that/,
  ],
  ['the last line is taken away', async () => putLines('r1', (await lines('r1')).slice(0, -1)), /its last line/],
  [
    'all is put back to the line before',
    async () => {
      const before = (await lines('r1')).slice(0, -1);
      await putLines('r1', before);
      await putBody('r1', (r) => ({ ...running(r), revision: r.revision - 1 }));
      await redis().hset(
        keys.rollout('r1'),
        'revision',
        before.at(-1)?.revision ?? 0,
        'hash',
        before.at(-1)?.hash ?? '',
      );
    },
    /it was put back|is not what its journal says/,
  ],
  ['all but its journal is deleted', () => redis().del(keys.rollout('r1')), /stored beside its journal is gone/],
  ['the journal is emptied', () => redis().del(keys.journal('r1')), /journal/],
  [
    'another rollout takes its place',
    async () => {
      await redis().rename(keys.journal('r2'), keys.journal('r1'));
      await redis().rename(keys.rollout('r2'), keys.rollout('r1'));
    },
    /about r2|not the one|line \d of its journal|it was put back|last line/,
  ],
  [
    'its journal is as of a version that did not sign',
    () => putUnsigned(4),
    /nobody signed its journal; this process has seen it signed|last line/,
  ],
  [
    'its journal is as of a version that did not sign, with a number that nobody has seen',
    () => putUnsigned(100),
    /nobody signed its journal; this process has seen it signed|last line/,
  ],
  ['it is of another fleet', () => putBody('r1', (r) => ({ ...r, fleet: 'other' })), /not what its journal says/],
  ['it is no JSON', () => redis().hset(keys.rollout('r1'), 'body', 'gone'), /cannot be read/],
  [
    'it is as of a version to come',
    async () => {
      const body = JSON.parse((await redis().hget(keys.rollout('r1'), 'body')) ?? '');
      await redis().hset(keys.rollout('r1'), 'body', JSON.stringify({ ...body, format: 99 }));
    },
    /cannot be read/,
  ],
  ...['null', '7', '{}', '[]', '{"event":null}', '{"at":1,"revision":5,"event":{},"hash":"x"}'].map(
    (line): [string, () => Promise<unknown>, RegExp] => [
      `its last line is ${line}`,
      () => redis().rpush(keys.journal('r1'), line),
      /a line of its journal is no line|last line/,
    ],
  ),
  [
    'somebody adopts with a key of their own',
    async () => {
      const last = (await lines('r1')).at(-1);
      const { rollout } = JSON.parse((await redis().hget(keys.rollout('r1'), 'body')) ?? '');
      const adopted = { ...running(rollout), revision: 5 };
      const event = { type: 'adopted', at: 9, by: 'U1', format: 2, rollout: adopted, previous: last?.hash };
      await append('r1', event, 'mallory', running);
      await redis().hset(keys.rollout('r1'), 'whole', 4);
    },
    /a key that the settings do not name/,
  ],
];

describe('whoever writes to Redis', () => {
  it.each(attacks)(
    'and sees to it that %s is found out, by who has seen it before and by who begins anew',
    async (_what, attack, why) => {
      const seen = asWeAre();
      await paused('r1', seen);
      await redis().del(keys.holder);
      await paused('r2');
      const warm = storeOf(seen);
      expect((await warm.load('r1'))?.status.is).toBe('paused');
      await attack();
      for (const store of [warm, storeOf(seen)]) await expect(store.load('r1')).rejects.toThrow(why);
      await expect(recorder(warm, wakeNobody)('r1', { type: 'stopped', at: 9, by: 'U1' })).rejects.toThrow(Tampered);
    },
  );

  it('moves no node: a job for a step, and the rollout made to want it', async () => {
    const rollout = await paused('r1');
    await putBody('r1', running);
    const wanted = todo({ ...rollout, status: { is: 'running' } }, Date.now());
    expect(wanted.length).toBeGreaterThan(0);
    const worker = await rig.worker({ sweep: never });
    const queues = rig.queues();
    for (const task of wanted) {
      const job = await queues.step(task.region).add(task.step, { task }, { jobId: task.id });
      for (let left = 100; left > 0 && !(await job.isFailed()) && !(await job.isCompleted()); left -= 1)
        await pause(50);
    }
    await worker.sweep();
    expect(await effects(redis())).toEqual([]);
    expect((await lines('r1')).length).toBe(4);
  });

  it.each([
    ['stopped', { type: 'stopped', at: 9, by: 'cli:root' }],
    [
      'rolled back',
      { type: 'rollback-asked', at: 9, by: 'U9', scope: { is: 'node', node: 'us-east-op-2' }, epoch: 10 },
    ],
  ] as const)('goes nowhere forward when what it made up, of a version that did not sign, is %s', async (_, event) => {
    await writeFormer(redis(), madeUp());
    await bringOver(redis(), production, silent);
    const store = storeOf(asWeAre());
    const record = recorder(store, wakeNobody);
    const { rollout } = await record('r1', event);
    const steps = todo(rollout, 1e14).map(({ step }) => step);
    expect(steps.filter((step) => !['watch', 'prove', ...undoOf(['switch'])].includes(step))).toEqual([]);
    expect(Object.values(rollout.nodes).every(({ decided }) => decided === null)).toBe(true);
    for (const decision of [
      { type: 'retried', at: 10, by: 'U1', epoch: 11 },
      { type: 'resumed', at: 10, by: 'U1' },
      { type: 'approved', at: 10, by: 'U1', phase: 'approval/eu-west' },
    ] as const) {
      await expect(record('r1', decision)).rejects.toThrow(/Nobody signed what led to r1.*adopt r1/);
    }
    await store.adopt('r1', 'U-ana', 20);
    expect((await store.load('r1'))?.onlyBack).toBeUndefined();
  });

  it('cannot change a plan between its preview and its start', async () => {
    const store = storeOf(asWeAre());
    await store.saveDraft(quickRollout('p1'), 60_000);
    const draft = JSON.parse((await redis().get(keys.draft('p1'))) ?? '');
    await redis().set(keys.draft('p1'), JSON.stringify({ ...draft, body: draft.body.replace('v2.0.0', 'v6.6.6') }));
    await expect(store.takeDraft('p1')).rejects.toThrow(/the plan that was shown: its signature is wrong/);
  });

  it('lifts no freeze', async () => {
    const seen = asWeAre();
    const ledger = createLedger(redis(), production, seen);
    const froze = {
      type: 'froze',
      at: 1,
      by: 'U1',
      id: 'f1',
      regions: null,
      start: 1,
      end: 9e12,
      reason: 'audit',
    } as const;
    await ledger.record(froze);
    const body = (await redis().hget(keys.ledger, 'body')) ?? '';
    await redis().hset(keys.ledger, 'body', body.replace('9000000000000', '2'));
    await expect(ledger.load()).rejects.toThrow(/not what its journal says/);
    await redis().del(keys.ledger, keys.ledgerJournal);
    await expect(ledger.load()).rejects.toThrow(Tampered);
    await expect(createLedger(redis(), production, seen).load()).rejects.toThrow(/it was put back to line 0/);
  });

  it('lifts none with an adoption of the ledger that was put there again', async () => {
    const seen = asWeAre();
    const ledger = createLedger(redis(), production, seen);
    const froze = (id: string, at: number) =>
      ({ type: 'froze', at, by: 'U1', id, regions: null, start: 1, end: 9e12, reason: 'audit' }) as const;
    await ledger.record(froze('f1', 1));
    await ledger.adopt('U-ana', 20, { first: 'U-bo' });
    const was = await redis().hgetall(keys.ledger);
    const [adoption = ''] = await redis().lrange(keys.ledgerJournal, -1, -1);
    await ledger.record(froze('f2', 30));
    await redis().rpush(keys.ledgerJournal, adoption);
    await redis().hset(keys.ledger, was);
    await expect(ledger.load()).rejects.toThrow(/put back to line 2; this process has seen 3/);
    expect((await ledger.adopt('U-ana', 40, { first: 'U-bo' })).freezes.map(({ id }) => id)).toEqual(['f1', 'f2']);
  });

  it('changes nothing in 1,000 seeded ways', async () => {
    const seen = asWeAre();
    const sound = await paused('r1', seen);
    const was = {
      body: await redis().hgetall(keys.rollout('r1')),
      lines: await redis().lrange(keys.journal('r1'), 0, -1),
    };
    const pick = random(Number(process.env.SEED ?? 4711));
    const below = (most: number) => Math.floor(pick() * most);
    const bent = (text: string): string => {
      const at = below(text.length);
      const other = String.fromCharCode(32 + below(95));
      return pick() < 0.5
        ? text.slice(0, at) + other + text.slice(at + 1)
        : text.slice(0, at) + text.slice(at + 1 + below(20));
    };
    let refused = 0;
    for (let run = 0; run < 1_000; run += 1) {
      const all = [...was.lines];
      const fields = { ...was.body };
      const [one, two] = [below(all.length), below(all.length)];
      const field = ['body', 'revision', 'hash', 'whole'][below(4)] ?? '';
      const ways = [
        () => all.splice(one, 1, bent(all[one] ?? '')),
        () => all.splice(one, 1),
        () => all.splice(one, 0, all[two] ?? ''),
        () => all.splice(one, 1, all[two] ?? ''),
        () => Object.assign(fields, { [field]: bent(fields[field] ?? '') }),
        () => Object.assign(fields, { [field]: String(below(9)) }),
      ];
      for (let times = 1 + below(2); times > 0; times -= 1) ways[below(ways.length)]?.();
      await redis().del(keys.rollout('r1'), keys.journal('r1'));
      await redis().hset(keys.rollout('r1'), fields);
      if (all.length > 0) await redis().rpush(keys.journal('r1'), ...all);
      const found = await storeOf(seen)
        .load('r1')
        .catch((error: unknown) => error);
      // What was changed did not matter, or nobody believes it.
      if (found instanceof Tampered) refused += 1;
      else expect(found, `SEED, run ${run}`).toEqual(JSON.parse(JSON.stringify(sound)));
    }
    expect(refused).toBeGreaterThan(800);
  });
});

describe('what a newer version wrote', () => {
  const adopted = async (event: object, signer: string, meaning: number): Promise<void> => {
    await paused('r1');
    const last = (await lines('r1')).at(-1);
    const line = forged('r1', last?.hash ?? '', 5, event, signer, meaning) as ChainedEntry;
    await redis().rpush(keys.journal('r1'), JSON.stringify(line));
    await redis().hset(
      keys.rollout('r1'),
      'revision',
      5,
      'hash',
      line.hash,
      'body',
      `{"format":${format + 1},"rollout":{}}`,
    );
  };

  it.each(['bot', 'worker'])('and a %s signed is waited for without an alarm', async (signer) => {
    await adopted({ type: 'said for the first time', at: 9 }, signer, meaning + 1);
    const found = await storeOf(asWeAre())
      .load('r1')
      .catch((error: unknown) => error);
    expect(found).toBeInstanceOf(Newer);
    expect(String(found)).toMatch(/A newer version of zeitwork went on with r1; this one waits/);
  });

  it('is known by its number: what is stored in a new format has lines of a new meaning', () => {
    // Raise both, or a program of before takes what this one stored for forged.
    expect({ format, meaning }).toEqual({ format: 3, meaning: 2 });
  });

  it('is not believed to be that when nobody signed it whose word counts', async () => {
    await adopted({ type: 'said for the first time', at: 9 }, 'mallory', meaning + 1);
    await expect(storeOf(asWeAre()).load('r1')).rejects.toThrow(Tampered);
  });

  it('is told by a bot that cannot follow, when its own update does not come soon', async () => {
    await adopted({ type: 'said for the first time', at: 9 }, 'worker', meaning + 1);
    const clock = { ...systemClock, at: 0, now: () => clock.at };
    const told: string[] = [];
    const alarms: string[] = [];
    const { sweep } = rig.closeLater(
      await startPublisher({
        belief: asWeAre(),
        redis: rig.redis.handle,
        fleet: production,
        announcer: {
          show: async () => undefined,
          repair: async () => undefined,
          alarm: async (journal) => void alarms.push(journal),
          outrun: async (journal) => void told.push(journal),
          refusing: async () => undefined,
        },
        clock,
        log: silent,
        sweep: never,
      }),
    );
    const queue = new Queue('publish', { connection: redis(), prefix: prefixOf(production) });
    rig.closeLater(queue);
    await eventually(
      () => queue.getDelayedCount(),
      (count) => count > 0,
    );
    expect(told).toEqual([]);
    clock.at = 25_000;
    await sweep();
    await eventually(
      async () => told,
      (all) => all.includes('r1'),
    );
    expect(alarms).toEqual([]);
  });

  it('silences a worker that cannot follow, for as long as it cannot', async () => {
    await paused('r1');
    const sound = await lines('r1');
    const stored = await redis().hgetall(keys.rollout('r1'));
    const line = forged(
      'r1',
      sound.at(-1)?.hash ?? '',
      5,
      { type: 'said for the first time', at: 9 },
      'bot',
      meaning + 1,
    );
    await putLines('r1', [...sound, line]);
    await redis().hset(keys.rollout('r1'), 'revision', 5, 'hash', (line as ChainedEntry).hash);
    const { sweep } = await rig.worker({ sweep: never });
    const store = storeOf(asWeAre());
    await sweep();
    expect(await store.livingRegions()).toEqual([]);
    await putLines('r1', sound);
    await redis().hset(keys.rollout('r1'), stored);
    await sweep();
    expect(await store.livingRegions()).toEqual(['us-east']);
  });

  it('while time passes is no rollout that does not exist', async () => {
    const { clock, log } = { clock: systemClock, log: silent };
    const store = { load: async () => quickRollout('r1'), livingRegions: async () => [] };
    const tick = ticker({ store, record: () => Promise.reject(new Newer('r1')), clock, log });
    await expect(tick('r1')).rejects.toThrow(Newer);
  });

  it('is no excuse for what this version would say itself', async () => {
    await adopted({ type: 'said for the first time', at: 9 }, 'bot', 1);
    await expect(storeOf(asWeAre()).load('r1')).rejects.toThrow(Tampered);
  });
});

describe('what was seen to be under way', () => {
  it.each<[string, () => Promise<unknown>]>([
    ['nobody can believe', () => redis().hset(keys.rollout('r0'), { body: 'x', revision: '3', hash: 'y' })],
    [
      'looks as if a version before had stored it',
      async () => {
        await writeFormer(redis(), { ...madeUp(), id: 'r0' });
        await redis().rename('{zw}:rollout:r0', keys.rollout('r0'));
        await redis().rename('{zw}:journal:r0', keys.journal('r0'));
        expect(await storeOf(asWeAre()).load('r0')).toMatchObject({ unsigned: true, status: { is: 'running' } });
      },
    ],
  ])('goes on, and is the one that people mean, although one that %s is said to hold the fleet', async (_what, put) => {
    const seen = asWeAre();
    await paused('r1', seen);
    await put();
    await redis().set(keys.holder, 'r0');
    expect((await storeOf(seen).open())?.id).toBe('r1');
    const record = recorder(storeOf(seen), wakeNobody);
    expect((await record('r1', { type: 'resumed', at: 8, by: 'U1' })).changed).toBe(true);
    expect(await redis().get(keys.holder)).toBe('r1');
  });

  it('goes on, and holds the fleet, although the lists in Redis have forgotten it', async () => {
    const seen = asWeAre();
    await paused('r1', seen);
    await redis().del(keys.open, keys.holder);
    const store = storeOf(seen);
    expect(await store.openIds()).toEqual(['r1']);
    expect((await store.open())?.id).toBe('r1');
    await expect(store.create(quickRollout('r2'))).rejects.toThrow(/Rollout r1 .*holds the fleet/);
    expect(await store.lost()).toEqual([]);
  });

  it('and is gone is told, once', async () => {
    const seen = asWeAre();
    await paused('r1', seen);
    await redis().flushall();
    const store = storeOf(seen);
    expect([await store.lost(), await store.lost(), await store.openIds()]).toEqual([['r1'], [], []]);
  });

  it('is not forgotten for all that is read of long ago, nor for what another program of this machine has seen', () => {
    const folder = mkdtempSync(join(tmpdir(), 'zeitwork-seen-'));
    const file = join(folder, 'seen.json');
    const line = (revision: number, at: number, open: boolean) => ({ revision, hash: `${revision}`, at, open });
    const [bot, shell] = [openAnchors(file), openAnchors(file)];
    shell.set('r1', line(38, 1e6, true));
    bot.set('r1', line(40, 1e6 + 9, true));
    bot.set('ledger', line(3, 1, false));
    for (let old = 0; old < 600; old += 1) shell.set(`old-${old}`, line(9, 1000 + old, false));
    bot.flush();
    shell.flush();
    const then = openAnchors(file);
    expect([then.of('r1')?.revision, then.of('ledger')?.revision, then.open()]).toEqual([40, 3, ['r1']]);
    rmSync(folder, { recursive: true });
  });
});

describe('after a person has looked', () => {
  it('a rollout that was tampered with is adopted, in their name, and goes on; what was wrong stays to be read', async () => {
    const seen = asWeAre();
    await paused('r1', seen);
    const warm = storeOf(seen);
    await warm.load('r1');
    await append('r1', resumed, 'mallory', running);
    await expect(warm.load('r1')).rejects.toThrow(Tampered);
    await warm.adopt('r1', 'U-ana', 20);
    for (const store of [warm, storeOf(seen), storeOf(asWeAre())]) {
      // As it was signed: who has no key has not resumed it.
      expect(await store.load('r1')).toMatchObject({ status: { is: 'paused' }, revision: 6 });
    }
    const control = rig.control();
    const found = [];
    for await (const each of control.audit('r1', 0)) found.push(each);
    expect(found).toMatchObject([
      {
        journal: 'r1',
        refused: null,
        flaws: [{ what: expect.stringMatching(/line 5 .*do not name/), adopted: { by: 'U-ana' } }],
      },
    ]);
  });

  it('a line that was written down elsewhere must still stand there', async () => {
    await paused('r1', asWeAre());
    const lines = await storeOf(asWeAre()).journal('r1');
    const { revision, hash } = lines.at(-2) as unknown as { revision: number; hash: string };
    const refusals = async (head: { revision: number; hash: string }) => {
      const found = [];
      for await (const { refused } of rig.control().audit('r1', 0, head)) found.push(refused);
      return found;
    };
    expect(await refusals({ revision, hash: hash.slice(0, 16) })).toEqual([null]);
    expect(await refusals({ revision, hash: `${hash.slice(0, 15)}z` })).toEqual([
      `line ${revision} is not the one that was written down`,
    ]);
    expect(await refusals({ revision: 99, hash })).toEqual(['line 99, which was written down, is not there']);
  });

  it('nothing that nobody signed is taken over with it, and what is left without any signature only ends', async () => {
    const seen = asWeAre();
    await paused('r1', seen);
    const evil = (r: Rollout): Rollout => ({
      ...running(r),
      release: { ...r.release, version: 'v6.6.6', binarySha256: 'e'.repeat(64) },
      policy: { ...r.policy, minimumHealthy: 0 },
    });
    await putBody('r1', evil);
    const store = storeOf(seen);
    const shown = await store.adoptable('r1');
    expect(shown).toMatchObject({
      as: 'proven',
      rollout: { release: { version: 'v2.0.0' }, status: { is: 'paused' } },
    });
    await putBody('r1', (r) => ({ ...r, requester: 'U-other' }));
    await expect(store.adopt('r1', 'U-ana', 20, { mark: shown.mark })).rejects.toThrow(/moved on meanwhile/);
    await redis().del(keys.journal('r1'));
    expect((await store.adoptable('r1')).as).toBe('ended');
    await store.adopt('r1', 'U-ana', 20);
    const after = await storeOf(seen).load('r1');
    expect(after).toMatchObject({ status: { is: 'stopped', by: 'U-ana' } });
    expect(after === null ? [] : todo(after, Date.now())).toEqual([]);
  });

  it('of the ledger too only what was signed is taken over', async () => {
    const seen = asWeAre();
    const ledger = createLedger(redis(), production, seen);
    const froze = {
      type: 'froze',
      at: 1,
      by: 'U1',
      id: 'f1',
      regions: null,
      start: 1,
      end: 9e12,
      reason: 'x',
    } as const;
    await ledger.record(froze);
    await redis().hset(keys.ledger, 'body', '{"format":1,"ledger":{"revision":1,"freezes":[],"nodes":{},"begun":[]}}');
    await expect(ledger.load()).rejects.toThrow(Tampered);
    expect((await ledger.adopt('U-ana', 20, { first: 'U-bo' })).freezes.map(({ id }) => id)).toEqual(['f1']);
    expect((await createLedger(redis(), production, seen).load()).revision).toBe(2);
  });

  it.each(['what was planned', 'an earlier adoption'])(
    'does not begin anew because %s was put at the end of its journal again',
    async (what) => {
      const seen = asWeAre();
      await paused('r1', seen);
      if (what === 'an earlier adoption') await storeOf(seen).adopt('r1', 'U-ana', 20);
      const [again = ''] = await redis().lrange(keys.journal('r1'), what === 'what was planned' ? 0 : -1, -1);
      const record = recorder(storeOf(seen), wakeNobody);
      await record('r1', { type: 'resumed', at: 21, by: 'U1' });
      const { rollout } = await record('r1', { type: 'paused', at: 22, by: 'U1' });
      await redis().rpush(keys.journal('r1'), again);
      await expect(storeOf(seen).load('r1')).rejects.toThrow(Tampered);
      const found = await storeOf(seen).adoptable('r1');
      expect(found).toMatchObject({ as: 'proven', rollout: { revision: rollout.revision, status: rollout.status } });
    },
  );

  it('one that was put back is adopted too, and the same one that is put back again is not', async () => {
    const seen = asWeAre();
    await paused('r1', seen);
    const was = {
      fields: await redis().hgetall(keys.rollout('r1')),
      lines: await redis().lrange(keys.journal('r1'), 0, -1),
    };
    const putBack = async () => {
      await redis().del(keys.rollout('r1'), keys.journal('r1'));
      await redis().hset(keys.rollout('r1'), was.fields);
      await redis().rpush(keys.journal('r1'), ...was.lines);
    };
    const record = recorder(storeOf(seen), wakeNobody);
    await record('r1', { type: 'resumed', at: 8, by: 'U1' });
    await putBack();
    await expect(storeOf(seen).load('r1')).rejects.toThrow(/put back to line 4; this process has seen line 5/);
    await storeOf(seen).adopt('r1', 'U-ana', 20);
    expect((await storeOf(seen).load('r1'))?.status.is).toBe('paused');
    await putBack();
    await expect(storeOf(seen).load('r1')).rejects.toThrow(/put back/);
  });

  it('one that was put back, and led on by whoever has not seen the rest, is not believed by who has', async () => {
    const seen = asWeAre();
    await paused('r1', seen);
    const fields = await redis().hgetall(keys.rollout('r1'));
    const before = await redis().lrange(keys.journal('r1'), 0, -1);
    await recorder(storeOf(seen), wakeNobody)('r1', { type: 'resumed', at: 8, by: 'U1' });
    await redis().del(keys.rollout('r1'), keys.journal('r1'));
    await redis().hset(keys.rollout('r1'), fields);
    await redis().rpush(keys.journal('r1'), ...before);
    const led = await recorder(storeOf(asWeAre()), wakeNobody)('r1', { type: 'resumed', at: 9, by: 'U2' });
    expect(led.changed).toBe(true);
    await expect(storeOf(seen).load('r1')).rejects.toThrow(/line 5 is not the one that was there/);
  });

  it('a ledger that was emptied, and begun anew by whoever has not seen it, is not believed by who has', async () => {
    const seen = asWeAre();
    const froze = { type: 'froze' as const, regions: null, start: 0, end: 1e15, reason: 'audit' };
    const ledgerOf = (who: Belief) => createLedger(redis(), production, who);
    await ledgerOf(seen).record({ ...froze, id: 'f1', at: 8, by: 'U1' });
    await redis().del(keys.ledger, keys.ledgerJournal);
    await ledgerOf(asWeAre()).record({ ...froze, id: 'f2', at: 9, by: 'U1', end: 10 });
    await expect(ledgerOf(seen).load()).rejects.toThrow(/line 1 is another one/);
  });

  it('what was seen outlives the process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'zeitwork-seen-'));
    const file = join(folder, 'seen.json');
    const open = (): Belief => ({
      ...belief(),
      anchors: openAnchors(file, (reason) => silent.warn({ reason }, 'anchors')),
    });
    const first = open();
    await paused('r1', first);
    first.anchors.flush();
    await putLines('r1', (await lines('r1')).slice(0, 2));
    const second = (await lines('r1')).at(-1);
    await putBody('r1', (r) => ({ ...r, revision: 2 }));
    await redis().hset(keys.rollout('r1'), 'revision', 2, 'hash', second?.hash ?? '');
    await expect(storeOf(open()).load('r1')).rejects.toThrow(/put back to line 2/);
    rmSync(folder, { recursive: true });
  });
});
