import { expect, it } from 'vitest';
import { next, onlyBack, ordersAfter } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { planned, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const isDone = ({ nodes }: Rollout, name: string) => nodes[name]?.state.is === 'done';

it('what nobody signed goes back as far as it is asked to, and never forward again', () => {
  const begin = planned({ pause: 0, bake: 0 });
  const world = worldOf(begin);
  const there = drive(begin, world, { from: tuesday, until: (rollout) => isDone(rollout, 'us-east-op-2') });
  const taken = onlyBack(there.rollout, there.now);
  const scope = { is: 'node', node: 'us-east-op-2' } as const;
  const asked: Event = { type: 'rollback-asked', at: there.now, by: 'U1', scope, epoch: there.now };
  const back = next(taken, asked);
  expect(ordersAfter(back, asked)).toEqual([]);
  const { rollout, now: at } = drive(back, world, { from: there.now });
  expect(rollout.status.is).toBe('held');
  expect(rollout.nodes['us-east-op-2']?.state.is).toBe('rolled-back');
  const { length } = world.starts;
  for (const event of [
    { type: 'retried', at, by: 'U1', epoch: at },
    { type: 'resumed', at, by: 'U1' },
  ] as const) {
    expect(next(rollout, event)).toBe(rollout);
  }
  drive(rollout, world, { from: at, limit: 50 });
  expect(world.starts).toHaveLength(length);
});

it('goes back by the way that we know, whatever way is stored', () => {
  const begin = planned({ pause: 0, bake: 0 });
  const world = worldOf(begin);
  const there = drive(begin, world, { from: tuesday, until: (rollout) => isDone(rollout, 'us-east-op-1') });
  const forged: Rollout = {
    ...there.rollout,
    phases: there.rollout.phases.map((phase) => (phase.is === 'nodes' ? { ...phase, undo: ['cleanup'] } : phase)),
  };
  const taken = onlyBack(forged, there.now);
  const scope = { is: 'all' } as const;
  const asked = next(taken, { type: 'rollback-asked', at: there.now, by: 'U1', scope, epoch: there.now });
  const { events } = drive(asked, world, { from: there.now });
  const steps = events.flatMap((event) => (event.type === 'begun' ? [event.step] : []));
  expect(steps).toEqual(['restore', 'verify-restored', 'cleanup']);
});
