import { expect, it } from 'vitest';
import { nodesInOrder, plan } from '../../../src/upgrade/rollout/index.ts';
import { inputOf, oneRegion, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

it('a thousand nodes get the release, a tenth at a time, and the quorum holds', { timeout: 300_000 }, () => {
  const fleet = oneRegion(1_000, { atOnce: 100, minimumHealthy: 800, pause: 0 });
  const begun = plan(inputOf(fleet, { strategy: 'rolling' }));
  const world = worldOf(begun);
  let most = 0;
  const { rollout } = drive(begun, world, {
    from: tuesday,
    limit: 40_000,
    until: (each) => {
      most = Math.max(most, nodesInOrder(each).filter(({ state }) => state.is === 'working').length);
      return false;
    },
  });
  expect(rollout.status.is).toBe('done');
  expect(most).toBe(100);
  expect(world.starts).toHaveLength(1_000);
  expect(Math.min(...world.starts.map(({ peersLeft }) => peersLeft))).toBeGreaterThanOrEqual(800);
});
