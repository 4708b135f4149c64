import { expect, it } from 'vitest';
import { outdated, type Post, posts } from '../../../src/bot/views/posts.ts';
import { next, plan } from '../../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, inputOf, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

const nothing: (world: World) => void = () => undefined;

/** Three regions of so many nodes, four at once. */
function until(perRegion: number, fits: (rollout: Rollout) => boolean, change = nothing): Rollout {
  const fleet = fleetOf({ bake: 0, pause: 0, atOnce: 4 }, { perRegion });
  const start = plan(inputOf(fleet, { strategy: 'rolling' }));
  const world = worldOf(start);
  change(world);
  return drive(start, world, { from: tuesday, until: fits, limit: 4_000 }).rollout;
}
const inThread = (rollout: Rollout): Post[] => posts(rollout).filter(({ key }) => /^(?:node|region)\./.test(key));
const keys = (rollout: Rollout): string[] => inThread(rollout).map(({ key }) => key);
const done = ({ nodes }: Rollout): number => Object.values(nodes).filter(({ state }) => state.is === 'done').length;

it('a fleet of 30 is told node by node, one of 33 region by region', () => {
  expect(keys(until(10, (rollout) => done(rollout) >= 10))).toEqual(
    expect.arrayContaining(['node.us-east-op-1.1', 'node.us-east-op-2.1']),
  );
  const large = until(11, (rollout) => done(rollout) >= 5);
  expect(keys(large)).toEqual(['region.us-east.1']);
  const [post] = inThread(large);
  expect(post?.place).toEqual({ is: 'thread', broadcast: false });
  expect(post?.text).toMatch(
    /^\*us-east\*: \d of 11 nodes on v2\.0\.0; \d+ of 11 healthy in us-east; it goes on by itself\n/,
  );
  expect(post?.text).toMatch(/\n\d ✓ done {2}· {2}\d ▶ \w+ \(us-east-op-/);
});

it('all of it is told in one message per region, edited in place', () => {
  const whole = until(11, ({ status }) => status.is === 'done');
  expect(keys(whole)).toEqual(['region.us-east.1', 'region.eu-west.1', 'region.ap-south.1']);
  expect(inThread(whole)[2]?.text).toMatch(
    /^\*ap-south\*: 11 of 11 nodes on v2\.0\.0; .*; nothing is left to do here\n11 ✓ done$/,
  );
  expect(outdated(whole, keys(whole))).toEqual([]);
});

it('a node is told by itself only when it goes wrong, with what its region does', () => {
  const failed = until(
    11,
    ({ status, nodes }) => status.is === 'held' && Object.values(nodes).every(({ state }) => state.is !== 'working'),
    (world) => world.bad.add('us-east-op-2'),
  );
  expect(keys(failed)).toEqual(['region.us-east.1', 'node.us-east-op-2.1']);
  const [region, node] = inThread(failed);
  expect(region?.text).toMatch(/; nothing moves until somebody decides\n.*↩ rolled back \(us-east-op-2\)/);
  expect(node?.text).toMatch(/^↩ \*us-east-op-2\* runs v1\.0\.0 again/);
});

it('says when its only node under way was put off, and what stood there from a version before', () => {
  const begun = until(11, ({ nodes }) => nodes['us-east-op-1']?.state.is === 'working');
  const node = begun.nodes['us-east-op-1'];
  if (node?.state.is !== 'working') throw new Error('not under way');
  const prepared = { ...node, touched: false, state: { ...node.state, index: 0, step: 'backup' as const } };
  const rollout = { ...begun, nodes: { ...begun.nodes, [node.name]: prepared } };
  const line = (of: Rollout, key: string) => outdated(of, [key]).map(({ closes, text }) => [closes, text]);
  expect(line(rollout, 'node.us-east-op-1.1')).toEqual([[true, '→ Told with its region from here on.']]);
  const stopped = next(rollout, { type: 'stopped', at: tuesday + hours(1), by: 'U0OTTO' });
  expect(keys(stopped)).toEqual([]);
  expect(line(stopped, 'region.us-east.1')).toEqual([[true, '→ Put off, unchanged; it waits for its turn again.']]);
});
