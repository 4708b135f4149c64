import { describe, expect, it } from 'vitest';
import { createStore } from '../../src/jobs/index.ts';
import type { Probe } from '../../src/upgrade/http/types.ts';
import { belief, flawsIn } from '../support/belief.ts';
import { isAsked, parts } from '../support/parts.ts';
import { effects, eventually, production, quickRollout, slowDown, workerParts } from './fixtures/parts.ts';
import { done, everyNodeOnce, makeRig } from './fixtures/rig.ts';

const rig = makeRig();
const { worker, control } = rig;

describe('a rollout in the queues', () => {
  it('goes through all nodes one by one, restarting each once', async () => {
    await worker();
    const { start, store } = control();
    await start(quickRollout('r1'));
    await eventually(() => store.load('r1'), done);
    expect(await effects(rig.redis.handle.caller)).toEqual(everyNodeOnce);
    expect(flawsIn('r1', await createStore(rig.redis.handle.caller, production, belief()).journal('r1'))).toEqual([]);
  });

  it('goes on through several workers at once', async () => {
    await Promise.all([worker(), worker(), worker()]);
    const { start, store } = control();
    await start(quickRollout('r1'));
    await eventually(() => store.load('r1'), done);
    expect(await effects(rig.redis.handle.caller)).toEqual(everyNodeOnce);
  });

  it('watches a region and waits for an approval that comes through another process', async () => {
    await worker({ regions: ['us-east', 'eu-west'] });
    const { start, store, record } = control();
    const rollout = quickRollout(
      'r1',
      {},
      { bake: 300, watch: 100 },
      { strategy: 'regions', regions: ['us-east', 'eu-west'] },
    );
    await start(rollout);
    const asked = await eventually(
      () => store.load('r1'),
      (now) => now !== null && isAsked(now, 'eu-west'),
    );
    const [watched] = asked === null ? [] : parts(asked);
    expect(watched?.healthyFor).toBeGreaterThanOrEqual(300);
    expect((watched?.bakedAt ?? 0) - (watched?.finishedAt ?? 0)).toBeGreaterThanOrEqual(300);
    expect(await effects(rig.redis.handle.caller)).toEqual(everyNodeOnce);
    await record('r1', { type: 'approved', at: Date.now(), phase: 'approval/eu-west', by: 'U1' });
    await eventually(() => store.load('r1'), done);
    expect(await effects(rig.redis.handle.caller)).toHaveLength(12);
  });

  it('rolls back, newest node first, when it is asked to', async () => {
    await worker();
    const { start, store, record } = control();
    await slowDown(rig.redis.handle.caller, 'us-east-op-2', 'switch', 300);
    await start(quickRollout('r1'));
    await eventually(
      () => effects(rig.redis.handle.caller),
      (lines) => lines.includes('switch us-east-op-2'),
    );
    const at = Date.now();
    const epoch = await store.nextEpoch(at);
    await record('r1', { type: 'rollback-asked', at, by: 'U1', scope: { is: 'all' }, epoch });
    await eventually(
      () => store.load('r1'),
      (rollout) => rollout?.status.is === 'rolled-back',
    );
    const restores = (await effects(rig.redis.handle.caller)).filter((line) => line.startsWith('restore'));
    expect(restores).toEqual(['restore us-east-op-2', 'restore us-east-op-1']);
  });

  it('does not stop a node while its peers are not healthy, says why, and goes on by itself', async () => {
    let sick = true;
    const probe: Probe = {
      health: async (node) =>
        sick && node === 'us-east-op-3'
          ? { is: 'unreachable', detail: 'no answer' }
          : { is: 'healthy', version: null, hostname: null },
    };
    await worker({ probe });
    const { start, store } = control();
    await start(quickRollout('r1'));
    const held = await eventually(
      () => store.load('r1'),
      (rollout) => (rollout?.nodes['us-east-op-1']?.held?.times ?? 0) > 1,
    );
    expect(held?.nodes['us-east-op-1']?.held?.gates).toMatchObject([{ name: 'quorum' }]);
    expect(await effects(rig.redis.handle.caller)).toEqual([]);
    sick = false;
    await eventually(() => store.load('r1'), done);
    expect(await effects(rig.redis.handle.caller)).toEqual(everyNodeOnce);
  });

  it('takes a step that breaks as unknown when it changes the node, and tries it again', async () => {
    const parts = workerParts(rig.redis.handle);
    let broken = true;
    const steps: typeof parts.steps = {
      ...parts.steps,
      switch: async (context) => {
        if (!broken) return parts.steps.switch(context);
        broken = false;
        throw new Error('cannot read postgres://app:hunter2@db/zeitwork');
      },
    };
    await worker({ steps });
    const { start, store } = control();
    await start(quickRollout('r1'));
    await eventually(() => store.load('r1'), done);
    const reports = (await store.journal('r1')).flatMap(({ event }) => (event.type === 'reported' ? [event] : []));
    expect(reports.find(({ report }) => report.is !== 'succeeded')).toMatchObject({
      step: 'switch',
      report: { is: 'unknown', reason: 'cannot read postgres://***@db/zeitwork' },
    });
  });
});
