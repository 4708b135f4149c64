import { describe, expect, it } from 'vitest';
import { gates, isLook, lift, next, nodesInOrder, plan, summary, todo } from '../../../src/upgrade/rollout/index.ts';
import type { Policy, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { inputOf, newImage, oldImage, oneRegion, tuesday } from '../../support/rollouts.ts';
import { drive, type World, worldOf } from '../../support/simulation.ts';

function begin(nodes: number, policy: Partial<Policy>): { rollout: Rollout; world: World } {
  const rollout = plan(inputOf(oneRegion(nodes, policy), { strategy: 'rolling' }));
  return { rollout, world: worldOf(rollout) };
}

const working = (rollout: Rollout) =>
  nodesInOrder(rollout).flatMap(({ name, state }) => (state.is === 'working' ? [name] : []));

/** Drives to the end and remembers the most nodes that were under way at the same time, also before the first was done. */
function watched(rollout: Rollout, world: World) {
  const seen = { most: 0, before: 0 };
  const ended = drive(rollout, world, {
    from: tuesday,
    limit: 40_000,
    until: (each) => {
      const count = working(each).length;
      seen.most = Math.max(seen.most, count);
      if (nodesInOrder(each)[0]?.state.is !== 'done') seen.before = Math.max(seen.before, count);
      return false;
    },
  });
  return { ...ended, ...seen };
}

/** Until so many nodes are under way and possibly changed. */
function flying(count: number, nodes = 9, policy: Partial<Policy> = {}) {
  const { rollout, world } = begin(nodes, { atOnce: count, ...policy });
  const isSo = (each: Rollout) => Object.values(each.nodes).filter((n) => n.state.is === 'working' && n.touched).length;
  return { world, ...drive(rollout, world, { from: tuesday, until: (each) => isSo(each) === count }) };
}

describe('several nodes at once', () => {
  it('are worked on up to the number of the policy, after the first one, which goes alone', () => {
    const { rollout, world } = begin(9, { atOnce: 3 });
    const { most, before, rollout: ended } = watched(rollout, world);
    expect(ended.status.is).toBe('done');
    expect({ most, before }).toEqual({ most: 3, before: 1 });
    expect(world.starts).toHaveLength(9);
    expect(Math.min(...world.starts.map(({ peersLeft }) => peersLeft))).toBe(6);
  });

  it('are never more than the quorum leaves room for: three nodes go one by one', () => {
    const { rollout, world } = begin(3, { atOnce: 3 });
    expect(watched(rollout, world).most).toBe(1);
    const four = begin(4, { atOnce: 3 });
    expect(watched(four.rollout, four.world).most).toBe(2);
  });

  it('go one by one where the policy does not say otherwise, and where it was stored before there was a choice', () => {
    const { rollout, world } = begin(9, {});
    expect(watched(rollout, world).most).toBe(1);
    const { atOnce: _, ...policy } = rollout.policy;
    expect(lift({ format: 2, rollout: { ...rollout, policy } }).policy.atOnce).toBe(1);
  });

  it('count as down for each other right before a stop, whatever they answer', () => {
    const { rollout, now } = flying(2, 4, { minimumHealthy: 1 });
    const [one = '', other = ''] = working(rollout);
    const sight = { down: false, unchanged: false };
    const standing = Object.fromEntries(nodesInOrder(rollout).map(({ name }) => [name, 'healthy' as const]));
    expect(gates(rollout, one, now, { standing, sight })).toEqual([]);
    const strict = { ...rollout, policy: { ...rollout.policy, minimumHealthy: 3 } };
    expect(gates(strict, one, now, { standing, sight })).toMatchObject([{ name: 'quorum', owner: other }]);
  });

  it('are handed out one after another, so that each intent sees the one before', () => {
    const { rollout, now } = flying(2, 9);
    const three = { ...rollout, policy: { ...rollout.policy, atOnce: 9 } };
    const fresh = todo(three, now + 1).filter((task) => !isLook(task) && three.nodes[task.node]?.state.is === 'ready');
    expect(fresh.length).toBeLessThanOrEqual(1);
  });

  it('keep the quorum and end in one rollback when one of three in flight fails', () => {
    const { rollout, world, now } = flying(3);
    const [bad = '', ...others] = working(rollout);
    world.bad.add(bad);
    const after = drive(rollout, world, {
      from: now,
      limit: 2_000,
      until: (each) => each.status.is === 'held' && working(each).length === 0,
    });
    expect(after.rollout.nodes[bad]?.state.is).toBe('rolled-back');
    for (const name of others) expect(['done', 'ready']).toContain(after.rollout.nodes[name]?.state.is);
    for (const name of others) expect(after.rollout.nodes[name]?.touched).toBe(world.image[name] === newImage);
    expect(world.starts.filter(({ image, at }) => image === oldImage && at > now).map(({ node }) => node)).toEqual([
      bad,
    ]);
    expect(Math.min(...world.starts.map(({ peersLeft, wasDown }) => (wasDown ? 9 : peersLeft)))).toBeGreaterThanOrEqual(
      2,
    );
    expect(todo(after.rollout, after.now).filter((task) => !isLook(task))).toEqual([]);
  });

  it('all turn back when a rollback is asked for, and a stop lets those go that were not touched', () => {
    const { rollout, world, now } = flying(3);
    const back = next(rollout, { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: 0 });
    const ended = drive(back, world, { from: now, limit: 4_000 }).rollout;
    expect(ended.status.is).toBe('rolled-back');
    expect(Object.values(world.image)).toEqual(Array.from({ length: 9 }, () => oldImage));

    const again = flying(3);
    const stopped = next(again.rollout, { type: 'stopped', at: again.now, by: 'U1' });
    const end = drive(stopped, again.world, { from: again.now, limit: 4_000 }).rollout;
    expect(end.status.is).toBe('stopped');
    expect(summary(end)).not.toMatch(/working|stuck/);
  });

  it('the second that fails is told beside the first', () => {
    const { rollout, world, now } = flying(3);
    const [one = '', two = ''] = working(rollout);
    world.bad.add(one);
    world.bad.add(two);
    const after = drive(rollout, world, {
      from: now,
      limit: 2_000,
      until: (each) => each.status.is === 'held' && working(each).length === 0,
    });
    const reason = after.rollout.status.is === 'held' ? after.rollout.status.reason : '';
    expect(reason).toContain(one);
    expect(reason).toContain(two);
  });

  it('the quorum that kept one from its stop lets the others of its region go one by one', () => {
    const { rollout, now } = flying(2);
    const three = { ...rollout, policy: { ...rollout.policy, atOnce: 3 } };
    const begins = (each: Rollout) => todo(each, now + 1).filter(({ node }) => each.nodes[node]?.state.is === 'ready');
    expect(begins(three)).toHaveLength(1);
    const kept = nodesInOrder(three).findLast(({ state }) => state.is === 'ready');
    if (!kept) throw new Error('none is ready');
    const gate = { name: 'quorum', reason: 'op-9 is down', owner: 'op-9', opensAt: null } as const;
    const held = { gates: [gate], since: now, at: now, times: 1, until: now };
    expect(begins({ ...three, nodes: { ...three.nodes, [kept.name]: { ...kept, held } } })).toEqual([]);
  });
});
