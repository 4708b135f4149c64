import { describe, expect, it } from 'vitest';
import { nodeLines } from '../../../src/bot/views/ending.ts';
import { posts } from '../../../src/bot/views/posts.ts';
import { gates, next, todo } from '../../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, NodeTask, Rollout, Task } from '../../../src/upgrade/rollout/types.ts';
import { parts } from '../../support/parts.ts';
import { hours, minutes, newImage, oldImage, planned, tuesday } from '../../support/rollouts.ts';
import { drive, failed, intentOf, perform, type World, worldOf } from '../../support/simulation.ts';

const node = (rollout: Rollout, name: string): NodeRun => {
  const found = rollout.nodes[name];
  if (!found) throw new Error(`no node ${name}`);
  return found;
};
const isDone = (name: string) => (rollout: Rollout) => node(rollout, name).state.is === 'done';
const begin = (rollout: Rollout, task: Task, at: number) => {
  const intent = intentOf(task, at);
  return intent === null ? rollout : next(rollout, intent);
};

function upTo(start: Rollout, world: World, name: string, step: string, from = tuesday) {
  const due = (rollout: Rollout, now: number) =>
    todo(rollout, now).find((each: Task): each is NodeTask => each.node === name && each.step === step);
  const { rollout, now } = drive(start, world, { from, until: (each, at) => due(each, at) !== undefined });
  const task = due(rollout, now);
  if (!task) throw new Error(`${step} of ${name} is not due`);
  return { rollout, now, task };
}

describe('a switch that meets a changed environment', () => {
  const environment = { what: 'environment', sha256: 'd'.repeat(64), version: null } as const;
  function met(clean: boolean) {
    const world = worldOf(planned());
    const { rollout, now, task } = upTo(planned(), world, 'us-east-op-1', 'switch');
    const begun = begin(rollout, task, now);
    const facts = { foreign: environment, clean };
    const report = { ...failed('somebody changed the environment file', false), facts };
    const { run, step, attempt } = task;
    return next(begun, { type: 'reported', at: now + 1, run, node: task.node, step, attempt, report } as Event);
  }

  it('is not called unchanged when something of this release is on the node', () => {
    const after = met(false);
    expect(node(after, 'us-east-op-1')).toMatchObject({
      touched: true,
      foreign: environment,
      state: { is: 'stuck', direction: 'forward' },
    });
    const told = posts(after).find(({ key }) => key.startsWith('stuck.'));
    expect(JSON.stringify(told?.blocks)).toContain('Keep environment on us-east-op-1');
  });

  it('goes on over it, as a person decided, where it was', () => {
    const after = met(false);
    const at = tuesday + hours(1);
    const decision = { type: 'decided', at, by: 'U1', node: 'us-east-op-1', sha256: environment.sha256 } as const;
    const again = next(after, { ...decision, as: 'keep', epoch: 0 });
    expect(todo(again, at).map(({ node: name, step }) => `${name} ${step}`)).toContain('us-east-op-1 switch');
  });

  it('is a failure with nothing to roll back when it is seen that nothing was changed', () => {
    expect(node(met(true), 'us-east-op-1')).toMatchObject({ touched: false, state: { is: 'failed' } });
  });
});

describe('what is said', () => {
  it('of a node that is to be proven again when somebody stops: not "not begun"', () => {
    const world = worldOf(planned());
    const one = drive(planned(), world, { from: tuesday, until: isDone('us-east-op-2') });
    world.down.add('us-east-op-1');
    const held = drive(one.rollout, world, { from: one.now + minutes(2) });
    const resumed = next(held.rollout, { type: 'resumed', at: held.now, by: 'U1' });
    const stopped = next(resumed, { type: 'stopped', at: held.now + 1, by: 'U1' });
    expect(stopped.status.is).toBe('stopped');
    expect(nodeLines(stopped)[0]).toBe('? to be proven again: us-east-op-1, version unknown until somebody looks');
  });

  it('of a gate that stayed shut goes when the rollout is over', () => {
    const world = worldOf(planned());
    const { rollout, now } = upTo(planned(), world, 'us-east-op-1', 'switch');
    world.silent.add('us-east-op-2');
    const isLong = (each: Rollout) => {
      const { held } = node(each, 'us-east-op-1');
      return held !== null && held.at - held.since >= 60_000;
    };
    const waiting = drive(rollout, world, { from: now, limit: 300, until: isLong });
    const waits = (each: Rollout) => posts(each).filter(({ key }) => key.startsWith('wait.'));
    expect(waits(waiting.rollout)).toHaveLength(1);
    const stopping = next(waiting.rollout, { type: 'stopped', at: waiting.now + 1, by: 'U1' });
    const { rollout: over } = drive(stopping, world, { from: waiting.now + 1 });
    expect(over.status.is).toBe('stopped');
    expect(waits(over)).toEqual([]);
  });

  it('of a second failure in a later run is a message of its own', () => {
    const world = worldOf(planned());
    world.bad.add('us-east-op-1');
    const held = drive(planned(), world, { from: tuesday });
    const keys = (rollout: Rollout) => posts(rollout).flatMap(({ key }) => (key.startsWith('failed.') ? [key] : []));
    const again = next(held.rollout, { type: 'retried', at: held.now, by: 'U1', epoch: 0 });
    const task = todo(again, held.now + 1).find((each): each is NodeTask => each.step === 'stage');
    if (!task) throw new Error('not staged again');
    const { run, step, attempt } = task;
    const report = failed('disk is full', false);
    const second = next(begin(again, task, held.now + 1), {
      type: 'reported',
      at: held.now + 2,
      run,
      node: task.node,
      step,
      attempt,
      report,
    });
    expect(second.status.is).toBe('held');
    expect(keys(second)).not.toEqual(keys(held.rollout));
  });

  it('of a node that answers again and is gated: not that it does not answer', () => {
    const world = worldOf(planned());
    const three = drive(planned(), world, { from: tuesday, until: isDone('us-east-op-3') });
    const scope = { is: 'node', node: 'us-east-op-3' } as const;
    const asked = next(three.rollout, { type: 'rollback-asked', at: three.now, by: 'U1', scope, epoch: 0 });
    const { rollout, now, task } = upTo(asked, world, 'us-east-op-3', 'restore', three.now);
    world.silent.add('us-east-op-3');
    const begun = begin(rollout, task, now);
    const silent = next(begun, perform(begun, task, world, now + 1));
    world.silent.clear();
    world.disk['us-east-op-3'] = oldImage;
    world.silent.add('us-east-op-2');
    const gated = drive(silent, world, { from: now + 10_000, limit: 30 }).rollout;
    expect(node(gated, 'us-east-op-3').held).not.toBeNull();
    expect(posts(gated).filter(({ text }) => text.includes('does not answer'))).toEqual([]);
    expect(world.image['us-east-op-3']).toBe(newImage);
  });

  it('of an override: until when', () => {
    const override = { by: 'U1', reason: 'incident' };
    expect(posts(planned({}, { override }))[0]?.text).toContain('overridden until <!date^1795519800^');
  });
});

describe('an approval that expires in the middle of its region', () => {
  it('is asked for again, and the region goes on with the new one', () => {
    const start = planned({ bake: 0 }, { strategy: 'regions' });
    const world = worldOf(start);
    const gate = drive(start, world, { from: tuesday });
    const approve = (at: number): Event => ({ type: 'approved', at, phase: 'approval/eu-west', by: 'U-eu-west' });
    const one = drive(next(gate.rollout, approve(gate.now)), world, { from: gate.now, until: isDone('eu-west-op-1') });
    const later = one.now + hours(49);
    const paused = next(one.rollout, { type: 'paused', at: one.now, by: 'U1' });
    const resumed = next(next(paused, { type: 'ticked', at: later }), { type: 'resumed', at: later + 1, by: 'U1' });
    const asked = drive(resumed, world, { from: later + 1, limit: 300 });
    expect(parts(asked.rollout)[1]).toMatchObject({ approved: null, askedAt: expect.any(Number) });
    const again = drive(next(asked.rollout, approve(asked.now)), world, {
      from: asked.now,
      until: isDone('eu-west-op-2'),
    });
    expect(node(again.rollout, 'eu-west-op-2').state.is).toBe('done');
  });

  it('is not asked for again when the last node of the region is under way: the region is finished and watched', () => {
    const start = planned({ bake: 0 }, { strategy: 'regions' });
    const world = worldOf(start);
    const gate = drive(start, world, { from: tuesday });
    const yes: Event = { type: 'approved', at: gate.now, phase: 'approval/eu-west', by: 'U-eu-west' };
    const last = upTo(next(gate.rollout, yes), world, 'eu-west-op-3', 'verify', gate.now);
    const late = next(last.rollout, { type: 'ticked', at: last.now + hours(49) });
    const after = drive(late, world, { from: last.now + hours(49), limit: 60 });
    expect(parts(after.rollout)[1]).toMatchObject({ approved: { by: 'U-eu-west' }, bakedAt: expect.any(Number) });
    expect(parts(after.rollout)[2]?.askedAt).toEqual(expect.any(Number));
  });
});

describe('ticks', () => {
  const afterOne = () => {
    const world = worldOf(planned());
    return { world, ...drive(planned(), world, { from: tuesday, until: isDone('us-east-op-1') }) };
  };
  const changesIn = (start: Rollout, from: number, ms: number): number => {
    let [rollout, count] = [start, 0];
    for (let at = from; at < from + ms; at += 10) {
      const after = next(rollout, { type: 'ticked', at });
      if (after !== rollout) count += 1;
      rollout = after;
    }
    return count;
  };

  it('of workers whose clocks differ by seconds do not shorten the pause', () => {
    let { rollout, now } = afterOne();
    for (let count = 1; count <= 6; count += 1) {
      rollout = next(rollout, { type: 'ticked', at: now + count * 50 + 5_000 });
      rollout = next(rollout, { type: 'ticked', at: now + count * 50 });
    }
    expect(gates(rollout, 'us-east-op-2', now + 400).map(({ reason }) => reason)).toContain('pause between two nodes');
  });

  it('write a line now and then, however many there are', () => {
    const { rollout, now } = afterOne();
    expect(changesIn(rollout, now, 20_000)).toBeLessThan(5);
    expect(changesIn(planned(), tuesday, 20_000)).toBeLessThan(10);
  });
});

describe('an hour in which a gate stays shut', () => {
  const eventsOf = (trouble: (world: World, at: number) => void): number => {
    const world = worldOf(planned());
    const { rollout, now } = upTo(planned(), world, 'us-east-op-1', 'switch');
    trouble(world, now);
    const { events } = drive(rollout, world, { from: now, limit: 50_000, until: (_each, at) => at > now + hours(1) });
    return events.length;
  };

  it('costs few lines in the journal: a freeze that was declared meanwhile, a peer that stays away', () => {
    const freeze = (world: World, at: number) => {
      world.freezes = [{ start: at - 1, end: at + hours(200), reason: 'x', author: 'U9' }];
    };
    expect(eventsOf(freeze)).toBeLessThan(600);
    expect(eventsOf((world) => void world.silent.add('us-east-op-2'))).toBeLessThan(600);
  });
});
