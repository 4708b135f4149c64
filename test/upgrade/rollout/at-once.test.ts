import { describe, expect, it } from 'vitest';
import {
  gates,
  isLook,
  isOfNode,
  lift,
  next,
  nodesInOrder,
  plan,
  summary,
  todo,
} from '../../../src/upgrade/rollout/index.ts';
import { placesLeft } from '../../../src/upgrade/rollout/places.ts';
import type { Event, Policy, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, inputOf, minutes, newImage, oldImage, oneRegion, tuesday } from '../../support/rollouts.ts';
import { drive, failed, intentOf, perform, type World, worldOf } from '../../support/simulation.ts';

function begin(nodes: number, policy: Partial<Policy>): { rollout: Rollout; world: World } {
  const rollout = plan(inputOf(oneRegion(nodes, policy), { strategy: 'rolling' }));
  return { rollout, world: worldOf(rollout) };
}

const halt = { is: 'clear' } as const;

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

  it('are not the canaries of several regions before the first of them is proven, also where these are one part', () => {
    const fleet = fleetOf();
    const begun = plan(inputOf({ ...fleet, policy: { ...fleet.policy, atOnce: 3 } }, { strategy: 'canary-all' }));
    const { before, most } = watched(begun, worldOf(begun));
    expect({ before, most }).toEqual({ before: 1, most: 2 });
  });

  it('are none beside the first one of their region, in later regions either', () => {
    const fleet = fleetOf({ atOnce: 3, minimumHealthy: 2 }, { perRegion: 6 });
    const begun = plan(inputOf(fleet, { strategy: 'rolling' }));
    let [besides, most] = [0, 0];
    drive(begun, worldOf(begun), {
      from: tuesday,
      limit: 40_000,
      until: (each) => {
        const count = working(each).length;
        most = Math.max(most, count);
        const isAlone = Object.keys(each.peers).some((region) => {
          const [first] = nodesInOrder(each).filter((node) => node.region === region);
          return first?.state.is === 'working' && placesLeft(each, region) > 0;
        });
        besides += isAlone ? 1 : 0;
        return false;
      },
    });
    expect({ besides, most }).toEqual({ besides: 0, most: 3 });
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
    expect(gates(rollout, one, now, { standing, sight, halt })).toEqual([]);
    const strict = { ...rollout, policy: { ...rollout.policy, minimumHealthy: 3 } };
    expect(gates(strict, one, now, { standing, sight, halt })).toMatchObject([{ name: 'quorum', owner: other }]);
  });

  it('count as down again from the intent of the next try of what waited at its gate', () => {
    const { rollout, now } = flying(2, 4);
    const [one = '', other = ''] = working(rollout);
    const waits = rollout.nodes[other];
    if (waits?.state.is !== 'working') throw new Error('it is not under way');
    const gate = { name: 'quorum', reason: 'x', owner: 'y', opensAt: null } as const;
    const { step } = waits.state;
    const shut = { type: 'gated', at: now, run: 1, node: other, step, attempt: waits.attempt } as const;
    const gated = next(rollout, { ...shut, gates: [gate], unchanged: false });
    const strict = (each: Rollout) => ({ ...each, policy: { ...each.policy, minimumHealthy: 3 } });
    const standing = Object.fromEntries(nodesInOrder(rollout).map(({ name }) => [name, 'healthy' as const]));
    const asked = (each: Rollout) =>
      gates(strict(each), one, now, { standing, sight: { down: false, unchanged: false }, halt });
    expect(asked(gated)).toEqual([]);
    const { held, attempt } = gated.nodes[other] ?? waits;
    const begun = { type: 'begun', at: held?.until ?? now, run: 1, node: other, step, attempt } as const;
    expect(asked(next(gated, begun))).toMatchObject([{ name: 'quorum', owner: other }]);
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

  /** Two whose worker was lost between the rename and the restart: both serve the old image, and must be restarted. */
  function halfSwitched() {
    const begun = begin(4, { atOnce: 2 });
    const { world } = begun;
    const atSwitch = (each: Rollout) =>
      nodesInOrder(each).filter(({ state }) => state.is === 'working' && state.step === 'switch');
    const isDue = (each: Rollout) => atSwitch(each).length === 1 && nodesInOrder(each)[0]?.state.is === 'done';
    let { rollout, now } = drive(begun.rollout, world, { from: tuesday, until: isDue });
    for (let step = 0; step < 50 && atSwitch(rollout).length < 2; step++) {
      const held = atSwitch(rollout).map(({ name }) => name);
      const task = todo(rollout, now).find(({ node }) => !held.includes(node));
      now += 1_000;
      const intent = task === undefined ? null : intentOf(task, now);
      if (intent !== null) rollout = next(rollout, intent);
      if (task === undefined) rollout = next(rollout, { type: 'ticked', at: now });
      else if (todo(rollout, now).some(({ id }) => id === task.id))
        rollout = next(rollout, perform(rollout, task, world, now));
    }
    const names = atSwitch(rollout).map(({ name }) => name);
    for (const name of names) {
      const task = todo(rollout, now).find(({ node }) => node === name);
      if (!task) throw new Error(`${name} is not due`);
      now += 100;
      rollout = next(rollout, intentOf(task, now) as Event);
      perform(rollout, task, world, now, 'half');
    }
    return { rollout, world, now, names };
  }

  it('that are both half switched go on one after the other when a third falls sick: none waits for the other', () => {
    const { rollout, world, now, names } = halfSwitched();
    expect(names).toHaveLength(2);
    world.down.add('op-001');
    const { rollout: end } = drive(rollout, world, {
      from: now,
      limit: 600,
      until: (_each, at) => at > now + hours(1),
    });
    expect(names.map((name) => end.nodes[name]?.state.is)).toEqual(['done', 'done']);
  });

  it('that both go back by themselves while a third is sick do so one after the other', () => {
    const { rollout, world } = begin(4, { atOnce: 2 });
    const proving = (each: Rollout) =>
      nodesInOrder(each).filter(
        ({ name, state }) => name !== 'op-001' && state.is === 'working' && state.step === 'verify',
      );
    let { rollout: here, now } = drive(rollout, world, { from: tuesday, until: (each) => proving(each).length === 2 });
    const names = proving(here).map(({ name }) => name);
    world.down.add('op-001');
    for (const name of names) {
      const task = todo(here, now).find(({ node }) => node === name);
      if (!task || !isOfNode(task)) throw new Error(`${name} is not due`);
      now += 100;
      here = next(here, intentOf(task, now) as Event);
      const { run, node, step, attempt } = task;
      const report = failed('restarted by itself', false);
      here = next(here, { type: 'reported', at: now, run, node, step, attempt, report });
    }
    const { rollout: end } = drive(here, world, { from: now, limit: 600, until: (_each, at) => at > now + hours(1) });
    expect(names.map((name) => end.nodes[name]?.state.is)).toEqual(['rolled-back', 'rolled-back']);
  });

  it('that are kept from their stops at the same moment ask again at different ones', () => {
    const { rollout, now } = flying(2);
    const gate = { name: 'quorum', reason: 'x', owner: 'y', opensAt: null } as const;
    const after = working(rollout).reduce((acc, name) => {
      const node = acc.nodes[name];
      if (node?.state.is !== 'working') throw new Error(`${name} is not under way`);
      const { step } = node.state;
      const event = { type: 'gated', at: now, run: acc.run, node: name, step, attempt: node.attempt } as const;
      return next(acc, { ...event, gates: [gate], unchanged: false });
    }, rollout);
    const times = working(after).map((name) => after.nodes[name]?.held?.until ?? 0);
    expect(Math.abs((times[0] ?? 0) - (times[1] ?? 0))).toBeGreaterThanOrEqual(5_000);
  });

  it('a gate that was shut long ago for what is finished since does not make the region careful', () => {
    const { rollout, now } = flying(2);
    const three = { ...rollout, policy: { ...rollout.policy, atOnce: 3 } };
    const canary = nodesInOrder(three)[0];
    if (!canary) throw new Error('no node');
    const gate = { name: 'quorum', reason: 'x', owner: 'y', opensAt: null } as const;
    const held = { gates: [gate], since: now, at: now, times: 1, until: now };
    const stale = { ...three, nodes: { ...three.nodes, [canary.name]: { ...canary, held } } };
    const begins = todo(stale, now + 1).filter(({ node }) => stale.nodes[node]?.state.is === 'ready');
    expect(begins).toHaveLength(1);
  });

  it('where one does not report, the sign of life of another says nothing of it', () => {
    const { rollout, world, now } = flying(2);
    const [slow = ''] = working(rollout);
    const isOthers = (each: Rollout, at: number) => todo(each, at).find(({ node }) => node !== slow);
    let here = rollout;
    const due = todo(here, now).find(({ node }) => node === slow);
    if (due && here.nodes[slow]?.begun !== here.nodes[slow]?.attempt) here = next(here, intentOf(due, now) as Event);
    const at = now + minutes(20);
    here = next(here, { type: 'ticked', at });
    expect(here.unattended).toMatchObject([{ why: 'no report' }]);
    const task = isOthers(here, at);
    if (!task) throw new Error('the other is not due');
    const intent = intentOf(task, at + 1);
    if (intent !== null) here = next(here, intent);
    here = next(here, perform(here, task, world, at + 2));
    expect(here.unattended).toMatchObject([{ why: 'no report' }]);
  });
});
