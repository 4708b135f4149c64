import { expect, it } from 'vitest';
import { posts } from '../../../src/bot/views/posts.ts';
import { next, plan } from '../../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { inputOf } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';
import { trialFleet } from '../support.ts';

it('by canary-all the rest is asked for by its name, and the last word counts nodes, each one proven', () => {
  const start = plan(inputOf(trialFleet(), { strategy: 'canary-all' }));
  const world = worldOf(start);
  const gate = drive(start, world, { from: start.createdAt });
  const found = (rollout: Rollout, kind: RegExp) => posts(rollout).find(({ key }) => kind.test(key));
  const asks = found(gate.rollout, /^gate\./);
  expect(asks?.text).toMatch(
    /may \*the rest\* \(6 nodes\) go to v2\.0\.0\? 3 of 3 healthy in us-east, .*\n.*lacking: us-east, eu-west, ap-south\n/,
  );
  expect(asks?.text).toMatch(/\n\*The canary part\* is done, seen healthy/);
  expect(asks?.text).toMatch(/Not begun yet: the rest\n/);
  expect(found(gate.rollout, /^main$/)?.text).toMatch(/3 of 9 nodes on v2\.0\.0/);
  expect(found(gate.rollout, /^finished\./)).toBeUndefined();

  const regions = ['us-east', 'eu-west', 'ap-south'];
  const phase = 'approval/rest';
  const approved = regions.reduce(
    (rollout, region) => next(rollout, { type: 'approved', at: gate.now, phase, by: `U-${region}`, for: [region] }),
    gate.rollout,
  );
  const { rollout: end } = drive(approved, world, { from: gate.now });
  const last = found(end, /^finished\./)?.text ?? '';
  expect(last).toMatch(/v2\.0\.0 is on all 9 nodes\*, each one proven/);
  expect([...last.matchAll(/✓ done: \S+/g)]).toHaveLength(9);
  expect(new Set(world.starts.map(({ node }) => node)).size).toBe(9);
});
