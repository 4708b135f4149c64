import { expect, it } from 'vitest';
import { posts } from '../../../src/bot/views/posts.ts';
import { nodesInOrder, plan } from '../../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { inputOf, oneRegion, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const working = (rollout: Rollout) => nodesInOrder(rollout).filter(({ state }) => state.is === 'working');
const words = (rollout: Rollout) => posts(rollout).map(({ text }) => text);

/** Three in flight, of which two never prove healthy and one of those cannot be brought back. */
function night() {
  const rollout = plan(inputOf(oneRegion(9, { atOnce: 3 }), { strategy: 'rolling' }));
  const world = worldOf(rollout);
  const isSo = (each: Rollout) => working(each).filter(({ touched }) => touched).length === 3;
  const flying = drive(rollout, world, { from: tuesday, until: isSo });
  const [one = '', two = ''] = working(flying.rollout).map(({ name }) => name);
  for (const name of [one, two]) world.bad.add(name);
  world.badRestore.set(one, 1);
  return { ...flying, world };
}

it('nobody is said to be left alone, and nothing to be stopped, while it is under way', () => {
  const { rollout, world, now } = night();
  const untrue: string[] = [];
  let seen = 0;
  drive(rollout, world, {
    from: now,
    limit: 300,
    until: (each) => {
      for (const text of words(each)) {
        const alone = /left alone: ([^\n]*)/.exec(text)?.[1] ?? '';
        seen += text.includes('Under way, and finished or rolled back first') ? 1 : 0;
        for (const { name } of working(each)) if (alone.includes(name)) untrue.push(`${name} is left alone`);
        if (working(each).length > 0 && text.includes('Everything else is stopped')) untrue.push(text);
      }
      return false;
    },
  });
  expect(untrue).toEqual([]);
  expect(seen).toBeGreaterThan(0);
});

it('alerts that keep nodes from being begun are told in the channel before any worker was kept', () => {
  const rollout = plan(inputOf(oneRegion(4, {}), { strategy: 'rolling' }));
  const world = worldOf(rollout);
  world.alerts = { is: 'firing', names: ['Disk <!channel>'] };
  const { rollout: held } = drive(rollout, world, { from: tuesday, limit: 60 });
  expect(held.startedAt).toBeNull();
  expect(words(held).join('\n')).toMatch(/alerts fired for us-east: Disk &lt;!channel&gt;/);
});
