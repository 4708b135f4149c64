import { describe, expect, it } from 'vitest';
import { bySettings } from '../../../src/base/actor.ts';
import { posts } from '../../../src/bot/views/posts.ts';
import { next, ordersAfter } from '../../../src/upgrade/rollout/index.ts';
import type { Policy, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { minutes, newImage, oldImage, planned, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

/** `rolling`: the second node of eu-west never proves healthy. */
function failing(autoRollback: Policy['autoRollback'], changes: Partial<Policy> = {}) {
  const start = planned({ pause: 0, autoRollback, ...changes });
  const world = worldOf(start);
  world.bad.add('eu-west-op-2');
  return { world, ...drive(start, world, { from: tuesday }) };
}

const back = (world: World) => world.starts.filter(({ image }) => image === oldImage).map(({ node }) => node);
const onNew = (world: World) => Object.keys(world.image).filter((name) => world.image[name] === newImage);
const usEast = ['us-east-op-1', 'us-east-op-2', 'us-east-op-3'];

describe('what goes back by itself when a node fails', () => {
  it('is the node alone, as ever', () => {
    const { world, rollout } = failing('node');
    expect(back(world)).toEqual(['eu-west-op-2']);
    expect(rollout.status).toMatchObject({ is: 'held', node: 'eu-west-op-2' });
    expect(rollout).not.toHaveProperty('wentBack');
  });

  it('is what else of its region was changed, newest first, and then people are asked', () => {
    const { world, rollout } = failing('region');
    expect(back(world)).toEqual(['eu-west-op-2', 'eu-west-op-1']);
    expect(onNew(world)).toEqual(usEast);
    expect(rollout.status).toMatchObject({ is: 'held', node: 'eu-west-op-2', pending: null });
    expect(rollout.status).toMatchObject({
      reason:
        'eu-west was rolled back by policy.autoRollback; meanwhile eu-west-op-2 failed: health stayed 503 starting',
    });
  });

  it('is everything that was changed, and then it is over', () => {
    const { world, rollout } = failing('everything');
    expect(back(world)).toEqual(['eu-west-op-2', 'eu-west-op-1', ...usEast.toReversed()]);
    expect(onNew(world)).toEqual([]);
    expect(rollout.status.is).toBe('rolled-back');
    expect(world.starts.every(({ peersLeft, wasDown }) => wasDown || peersLeft >= 2)).toBe(true);
  });

  it('is nothing where the settings say so', () => {
    const { world, rollout } = failing('none');
    expect(back(world)).toEqual([]);
    expect(rollout.status.is).toBe('held');
  });

  it('happens once in a rollout: what fails again after a retry goes back alone', () => {
    const { world, rollout, now } = failing('region');
    const again = next(rollout, { type: 'retried', at: now, by: 'U1', epoch: 0 });
    const after = drive(again, world, { from: now });
    expect(back(world)).toEqual(['eu-west-op-2', 'eu-west-op-1', 'eu-west-op-2']);
    expect(after.rollout.status).toMatchObject({ is: 'held', node: 'eu-west-op-2' });
    expect(onNew(world)).toContain('eu-west-op-1');
  });

  it('keeps the quorum: it waits while too few others serve', () => {
    const start = planned({ pause: 0, autoRollback: 'everything' });
    const world = worldOf(start);
    world.bad.add('eu-west-op-2');
    const failed = drive(start, world, { from: tuesday, until: ({ status }) => status.is === 'rolling-back' });
    world.silent.add('us-east-op-3');
    const after = drive(failed.rollout, world, {
      from: failed.now,
      limit: 2_000,
      until: (_, at) => at > failed.now + minutes(20),
    });
    expect(back(world)).not.toContain('us-east-op-2');
    expect(after.rollout.status.is).not.toBe('rolled-back');
  });

  it("leaves somebody's stop as it is", () => {
    const start = planned({ pause: 0, autoRollback: 'everything' });
    const world = worldOf(start);
    world.bad.add('eu-west-op-2');
    const proving = ({ nodes }: Rollout) => {
      const state = nodes['eu-west-op-2']?.state;
      return state?.is === 'working' && state.step === 'verify';
    };
    const { rollout, now } = drive(start, world, { from: tuesday, until: proving });
    const stopped = drive(next(rollout, { type: 'stopped', at: now, by: 'U1' }), world, { from: now });
    expect(stopped.rollout.status.is).toBe('stopped');
    expect(back(world)).toEqual(['eu-west-op-2']);
  });

  it('needs no decision, so no orders but those of the turns, and says who wanted it', () => {
    const start = planned({ pause: 0, autoRollback: 'region' });
    const world = worldOf(start);
    world.bad.add('eu-west-op-2');
    const { rollout, events } = drive(start, world, {
      from: tuesday,
      until: ({ status }) => status.is === 'rolling-back',
    });
    expect(rollout).toMatchObject({ run: start.run, epoch: start.epoch, status: { by: bySettings } });
    const orders = ordersAfter(start, { type: 'created', at: start.createdAt });
    expect(orders.some((order) => order.node === 'eu-west-op-1' && order.class === 'change')).toBe(true);
    expect(events.at(-1)?.type).toBe('reported');
    const main = posts(rollout).find(({ key }) => key === 'main');
    expect(main?.text).toContain('rolling back eu-west');
    expect(JSON.stringify(main)).toContain('asked by the settings (`policy.autoRollback`)');
    expect(JSON.stringify(posts(rollout))).not.toContain('<@settings>');
  });

  it('is told as it is: nothing that goes back is left alone, and whoever approved before it decided nothing of it', () => {
    const start = planned({ pause: 0, autoRollback: 'everything' });
    const world = worldOf(start);
    world.bad.add('eu-west-op-2');
    const until = ({ status }: Rollout) => status.is === 'rolling-back';
    const { rollout, now } = drive(start, world, { from: tuesday, until });
    const approved = { ...rollout, lastWord: { is: 'approved' as const, by: 'U0EVE', at: now - minutes(9) } };
    const failure = (of: Rollout) => posts(of).find(({ key }) => key.startsWith('failed.'))?.text ?? '';
    expect(failure(approved)).not.toContain('left alone');
    expect(failure(approved)).toContain(`On v2.0.0 and brought back, too: ${[...usEast, 'eu-west-op-1'].join(', ')}`);
    const over = drive(approved, world, { from: now }).rollout;
    expect(over.status.is).toBe('rolled-back');
    expect(failure(over)).toContain('→ Brought back by the settings (`policy.autoRollback`) at ');
    expect(failure(over)).not.toContain('U0EVE');
  });

  it('turns round what is under way beside it, and lets go of what is not changed', () => {
    const { world, rollout } = failing('everything', { atOnce: 3, minimumHealthy: 1 });
    expect(rollout.status.is).toBe('rolled-back');
    expect(onNew(world)).toEqual([]);
    expect(Object.values(rollout.nodes).some(({ touched }) => touched)).toBe(false);
  });
});
