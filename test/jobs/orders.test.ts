import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createControl } from '../../src/jobs/index.ts';
import { keysOf } from '../../src/jobs/keys.ts';
import { orderFinder, presenting } from '../../src/jobs/orders.ts';
import type { Command, Shell } from '../../src/upgrade/ssh/types.ts';
import { belief } from '../support/belief.ts';
import { startTestRedis, type TestRedis } from '../support/redis.ts';
import { nodes, production, quickRollout, silent, systemClock } from './fixtures/parts.ts';

let redis: TestRedis;
beforeAll(async () => {
  redis = await startTestRedis();
});
afterAll(() => redis.stop());
afterEach(() => redis.handle.caller.flushall());

const [node = ''] = nodes;
const sign = (text: string) => `signed ${text.length}`;
const find = () => orderFinder(redis.handle.caller, production);
const said = (text = '') => Buffer.from(text, 'base64').toString();

async function controlled<T>(work: (control: ReturnType<typeof createControl>) => Promise<T>): Promise<T> {
  const control = createControl(redis.handle, production, belief('bot'), systemClock, silent, sign);
  try {
    return await work(control);
  } finally {
    await control.close();
  }
}

describe('the orders of a decision', () => {
  it('are there for the workers as soon as it is recorded, one for each kind of step', async () => {
    const rollout = quickRollout('r1');
    await controlled((control) => control.start(rollout));
    const staged = await find()(rollout, node, 'stage');
    expect(said(staged?.order.text)).toContain(`rollout r1\nnode ${node}\nunit zeitwork-operator\nclass stage\n`);
    expect(said(staged?.order.signature)).toBe(sign(said(staged?.order.text)));
    expect(said(staged?.back?.text)).toContain(`class return\n`);
    expect(said(staged?.back?.text)).toContain(`epoch ${rollout.epoch + 1}\nmade-under ${rollout.epoch}\n`);
    expect(said((await find()(rollout, node, 'switch'))?.order.text)).toContain('class change\n');
    expect(await redis.handle.caller.pttl(keysOf(production).orders('r1'))).toBeGreaterThan(0);
  });

  it('are none for a node that nobody opened, and none for another run', async () => {
    const rollout = quickRollout('r1');
    await controlled((control) => control.start(rollout));
    expect(await find()(rollout, 'ap-south-op-1', 'switch')).toBeNull();
    expect(await find()({ ...rollout, epoch: rollout.epoch + 5 }, node, 'switch')).toBeNull();
  });

  it('come anew with a new run', async () => {
    const rollout = quickRollout('r1');
    const held = { is: 'held', reason: 'failed', node, at: 1, pending: null } as const;
    const after = await controlled(async (control) => {
      await control.start({ ...rollout, status: held });
      return control.record('r1', { type: 'retried', at: Date.now(), by: 'U1', epoch: rollout.epoch + 10 });
    });
    expect(after.changed).toBe(true);
    expect(said((await find()(after.rollout, node, 'stage'))?.order.text)).toContain(`epoch ${rollout.epoch + 10}\n`);
  });

  it('do not stop a decision when they cannot be signed', async () => {
    const broken = () => {
      throw new Error('the key is gone');
    };
    const control = createControl(redis.handle, production, belief('bot'), systemClock, silent, broken);
    await control.start(quickRollout('r1'));
    expect(await control.store.load('r1')).not.toBeNull();
    await control.close();
  });
});

describe('a shell that presents orders', () => {
  const command: Command = { name: 'look', script: '', args: [], sudo: true, timeoutMs: 1_000 };
  const presented = { order: { text: 'a', signature: 'b' }, back: null };

  it.each(['sudo', 'helper'] as const)('does so where %s asks for them', async (become) => {
    const sent: Command[] = [];
    const shell: Shell = {
      becomes: () => become,
      run: async (_, each) => {
        sent.push(each);
        return { is: 'unreachable', reason: 'no node here' };
      },
      put: async () => ({ is: 'unreachable', reason: 'no node here' }),
      close: async () => undefined,
    };
    await presenting(shell, async () => presented).run(node, command);
    expect(sent).toEqual([become === 'helper' ? { ...command, presented } : command]);
  });
});
