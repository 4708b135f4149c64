import { sign } from 'node:crypto';
import { Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { readSealed, sealedBlocks } from '../../src/bot/sealed.ts';
import { signAnswer } from '../../src/jobs/ask.ts';
import { createLedger, createStore, openAnchors } from '../../src/jobs/index.ts';
import { spelledLine } from '../../src/jobs/journal.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { createNotes, flawsInNotes, type NoteLine } from '../../src/jobs/notes.ts';
import type { AskJob } from '../../src/jobs/queues.ts';
import { recorder } from '../../src/jobs/record.ts';
import { canonical, sealer } from '../../src/trust/index.ts';
import type { Probe } from '../../src/upgrade/http/types.ts';
import { ordersAfter, orderText, todo } from '../../src/upgrade/rollout/index.ts';
import type { NodeSurvey, Rollout, StepName, Task } from '../../src/upgrade/rollout/types.ts';
import type { Step, Steps } from '../../src/upgrade/steps/types.ts';
import { belief, testKey } from '../support/belief.ts';
import { effects, eventually, quickRollout, silent, workerParts } from './fixtures/parts.ts';
import { makeRig, never } from './fixtures/rig.ts';

/** What somebody who writes to Redis can make of what was decided and signed. */
const rig = makeRig();
const redis = (): Redis => rig.redis.handle.caller;

/** Steps that only write down what they were told to do. */
function listening(did: string[]): Steps {
  const { steps } = workerParts(rig.redis.handle);
  const heard =
    (name: StepName): Step =>
    async ({ rollout, node, attempt }) => {
      did.push([name, node.name, attempt, rollout.id].join(' '));
      return { is: 'failed', reason: 'only heard', retry: false, facts: {} };
    };
  return Object.fromEntries(Object.keys(steps).map((name) => [name, heard(name as StepName)])) as Steps;
}

describe('a job under the name of a task that is due', () => {
  const lies: [string, Partial<Task>][] = [
    ['another step', { step: 'cleanup' }],
    ['another node', { node: 'us-east-op-3' }],
    ['a node of another region', { node: 'eu-west-op-1' }],
    ['another try', { attempt: 9 }],
    ['another rollout', { rollout: 'r2' }],
  ];

  it.each(lies)('is dropped when it says %s', async (_what, lie) => {
    const did: string[] = [];
    const rollout = quickRollout('r1', {}, {}, { regions: null });
    await rig.control().store.create(rollout);
    const honest = todo(rollout, Date.now()).filter(({ region }) => region === 'us-east');
    const [due] = honest;
    if (due === undefined) throw new Error('nothing is due');
    const queue = rig.queues().step('us-east');
    await queue.add(due.step, { task: { ...due, ...lie } as Task }, { jobId: due.id });
    await redis().del('{zw}/production:open');
    await rig.worker({ sweep: never, steps: listening(did) });
    const job = await eventually(
      () => queue.getJob(due.id),
      (found) => found?.finishedOn !== undefined,
    );
    // What is really due may have been put in its place by then, each once.
    const isReplaced =
      job?.data.task.step === due.step && job.data.task.node === due.node && job.data.task.attempt === due.attempt;
    expect([job?.returnvalue, isReplaced && job?.data.task.rollout === 'r1']).toEqual(
      job?.returnvalue === 'dropped' ? ['dropped', false] : ['reported', true],
    );
    expect(honest.map(({ step, node, attempt, rollout: id }) => [step, node, attempt, id].join(' '))).toEqual(
      expect.arrayContaining(did),
    );
    expect(new Set(did).size).toBe(did.length);
  });
});

describe('a plan that is signed and says less than the settings of the worker', () => {
  it.each([
    [
      'that a node of another region is',
      { peers: { 'us-east': ['us-east-op-1', 'eu-west-op-1', 'eu-west-op-2'] } },
      {},
    ],
    ['that nobody has to be healthy', {}, { minimumHealthy: 0 }],
  ])('stops no node without its peers: %s', async (_what, changes, policy) => {
    const control = rig.control();
    const down = ['us-east-op-2', 'us-east-op-3'];
    const probe: Probe = {
      health: async (node) =>
        down.includes(node)
          ? { is: 'unreachable', detail: 'timed out' }
          : { is: 'healthy', version: null, hostname: null },
    };
    await rig.worker({ probe });
    await control.start(quickRollout('r1', changes, policy));
    const held = await eventually(
      () => control.store.load('r1'),
      (rollout) => rollout?.nodes['us-east-op-1']?.held != null || rollout?.status.is !== 'running',
    );
    expect(held?.nodes['us-east-op-1']?.held?.gates.map(({ name }) => name)).toContain('quorum');
    expect(await effects(redis())).toEqual([]);
  });
});

describe('what nodes are said to run', () => {
  const where = [{ name: 'us-east-op-1', region: 'us-east' }];
  const lie = { ...where[0], node: 'us-east-op-1', version: 'v2.0.0', sha256: 'b'.repeat(64), healthy: true };

  /** Answers the next ask like a worker would, with what `make` makes of the job. */
  async function answered(make: (data: AskJob) => unknown): Promise<NodeSurvey | undefined> {
    const fake = rig.closeLater(
      new Worker('ask-us-east', async ({ data }) => make(data), {
        connection: rig.redis.handle.patient(),
        prefix: '{zw}/production',
      }),
    );
    await fake.waitUntilReady();
    const [seen] = await rig.control().survey(where, 3_000);
    return seen;
  }

  it('is not believed when no worker signed it', async () => {
    expect(await answered(() => ({ ...lie, detail: '', unit: 'active/running', at: 1 }))).toMatchObject({
      ...{ version: null, healthy: false, unit: null, detail: 'an answer came that nobody signed' },
    });
  });

  it.each(['mallory', 'bot'])('is not believed when %s signed it', async (name) => {
    const key = testKey(name);
    const make = (ask: AskJob) => {
      const text = `answer\n${canonical({ fleet: 'production', ask, answer: lie })}`;
      return { answer: lie, key: key.id, signature: sign(null, Buffer.from(text), key.private).toString('base64') };
    };
    expect((await answered(make))?.detail).toMatch(/cannot be believed: it is signed by/);
  });

  it.each<[string, Partial<AskJob>, string]>([
    ['earlier', { nonce: 'another' }, 'production'],
    ['about another node', { node: 'us-east-op-2' }, 'production'],
    ['in another fleet', {}, 'staging'],
  ])('is not believed when a worker signed it %s', async (_what, other, fleet) => {
    const survey = { ...lie, region: 'us-east', detail: '', unit: null, at: 1 };
    const make = (ask: AskJob) => signAnswer(fleet, { ...ask, ...other }, survey, belief('worker').notary);
    expect((await answered(make))?.detail).toMatch(/cannot be believed: its signature is wrong/);
  });
});

describe('what one fleet, environment or rollout signed, with the same keys, means nothing in another', () => {
  const asWeAre = () => ({ ...belief(), anchors: openAnchors(null) });
  const [here, there] = [keysOf('production'), keysOf('staging')];

  it('a rollout with its journal, into another fleet and under another name', async () => {
    await createStore(redis(), 'staging', asWeAre()).create(quickRollout('r1', { fleet: 'staging' }));
    await createStore(redis(), 'production', asWeAre()).create(quickRollout('r2'));
    const all: [string, string, string][] = [
      [there.rollout('r1'), there.journal('r1'), 'r1'],
      [here.rollout('r2'), here.journal('r2'), 'r3'],
    ];
    for (const [body, journal, id] of all) {
      await redis().copy(body, here.rollout(id));
      await redis().copy(journal, here.journal(id));
      await expect(createStore(redis(), 'production', asWeAre()).load(id)).rejects.toThrow(
        /line 1 of its journal: it was changed/,
      );
    }
  });

  it('a line of it, at the end of another one, and at another place of its own', async () => {
    for (const id of ['r1', 'r2']) {
      const store = createStore(redis(), 'production', asWeAre());
      const record = recorder(store, async () => undefined);
      await store.create(quickRollout(id));
      await record(id, { type: 'paused', at: 5, by: 'U1' });
      await record(id, { type: 'resumed', at: 6, by: 'U1' });
      await redis().del(here.holder, here.open);
    }
    const [, second = '', third = ''] = await redis().lrange(here.journal('r1'), 0, -1);
    for (const [id, line] of [
      ['r2', second],
      ['r2', third],
      ['r1', second],
    ] as const) {
      const was = await redis().hget(here.rollout(id), 'hash');
      await redis().rpush(here.journal(id), line);
      await redis().hset(here.rollout(id), 'hash', JSON.parse(line).hash);
      await expect(createStore(redis(), 'production', asWeAre()).load(id)).rejects.toThrow(
        /line 4 of its journal: it was changed/,
      );
      await redis().rpop(here.journal(id));
      await redis().hset(here.rollout(id), 'hash', was ?? '');
    }
  });

  it('the ledger: a freeze that was lifted there is not lifted here', async () => {
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
    for (const fleet of ['production', 'staging']) await createLedger(redis(), fleet, asWeAre()).record(froze);
    await createLedger(redis(), 'staging', asWeAre()).record({ type: 'unfroze', at: 2, by: 'U1', ids: ['f1'] });
    await redis().del(here.ledger, here.ledgerJournal);
    await redis().copy(there.ledger, here.ledger);
    await redis().copy(there.ledgerJournal, here.ledgerJournal);
    await expect(createLedger(redis(), 'production', asWeAre()).load()).rejects.toThrow(
      /line 1 of its journal: it was changed/,
    );
  });

  it('a plan that was shown there, and one that was shown under another name', async () => {
    const [store, other] = ['production', 'staging'].map((fleet) => createStore(redis(), fleet, asWeAre()));
    await other?.saveDraft(quickRollout('p1', { fleet: 'staging' }), 60_000);
    await redis().copy(there.draft('p1'), here.draft('p1'));
    await expect(store?.takeDraft('p1')).rejects.toThrow(/the plan that was shown: it is p1 of staging/);
    await store?.saveDraft(quickRollout('p2'), 60_000);
    await redis().rename(here.draft('p2'), here.draft('p3'));
    await expect(store?.takeDraft('p3')).rejects.toThrow(/its signature is wrong/);
  });

  it('notes', async () => {
    const notes = createNotes(redis(), 'staging', asWeAre(), silent);
    notes.note({ type: 'looked', at: 1, by: 'U1', with: 'verify' });
    await notes.settled();
    const lines = (await notes.lines()).map((line) => spelledLine<NoteLine>(line));
    expect(flawsInNotes('staging', lines, belief())).toEqual([]);
    expect(flawsInNotes('production', lines, belief())).toMatchObject(
      [/it was changed/].map((each) => expect.stringMatching(each)),
    );
  });

  it('an order names fleet, rollout, node and unit in what is signed', () => {
    const [rollout, other] = [quickRollout('r1'), quickRollout('r2', { fleet: 'staging' })];
    const text = (of: Rollout) => ordersAfter(of, { type: 'created', at: 1 }).map(orderText);
    for (const each of text(rollout)) expect(each).toMatch(/\nfleet production\nrollout r1\nnode us-east-op-\d\nunit /);
    for (const each of text(other)) expect(each).toMatch(/\nfleet staging\nrollout r2\nnode /);
  });

  it('a button', async () => {
    const seals = sealer('k'.repeat(32));
    const button = {
      type: 'button',
      action_id: 'zw:approve',
      text: 'Approve',
      value: '{"r":"r1","g":"approval/x","v":1}',
    };
    const [block] = sealedBlocks([{ type: 'actions', elements: [button] } as never], seals, {
      fleet: 'staging',
      channel: 'C1',
    });
    const { value } = (block as unknown as { elements: { value: string }[] }).elements[0] ?? { value: '' };
    expect(readSealed(value, 'zw:approve', seals, { fleet: 'staging', channel: 'C1' })).not.toBe(null);
    expect(readSealed(value, 'zw:approve', seals, { fleet: 'production', channel: 'C1' })).toBe(null);
    expect(readSealed(value.replace('r1', 'r2'), 'zw:approve', seals, { fleet: 'staging', channel: 'C1' })).toBe(null);
  });
});

describe('the number that fences a node', () => {
  const store = () => createStore(redis(), 'production', { ...belief(), anchors: openAnchors(null) });
  const key = keysOf('production').epoch;

  it.each(['9007199254740993', '1e300', 'inf', 'nan', '-5', 'x', '99999999999999'])(
    'is not taken from Redis where somebody wrote %s',
    async (written) => {
      const now = Date.now();
      await redis().set(key, written);
      const first = await store().nextEpoch(now);
      expect(first).toBe(now);
      expect(await store().nextEpoch(now)).toBe(now + 2);
    },
  );

  it('rises above what was signed, when the clock was put back and Redis has forgotten its own', async () => {
    const rollout = quickRollout('r1');
    await store().create(rollout);
    await redis().del(key);
    expect(await store().nextEpoch(rollout.epoch - 90 * 86_400_000)).toBe(rollout.epoch + 2);
  });
});
