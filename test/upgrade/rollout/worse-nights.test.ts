import { describe, expect, it } from 'vitest';
import { posts } from '../../../src/bot/views/posts.ts';
import { isLook, isOpen, next, plan, sinceOf, todo, whyWaiting } from '../../../src/upgrade/rollout/index.ts';
import type {
  Event,
  Gate,
  NodeRun,
  NodeTask,
  Policy,
  RollbackScope,
  Rollout,
  Seen,
} from '../../../src/upgrade/rollout/types.ts';
import { parts } from '../../support/parts.ts';
import { fleetOf, hours, inputOf, minutes, newImage, oldImage, planned, tuesday } from '../../support/rollouts.ts';
import { drive, intentOf, perform, type World, worldOf } from '../../support/simulation.ts';

/** Nights that a hostile reader thought of: each ended in harm, in a wrong word, or never. */

const node = (rollout: Rollout, name: string): NodeRun => rollout.nodes[name] as NodeRun;
const restored = (world: World) => world.starts.filter(({ image }) => image === oldImage).map(({ node: name }) => name);
const back = (at: number, scope: RollbackScope): Event => ({ type: 'rollback-asked', at, by: 'U1', scope, epoch: 0 });
const allDone = (changes: Partial<Policy> = {}) => {
  const start = planned({ pause: 0, ...changes });
  const world = worldOf(start);
  const d = drive(start, world, { from: tuesday });
  expect(d.rollout.status.is).toBe('done');
  return { world, ...d };
};
/** Works on all regions but one that nobody serves, and lets a minute pass when nothing else is due. */
function workWithout(region: string, start: Rollout, world: World, from: number): void {
  let rollout = start;
  let now = from;
  for (let step = 0; step < 2000 && isOpen(rollout); step++) {
    const task = todo(rollout, now).find((each) => each.region !== region);
    now += 500;
    if (!task) {
      now += minutes(1);
      rollout = next(rollout, { type: 'ticked', at: now, silent: [region] });
      continue;
    }
    const intent = intentOf(task, now);
    if (intent) rollout = next(rollout, intent);
    if (todo(rollout, now).some(({ id }) => id === task.id))
      rollout = next(rollout, perform(rollout, task, world, now));
  }
}

const text = (rollout: Rollout) => JSON.stringify(posts(rollout).map(({ key, text }) => [key, text]));

describe('a rollback that is asked for while another is under way', () => {
  it('a second region asked while the first goes back does not take the third', () => {
    const { world, rollout, now } = allDone();
    const a = next(rollout, back(now, { is: 'region', region: 'us-east' }));
    const b = next(a, back(now + 1, { is: 'region', region: 'eu-west' }));
    const after = drive(b, world, { from: now + 1 });
    expect(restored(world).filter((n) => n.startsWith('ap-south'))).toEqual([]);
    expect(after.rollout.status.is).toBe('held');
  });
  it('a second node asked while the first goes back does not take the third', () => {
    const { world, rollout, now } = allDone();
    const a = next(rollout, back(now, { is: 'node', node: 'us-east-op-1' }));
    const b = next(a, back(now + 1, { is: 'node', node: 'us-east-op-2' }));
    drive(b, world, { from: now + 1 });
    expect(restored(world)).not.toContain('us-east-op-3');
  });
});

describe('a rollback that waits for the quorum is told', () => {
  it('in the channel, at every moment after the first minute', () => {
    const { world, rollout, now } = allDone();
    world.silent.add('us-east-op-2');
    const asked = next(rollout, back(now, { is: 'node', node: 'us-east-op-3' }));
    const after = drive(asked, world, {
      from: now,
      limit: 80,
      until: (r, at) => at > now + minutes(10) && !Object.values(r.nodes).some((n) => n.state.is === 'working'),
    });
    expect(after.rollout.status.is).toBe('rolling-back');
    expect(node(after.rollout, 'us-east-op-3').held?.gates[0]?.name).toBe('quorum');
    expect(node(after.rollout, 'us-east-op-3').state.is).toBe('done');
    expect(text(after.rollout)).toContain('would leave 1 healthy');
  });
});

describe('one machine that is off for good', () => {
  it('does not keep the other regions from going back: retry goes on with what can', () => {
    const { world, rollout, now } = allDone();
    world.silent.add('us-east-op-1');
    let { rollout: r, now: t } = drive(next(rollout, back(now + 20_000, { is: 'all' })), world, {
      from: now + 20_000,
      limit: 600,
    });
    for (let i = 0; i < 5; i++) {
      expect(r.status.is).toBe('held');
      r = next(r, { type: 'retried', at: t, by: 'U1', epoch: 0 });
      ({ rollout: r, now: t } = drive(r, world, { from: t, limit: 600 }));
    }
    expect(restored(world).length, JSON.stringify(r.status)).toBeGreaterThan(0);
  });
});

describe('a region without a worker', () => {
  it('does not keep the others from going back', () => {
    const { world, rollout, now } = allDone();
    workWithout('ap-south', next(rollout, back(now, { is: 'all' })), world, now);
    expect(restored(world)).toContain('us-east-op-1');
  });
});

describe('a worker that dies for good in the middle of a node', () => {
  const lost = () => {
    const start = planned({ pause: 0 });
    const world = worldOf(start);
    const d = drive(start, world, {
      from: tuesday,
      until: (r) => {
        const s = node(r, 'eu-west-op-1').state;
        return s.is === 'working' && s.step === 'verify';
      },
    });
    const task = todo(d.rollout, d.now).find((x) => x.node === 'eu-west-op-1') as NodeTask;
    const r = next(d.rollout, intentOf(task, d.now) as Event);
    return { r, world, now: d.now };
  };
  it('a stop ends', () => {
    const { r, now } = lost();
    let s = next(r, { type: 'stopped', at: now + 1, by: 'U1' });
    for (let t = now; t < now + hours(72); t += 60_000) s = next(s, { type: 'ticked', at: t, silent: ['eu-west'] });
    expect(s.status.is).toBe('stopped');
  });
  it('a rollback of another region goes on', () => {
    const { r, world, now } = lost();
    workWithout('eu-west', next(r, back(now + 1, { is: 'region', region: 'us-east' })), world, now + 1);
    expect(restored(world)).toContain('us-east-op-1');
  });
});

describe('what is said of a try that nobody understood', () => {
  it('does not say that a node does not answer when it did', () => {
    const start = planned();
    const world = worldOf(start);
    const d = drive(start, world, { from: tuesday, until: (r, t) => todo(r, t).some((x) => x.step === 'switch') });
    const task = todo(d.rollout, d.now).find((x) => x.step === 'switch') as NodeTask;
    const b = next(d.rollout, intentOf(task, d.now) as Event);
    const { run, step, attempt } = task;
    const r = next(b, {
      type: 'reported',
      at: d.now + 1,
      run,
      node: task.node,
      step,
      attempt,
      report: { is: 'unknown', reason: 'another command still runs on the node' },
    });
    expect(text(r)).not.toContain('does not answer');
  });
});

describe('the end', () => {
  it('a stopped rollout counts what runs the new version', () => {
    const start = planned({ autoRollback: 'none' });
    const world = worldOf(start);
    world.bad.add('us-east-op-1');
    const d = drive(start, world, { from: tuesday });
    expect(world.image['us-east-op-1']).toBe(newImage);
    const s = next(d.rollout, { type: 'stopped', at: d.now, by: 'U1' });
    expect(s.status.is).toBe('stopped');
    expect(text(s)).toContain('0 of 9 nodes on v2.0.0, and perhaps us-east-op-1 (changed and not proven)');
  });
});

it('a stop between a failed verify and the restore does not leave the broken node as it is', () => {
  const start = planned();
  const world = worldOf(start);
  world.bad.add('us-east-op-1');
  const d = drive(start, world, {
    from: tuesday,
    until: (r) => {
      const { state } = node(r, 'us-east-op-1');
      return state.is === 'working' && state.direction === 'back';
    },
  });
  expect(world.image['us-east-op-1']).toBe(newImage);
  const stopping = next(d.rollout, { type: 'stopped', at: d.now + 1, by: 'U1' });
  const after = drive(stopping, world, { from: d.now + 1, limit: 400 });
  expect(after.rollout.status.is).toBe('stopped');
  expect(world.image['us-east-op-1'], text(after.rollout)).toBe(oldImage);
});
it('the same between diagnosis and restore', () => {
  const start = planned();
  const world = worldOf(start);
  world.bad.add('us-east-op-1');
  const d = drive(start, world, {
    from: tuesday,
    until: (r) => {
      const { state } = node(r, 'us-east-op-1');
      return state.is === 'working' && state.step === 'restore';
    },
  });
  const stopping = next(d.rollout, { type: 'stopped', at: d.now + 1, by: 'U1' });
  const after = drive(stopping, world, { from: d.now + 1, limit: 400 });
  expect(world.image['us-east-op-1'], text(after.rollout)).toBe(oldImage);
});

it('the last word is not said of a node that was last looked at hours ago', () => {
  const start = planned({}, { limit: 1 });
  const world = worldOf(start);
  const d = drive(start, world, {
    from: tuesday,
    until: (r) => {
      const { state } = node(r, 'us-east-op-1');
      return state.is === 'working' && state.step === 'cleanup';
    },
  });
  world.down.add('us-east-op-1');
  // The worker was away for six hours between verify and cleanup.
  const after = drive(d.rollout, world, { from: d.now + hours(6), limit: 60 });
  expect(after.rollout.status.is, text(after.rollout)).not.toBe('done');
});

it('paused, a rollout with a dead finished node is not called done', () => {
  const start = planned({ pause: 0 }, { limit: 1 });
  const world = worldOf(start);
  const d = drive(start, world, {
    from: tuesday,
    until: (r) => {
      const { state } = node(r, 'us-east-op-1');
      return state.is === 'working' && state.step === 'cleanup';
    },
  });
  const unknown = (r: Rollout, at: number) => {
    const task = todo(r, at).find((x): x is NodeTask => x.step === 'cleanup');
    if (!task) return r;
    const b = next(r, intentOf(task, at) as Event);
    const { run, step, attempt } = task;
    return next(b, {
      type: 'reported',
      at: at + 1,
      run,
      node: task.node,
      step,
      attempt,
      report: { is: 'failed', reason: 'does not answer', retry: true, facts: {} },
    });
  };
  world.silent.add('us-east-op-1');
  let r = d.rollout;
  let now = d.now;
  for (let i = 0; i < 10 && r.status.is === 'running'; i++) {
    now += minutes(1);
    r = unknown(r, now);
  }
  expect(r.status.is, text(r)).not.toBe('done');
});

it('one lost probe after a slow start is no outage', () => {
  const start = planned();
  const world = worldOf(start);
  const d = drive(start, world, {
    from: tuesday,
    until: (r) => {
      const { state } = node(r, 'us-east-op-2');
      return state.is === 'working' && state.step === 'verify';
    },
  });
  const look = (r: Rollout, at: number, standing: Seen['standing']): Rollout =>
    next(r, {
      type: 'watched',
      at,
      run: r.run,
      region: 'us-east',
      attempt: (r.looks['us-east']?.count ?? 0) + 1,
      seen: Object.fromEntries(
        (r.peers['us-east'] ?? []).map((name) => [
          name,
          name === 'us-east-op-2'
            ? { standing, detail: standing, proof: 'not asked' }
            : {
                standing: 'healthy',
                detail: 'healthy',
                proof: node(r, name).state.is === 'done' ? 'holds' : 'not asked',
              },
        ]),
      ),
    } as Event);
  // It takes 45 s to start; the region is looked at meanwhile, because op-1 is finished.
  let r = look(d.rollout, d.now + 15_000, 'down');
  r = look(r, d.now + 30_000, 'down');
  r = look(r, d.now + 45_000, 'down');
  const done = drive(r, world, { from: d.now + 60_000, until: (x) => node(x, 'us-east-op-2').state.is === 'done' });
  const after = look(done.rollout, done.now + 1_000, 'unclear');
  expect(after.status).toMatchObject({ is: 'running' });
});

it('the next node is not begun when the newest look saw a finished one down', () => {
  const start = plan(inputOf(fleetOf({ pause: 0 }, { perRegion: 5 })));
  const world = worldOf(start);
  const first = 'us-east-op-1';
  const d = drive(start, world, { from: tuesday, until: (r) => node(r, first).state.is === 'done' });
  const looks = d.rollout.looks['us-east'];
  if (!looks) throw new Error('no looks');
  // In truth a soak of a minute lies between the look before the begin and the end of the node.
  const r0 = { ...d.rollout, looks: { ...d.rollout.looks, 'us-east': { ...looks, at: (looks.at ?? 0) - 60_000 } } };
  world.down.add(first);
  const after = drive(r0, world, {
    from: d.now,
    until: (r) =>
      Object.values(r.nodes).some((n) => n.name !== first && n.state.is === 'working') || r.status.is !== 'running',
  });
  expect(after.rollout.looks['us-east']?.standing[first]).toBe('down');
  expect(
    Object.values(after.rollout.nodes)
      .filter((n) => n.state.is === 'working')
      .map((n) => n.name),
  ).toEqual([]);
});

it('the wait is counted from when the gate was shut, not from the day before', () => {
  const start = planned();
  const world = worldOf(start);
  const d = drive(start, world, { from: tuesday, until: (r, t) => todo(r, t).some((x) => x.step === 'switch') });
  const go = (r: Rollout, now: number, gate: Gate) => {
    const task = todo(r, now).find((x) => x.step === 'switch') as NodeTask;
    const b = next(r, intentOf(task, now) as Event);
    const { run, step, attempt } = task;
    return next(b, {
      type: 'gated',
      at: now + 1000,
      run,
      node: task.node,
      step,
      attempt,
      unchanged: true,
      gates: [gate],
    });
  };
  const window = {
    name: 'window',
    reason: 'a node no longer fits before the window closes',
    owner: 'the clock',
    opensAt: d.now + hours(20),
  } as const;
  const quorum = { name: 'quorum', reason: 'stopping it would leave 1', owner: 'x', opensAt: null } as const;
  const shut = go(d.rollout, d.now, window);
  const later = d.now + hours(20);
  const e = drive(shut, world, { from: later, until: (r, t) => todo(r, t).some((x) => x.step === 'switch') });
  const again = go(e.rollout, e.now, quorum);
  const text = JSON.stringify(posts(again).map((p) => p.text));
  expect(node(again, 'us-east-op-1').held?.since, text).toBeGreaterThan(later - 1);
});

describe('lines of the core that nothing held', () => {
  const upTo = (step: string, name = 'us-east-op-1', changes: Partial<Policy> = {}) => {
    const start = planned(changes);
    const world = worldOf(start);
    const due = (r: Rollout, t: number) =>
      todo(r, t).find((each): each is NodeTask => each.node === name && each.step === step);
    const { rollout, now } = drive(start, world, { from: tuesday, until: (r, t) => due(r, t) !== undefined });
    const task = due(rollout, now);
    if (!task) throw new Error(`${step} is not due`);
    return { rollout, world, now, task };
  };

  it('what a node was before is recorded once: not what a retry finds on it when it was switched', () => {
    const { rollout, now, task } = upTo('verify');
    const { run, attempt } = task;
    const before = node(rollout, task.node).before;
    const facts = { before: { version: 'v2.0.0', sha256: newImage, envSha256: null, invocation: 'x' }, already: true };
    const report = { is: 'succeeded', facts } as const;
    const begun = next(rollout, intentOf(task, now) as Event);
    const after = next(begun, { type: 'reported', at: now + 1, run, node: task.node, step: 'verify', attempt, report });
    expect(node(after, task.node)).toMatchObject({ before, already: false });
  });

  it('an intent that comes when its gates are shut begins nothing', () => {
    const { rollout, now, task } = upTo('backup');
    const paused = next(rollout, { type: 'paused', at: now, by: 'U1' });
    expect(next(paused, intentOf(task, now + 1) as Event)).toBe(paused);
    const later = { ...rollout, startAt: now + hours(1) };
    expect(next(later, intentOf(task, now + 1) as Event)).toBe(later);
  });

  it('an intent of a try that is used up begins nothing, however late it comes', () => {
    const { rollout, world, now, task } = upTo('backup');
    const begun = next(rollout, intentOf(task, now) as Event);
    const paused = next(begun, { type: 'paused', at: now + 1, by: 'U1' });
    const lost = drive(paused, world, { from: now + 1, until: (r) => node(r, task.node).state.is === 'ready' });
    const resumed = next(lost.rollout, { type: 'resumed', at: lost.now, by: 'U1' });
    const due = (r: Rollout, t: number) =>
      todo(r, t).some(({ node: name, step }) => name === task.node && step === 'backup');
    const again = drive(resumed, world, { from: lost.now, until: due });
    expect(due(again.rollout, again.now)).toBe(true);
    expect(next(again.rollout, intentOf(task, again.now) as Event)).toBe(again.rollout);
    const late = { ...(intentOf(task, again.now) as Event), attempt: node(again.rollout, task.node).attempt };
    expect(next(again.rollout, late as Event)).not.toBe(again.rollout);
    expect(next(again.rollout, { ...late, run: again.rollout.run - 1 } as Event)).toBe(again.rollout);
  });

  it.each(['paused', 'stopped'] as const)(
    'an intent to prove a node again begins nothing once somebody has %s',
    (type) => {
      const { rollout, world, now } = upTo('backup', 'us-east-op-2');
      world.down.add('us-east-op-1');
      const held = drive(rollout, world, { from: now + minutes(2) });
      expect(held.rollout.status).toMatchObject({ is: 'held', node: 'us-east-op-1' });
      const resumed = next(held.rollout, { type: 'resumed', at: held.now, by: 'U1' });
      const task = todo(resumed, held.now).find((each): each is NodeTask => each.step === 'verify');
      if (!task) throw new Error('nothing is to be proven again');
      const halted = next(resumed, { type, at: held.now + 1, by: 'U1' });
      expect(next(halted, intentOf(task, held.now + 2) as Event)).toBe(halted);
    },
  );

  it('what was changed is proven again before anything new is begun, also when it stands last in the order', () => {
    const start = planned();
    const world = worldOf(start);
    world.down.add('us-east-op-3');
    const done = drive(start, world, { from: tuesday, until: (r) => node(r, 'us-east-op-3').state.is === 'done' });
    world.invocation['us-east-op-3'] = 99;
    const held = drive(done.rollout, world, { from: done.now + minutes(2) });
    expect(held.rollout.status).toMatchObject({ is: 'held', node: 'us-east-op-3' });
    const resumed = next(held.rollout, { type: 'resumed', at: held.now, by: 'U1' });
    const due = todo(resumed, held.now).filter((task) => !isLook(task));
    expect(due.map(({ node: name, step }) => `${name} ${step}`)).toEqual(['us-east-op-3 verify']);
  });

  it('a try of which nobody knows the end is tried again after a while, not at once', () => {
    const { rollout, now, task } = upTo('verify');
    const { run, step, attempt } = task;
    const begun = next(rollout, intentOf(task, now) as Event);
    const report = { is: 'unknown', reason: 'cut' } as const;
    const cut = next(begun, { type: 'reported', at: now, run, node: task.node, step, attempt, report });
    const dueAt = (at: number) => todo(cut, at).some((each) => each.node === task.node);
    const { retryDelay } = rollout.policy;
    expect([dueAt(now + retryDelay - 1), dueAt(now + retryDelay)]).toEqual([false, true]);
  });

  it('a node is rolled back by itself once in a run', () => {
    const { rollout, world, now } = upTo('verify');
    world.bad.add('us-east-op-1');
    const held = drive(rollout, world, { from: now }).rollout;
    expect(held.status.is).toBe('held');
    const used = { ...node(held, 'us-east-op-1'), rolledBackInRun: held.run + 1 };
    const again = { ...held, nodes: { ...held.nodes, 'us-east-op-1': used } };
    const retried = next(again, { type: 'retried', at: now + hours(0.2), by: 'U1', epoch: 0 });
    const kept = { ...node(retried, 'us-east-op-1'), rolledBackInRun: retried.run };
    const run = { ...retried, nodes: { ...retried.nodes, 'us-east-op-1': kept } };
    const after = drive(run, world, { from: now + hours(0.2) }).rollout;
    expect(node(after, 'us-east-op-1').state.is).toBe('unproven');
  });

  it('a stop lets go at once of what was begun and not touched', () => {
    const { rollout, now, task } = upTo('backup');
    const begun = next(rollout, intentOf(task, now) as Event);
    const after = next(begun, { type: 'stopped', at: now + 1, by: 'U1' });
    expect([after.status.is, node(after, task.node).state.is]).toEqual(['stopped', 'ready']);
  });

  it('a look that is told twice counts once', () => {
    const start = planned({}, { strategy: 'regions' });
    const world = worldOf(start);
    const done = drive(start, world, {
      from: tuesday,
      until: (r, t) => todo(r, t).some(({ step }) => step === 'prove') && (parts(r)[0]?.finishedAt ?? null) !== null,
    });
    const task = todo(done.rollout, done.now).find(({ step }) => step === 'prove');
    if (!task) throw new Error('no look is due');
    const event = perform(done.rollout, task, world, done.now);
    const once = next(done.rollout, event);
    expect(once).not.toBe(done.rollout);
    expect(next(once, { ...event, at: event.at + 1_000 })).toBe(once);
  });

  it('a bake does not end on health alone', () => {
    const start = planned({ bake: 0 }, { strategy: 'regions' });
    const world = worldOf(start);
    const { rollout, now } = drive(start, world, {
      from: tuesday,
      until: (r) => (parts(r)[0]?.finishedAt ?? null) !== null,
    });
    const seen = Object.fromEntries(
      (rollout.peers['us-east'] ?? []).map((name): [string, Seen] => [
        name,
        { standing: 'healthy', detail: 'healthy', proof: 'not asked' },
      ]),
    );
    const attempt = (rollout.looks['us-east']?.count ?? 0) + 1;
    const event = { type: 'watched', at: now + 1_000, run: rollout.run, region: 'us-east', attempt, seen } as const;
    expect(parts(next(rollout, event))[0]?.bakedAt).toBeNull();
  });

  it('a resume does not step over a node that waits for a decision', () => {
    const { rollout, world, now } = upTo('verify');
    world.bad.add('us-east-op-1');
    const held = drive(rollout, world, { from: now }).rollout;
    expect(next(held, { type: 'resumed', at: now + hours(1), by: 'U1' })).toBe(held);
  });

  it.each([
    ['was switched and is not proven', 'unproven'],
    ['did what nobody knows', 'stuck'],
  ] as const)('a resume does not step over a node that %s', (_what, is) => {
    const { rollout, world, now } = upTo('verify', 'us-east-op-1', { autoRollback: 'none' });
    if (is === 'stuck') world.silent.add('us-east-op-1');
    else world.bad.add('us-east-op-1');
    const held = drive(rollout, world, { from: now, until: (r) => r.status.is === 'held' });
    expect(node(held.rollout, 'us-east-op-1').state.is).toBe(is);
    expect(next(held.rollout, { type: 'resumed', at: held.now, by: 'U1' })).toBe(held.rollout);
  });

  it('a region that was rolled back is begun again only after a new approval, not days later on the old one', () => {
    const start = planned({ bake: 0, pause: 0 }, { strategy: 'regions' });
    const world = worldOf(start);
    const gate = drive(start, world, { from: tuesday });
    const yes: Event = { type: 'approved', at: gate.now, phase: 'approval/eu-west', by: 'U-eu-west' };
    const isDone = (r: Rollout) => node(r, 'eu-west-op-3').state.is === 'done';
    const done = drive(next(gate.rollout, yes), world, { from: gate.now, until: isDone });
    const asked = next(done.rollout, back(done.now, { is: 'region', region: 'eu-west' }));
    const held = drive(asked, world, { from: done.now, until: (r) => r.status.is === 'held' });
    const retried = next(held.rollout, { type: 'retried', at: held.now, by: 'U1', epoch: 0 });
    const begun = world.starts.length;
    const after = drive(retried, world, { from: held.now });
    expect(after.now - gate.now).toBeLessThan(hours(1));
    expect([parts(after.rollout)[1]?.approved, world.starts.length]).toEqual([null, begun]);
  });

  it('a region in which something fell sick is watched anew before anybody is asked', () => {
    const start = planned({ pause: 0 }, { strategy: 'regions' });
    const world = worldOf(start);
    const asked = drive(start, world, { from: tuesday });
    expect(parts(asked.rollout)[1]?.askedAt).toEqual(expect.any(Number));
    world.down.add('us-east-op-1');
    let { rollout, now } = asked;
    for (let count = 0; count < 20 && rollout.status.is === 'running'; count += 1) {
      now += minutes(1);
      for (const task of todo(rollout, now)) rollout = next(rollout, perform(rollout, task, world, now));
    }
    expect(rollout.status.is).toBe('held');
    world.down.clear();
    const resumed = next(rollout, { type: 'resumed', at: now, by: 'U1' });
    expect(parts(resumed)[1]?.askedAt).toBeNull();
    const again = drive(resumed, world, { from: now });
    expect(parts(again.rollout)[1]?.askedAt).toBeGreaterThan(now + hours(1));
  });
});

describe('a watch over several regions', () => {
  it('looks at each at its own interval, and ends', () => {
    const bake = hours(0.1);
    const start = plan(inputOf(fleetOf({ bake }, { windows: 'always' }), { strategy: 'canary-all' }));
    const world = worldOf(start);
    const { rollout, events } = drive(start, world, { from: tuesday, limit: 600 });
    const watch = rollout.phases.find(({ id }) => id === 'watch/canaries');
    expect(watch?.state.is).toBe('done');
    const looks = events.filter((event) => event.type === 'watched' && event.at > (sinceOf(watch ?? null) ?? 0));
    expect(looks.length).toBeLessThan((3 * 2 * bake) / start.policy.watch);
  });
});

describe('a stop and a retry in the middle of something', () => {
  /** The next stop of this node's service is due. */
  const upTo = (begin: Rollout, world: World, name: string, step: NodeTask['step'], from: number) => {
    const due = (r: Rollout, t: number) =>
      todo(r, t).find((each): each is NodeTask => each.node === name && each.step === step);
    const { rollout, now } = drive(begin, world, { from, until: (r, t) => due(r, t) !== undefined });
    const task = due(rollout, now);
    if (!task) throw new Error(`${step} of ${name} is not due`);
    return { rollout, now, task };
  };
  /** Its worker was cut off between the rename and the restart, and said so. */
  const cutOff = ({ rollout, now, task }: { rollout: Rollout; now: number; task: NodeTask }, world: World) => {
    const begun = next(rollout, intentOf(task, now) as Event);
    return next(begun, perform(begun, task, world, now + 1_000, 'half'));
  };
  const first = 'us-east-op-1';
  const peer = 'us-east-op-2';

  it('a stop does not let go of a restore of which nobody knows what came', () => {
    const { world, rollout, now } = allDone();
    const asked = next(rollout, back(now, { is: 'node', node: first }));
    const due = upTo(asked, world, first, 'restore', now);
    const lost = cutOff(due, world);
    expect([world.image[first], world.disk[first]]).toEqual([newImage, oldImage]);
    const stopping = next(lost, { type: 'stopped', at: due.now + 2_000, by: 'U1' });
    expect(node(stopping, first)).toMatchObject({ uncertain: true, state: { is: 'working', step: 'restore' } });
    const ended = drive(stopping, world, { from: due.now + 2_000 }).rollout;
    expect([ended.status.is, node(ended, first).state.is, world.image[first]]).toEqual([
      'stopped',
      'rolled-back',
      oldImage,
    ]);
  });

  describe('of a switch that may be half, while a peer is away', () => {
    const halfSwitched = () => {
      const start = planned();
      const world = worldOf(start);
      const due = upTo(start, world, first, 'switch', tuesday);
      const lost = cutOff(due, world);
      world.silent.add(peer);
      const gated = drive(lost, world, { from: due.now + 1_000, until: (r) => node(r, first).held !== null });
      return { world, ...gated };
    };
    const stopped = (r: Rollout, at: number) => next(r, { type: 'stopped', at, by: 'U1' });

    it('a stop waits for the peer, and the node is finished when it is back', () => {
      const { world, rollout, now } = halfSwitched();
      const waiting = drive(stopped(rollout, now), world, { from: now, until: (_r, t) => t > now + 20_000 });
      expect([waiting.rollout.status.is, node(waiting.rollout, first).state.is]).toEqual(['stopping', 'working']);
      world.silent.clear();
      const ended = drive(waiting.rollout, world, { from: waiting.now }).rollout;
      expect([ended.status.is, node(ended, first).state.is]).toEqual(['stopped', 'done']);
    });

    it('a stop ends within minutes when the peer stays away, and says how it left the node', () => {
      const { world, rollout, now } = halfSwitched();
      const ended = drive(stopped(rollout, now), world, { from: now, limit: 100 });
      expect(ended.rollout.status.is).toBe('stopped');
      expect(ended.now - now).toBeLessThan(minutes(3));
      expect(node(ended.rollout, first)).toMatchObject({
        touched: true,
        state: { is: 'stuck', reason: expect.stringContaining('it may be changed half') },
      });
    });

    it('nobody gives it up without a stop, however long it takes', () => {
      const { world, rollout, now } = halfSwitched();
      const waiting = drive(rollout, world, { from: now, until: (_r, t) => t > now + minutes(30) });
      expect(node(waiting.rollout, first).state.is).toBe('working');
      world.silent.clear();
      const after = drive(waiting.rollout, world, {
        from: waiting.now,
        until: (r) => node(r, first).state.is === 'done',
      });
      expect(node(after.rollout, first).state.is).toBe('done');
    });
  });

  it.each([
    ['is rolled back and the stop ends', 0, 'rolled-back', oldImage],
    ['cannot be rolled back either, and the stop ends all the same', 1, 'stuck', oldImage],
  ] as const)('a node that fails while the rollout is being stopped %s', (_what, badRestores, is, image) => {
    const start = planned();
    const world = worldOf(start);
    world.bad.add(first);
    world.badRestore.set(first, badRestores);
    const due = upTo(start, world, first, 'verify', tuesday);
    const stopping = next(due.rollout, { type: 'stopped', at: due.now, by: 'U1' });
    const ended = drive(stopping, world, { from: due.now, limit: 60 }).rollout;
    expect([ended.status.is, node(ended, first).state.is, world.image[first]]).toEqual(['stopped', is, image]);
  });

  it('a second click on Stop, or on the same rollback, changes nothing', () => {
    const start = planned();
    const { rollout, now } = upTo(start, worldOf(start), first, 'verify', tuesday);
    const stopping = next(rollout, { type: 'stopped', at: now, by: 'U1' });
    expect(stopping.status.is).toBe('stopping');
    expect(next(stopping, { type: 'stopped', at: now + 1, by: 'U2' })).toBe(stopping);
    const asked = next(rollout, back(now, { is: 'all' }));
    expect(next(asked, back(now + 1, { is: 'all' }))).toBe(asked);
  });

  it('a rollback that is put off by a stop does not make a node proven that never was', () => {
    const start = planned();
    const { rollout, now } = upTo(start, worldOf(start), first, 'verify', tuesday);
    const asked = next(rollout, back(now, { is: 'all' }));
    const stopped = next(asked, { type: 'stopped', at: now + 1, by: 'U1' });
    expect([stopped.status.is, node(stopped, first).state.is]).toEqual(['stopped', 'unproven']);
  });

  it('an automatic rollback whose gate is shut stays due, and is done when the peer is back', () => {
    const start = planned();
    const world = worldOf(start);
    world.bad.add(first);
    const due = upTo(start, world, first, 'restore', tuesday);
    world.silent.add(peer);
    // It is sick itself, so the quorum would let it go: say that it answers again.
    world.bad.clear();
    const gated = drive(due.rollout, world, { from: due.now, until: (r) => node(r, first).held !== null });
    expect(node(gated.rollout, first)).toMatchObject({ uncertain: false, state: { is: 'working', step: 'restore' } });
    world.silent.clear();
    const { rollout } = drive(gated.rollout, world, { from: gated.now });
    expect([node(rollout, first).state.is, world.image[first]]).toEqual(['rolled-back', oldImage]);
  });

  it('a diagnosis that nobody gets does not keep a node from being rolled back', () => {
    const start = planned();
    const world = worldOf(start);
    world.bad.add(first);
    let { rollout, now } = upTo(start, world, first, 'diagnose', tuesday);
    for (let count = 0; count < rollout.policy.unknownAttempts; count += 1) {
      now += minutes(1);
      const task = todo(rollout, now).find((each): each is NodeTask => each.node === first);
      if (!task) throw new Error('nothing is due');
      const { run, step, attempt } = task;
      rollout = next(rollout, intentOf(task, now) as Event);
      const report = { is: 'unknown', reason: 'cut' } as const;
      rollout = next(rollout, { type: 'reported', at: now + 1, run, node: first, step, attempt, report });
    }
    expect(node(rollout, first).state).toMatchObject({ is: 'working', step: 'restore' });
  });

  it('neither a retry nor a resume cuts into an automatic rollback: afterwards a retry goes on', () => {
    const start = planned({}, { limit: 3 });
    const world = worldOf(start);
    world.bad.add(first);
    const due = upTo(start, world, first, 'restore', tuesday);
    expect(due.rollout.status.is).toBe('held');
    expect(next(due.rollout, { type: 'retried', at: due.now, by: 'U1', epoch: 0 })).toBe(due.rollout);
    expect(next(due.rollout, { type: 'resumed', at: due.now, by: 'U1' })).toBe(due.rollout);
    const held = drive(due.rollout, world, { from: due.now });
    world.bad.clear();
    const again = next(held.rollout, { type: 'retried', at: held.now, by: 'U1', epoch: 0 });
    expect(drive(again, world, { from: held.now }).rollout.status.is).toBe('done');
  });

  it('a finished rollout is rolled back although a later one has been on its nodes since', () => {
    const { world, rollout, now } = allDone();
    const later = rollout.epoch + hours(24);
    for (const name of Object.keys(rollout.nodes)) world.fence[name] = [later, 40];
    const asked = next(rollout, { ...back(now, { is: 'all' }), epoch: later + 1 } as Event);
    expect(drive(asked, world, { from: now }).rollout.status.is).toBe('rolled-back');
  });

  it('a step that is under way is waited for when its region falls silent, and given up when it is overdue', () => {
    const start = planned();
    const world = worldOf(start);
    const { rollout, now, task } = upTo(start, world, first, 'switch', tuesday);
    const begun = next(rollout, intentOf(task, now) as Event);
    const late = { ...perform(begun, task, world, now + 1), at: now + 61_000 };
    let r = next(begun, { type: 'stopped', at: now + 2, by: 'U1' });
    const tick = (ms: number) => {
      r = next(r, { type: 'ticked', at: now + ms, silent: ['us-east'] });
      return [r.status.is, node(r, first).state.is];
    };
    for (const ms of [10_000, 20_000, 30_000, 40_000]) tick(ms);
    expect(tick(60_000)).toEqual(['stopping', 'working']);
    expect(node(next(r, late), first).state).toMatchObject({ is: 'working', step: 'verify' });
    expect(tick(hours(1))).toEqual(['stopped', 'stuck']);
  });

  describe('of a node whose worker is gone in the middle of it', () => {
    const silentFor = (r: Rollout, from: number, ms: number, region = 'us-east') => {
      let rollout = r;
      for (let at = from; at <= from + ms; at += 20_000) {
        rollout = next(rollout, { type: 'ticked', at, silent: [region] });
      }
      return rollout;
    };

    it('nobody gives it up without a stop: it is finished when a worker is back', () => {
      const start = planned();
      const world = worldOf(start);
      const { rollout, now, task } = upTo(start, world, first, 'verify', tuesday);
      const waiting = silentFor(next(rollout, intentOf(task, now) as Event), now, hours(1));
      expect(node(waiting, first).state).toMatchObject({ is: 'working', step: 'verify' });
      const after = drive(waiting, world, { from: now + hours(1), until: (r) => node(r, first).state.is === 'done' });
      expect(node(after.rollout, first).state.is).toBe('done');
    });

    it('its rollback is a new try when a worker is back: what comes of the old one changes nothing', () => {
      const { world, rollout, now } = allDone();
      const due = upTo(next(rollout, back(now, { is: 'node', node: first })), world, first, 'restore', now);
      const gone = silentFor(next(due.rollout, intentOf(due.task, due.now) as Event), due.now, hours(1));
      expect(node(gone, first).state).toMatchObject({ is: 'stuck', direction: 'back' });
      const again = upTo(gone, world, first, 'restore', due.now + hours(1));
      expect(again.task.id).not.toBe(due.task.id);
      const begun = next(again.rollout, intentOf(again.task, again.now) as Event);
      const report = { is: 'succeeded', facts: {} } as const;
      const { run, step, attempt } = due.task;
      const late = { type: 'reported', at: again.now, run, node: first, step, attempt, report } as const;
      expect(next(begun, late)).toBe(begun);
      expect(drive(again.rollout, world, { from: again.now }).rollout.status.is).toBe('held');
      expect(world.image[first]).toBe(oldImage);
    });

    it('it is named at the end of the rollback that went on without it', () => {
      const start = planned({ pause: 0 });
      const world = worldOf(start);
      const { rollout, now, task } = upTo(start, world, peer, 'verify', tuesday);
      const begun = next(rollout, intentOf(task, now) as Event);
      const asked = next(begun, back(now, { is: 'node', node: first }));
      const gone = silentFor(asked, now + 1, hours(1));
      const { rollout: end } = drive(gone, world, { from: now + hours(1) });
      expect(end.status).toMatchObject({
        is: 'held',
        node: peer,
        reason: expect.stringContaining(`meanwhile ${peer} failed: its worker is gone in the middle of verify`),
      });
      expect(world.image[first]).toBe(oldImage);
    });
  });

  describe('of a gate that is shut again', () => {
    const shut = (name: Gate['name'], { rollout, now, task }: ReturnType<typeof upTo>) => {
      const { run, step, attempt } = task;
      const gates: Gate[] = [{ name, reason: 'x', owner: peer, opensAt: null }];
      const begun = next(rollout, intentOf(task, now) as Event);
      return next(begun, { type: 'gated', at: now + 1, run, node: first, step, attempt, unchanged: true, gates });
    };
    const twice = (between: number, other: Gate['name']) => {
      const start = planned();
      const world = worldOf(start);
      const one = upTo(start, world, first, 'switch', tuesday);
      const two = upTo(shut('quorum', one), world, first, 'switch', one.now + between);
      return { held: node(shut(other, two), first).held, one: one.now + 1, two: two.now + 1 };
    };

    it('it is told since when: the same one a moment later is the same wait', () => {
      const { held, one } = twice(0, 'quorum');
      expect(held).toMatchObject({ since: one, times: 2 });
    });

    it.each([
      ['the same one a day later', hours(20), 'quorum'],
      ['another one a moment later', 0, 'freeze'],
    ] as const)('it is told since when: %s is another wait', (_what, between, name) => {
      const { held, two } = twice(between, name);
      expect(held).toMatchObject({ since: two, times: 1 });
    });
  });
});

describe('a look', () => {
  const look = (r: Rollout, at: number, proof: Seen['proof'], standing: Seen['standing'] = 'healthy') => {
    const names = r.peers['us-east'] ?? [];
    const attempt = (r.looks['us-east']?.count ?? 0) + 1;
    const seen = Object.fromEntries(names.map((name) => [name, { standing, detail: standing, proof }]));
    return { type: 'watched', at, run: r.run, region: 'us-east', attempt, seen } as const;
  };
  const baking = (strategy: 'regions' | 'canary-all') => {
    const start = plan(inputOf(fleetOf({ pause: 0 }), { strategy }));
    const world = worldOf(start);
    const isHalf = (r: Rollout) => (parts(r)[0]?.healthyFor ?? 0) > minutes(10);
    return { world, ...drive(start, world, { from: tuesday, until: isHalf }) };
  };

  it('that could not prove what it saw adds nothing to a bake, however healthy it answers', () => {
    const { rollout, now } = baking('regions');
    const before = parts(rollout)[0]?.healthyFor ?? 0;
    const proven = next(rollout, look(rollout, now + 15_000, 'holds'));
    expect(parts(proven)[0]?.healthyFor).toBeGreaterThan(before);
    const unseen = next(rollout, look(rollout, now + 15_000, 'unseen'));
    expect(parts(unseen)[0]).toMatchObject({ healthyFor: before, healthyAt: null });
  });

  it('is what the next region waits for, and until when is told', () => {
    const { rollout, now } = baking('regions');
    const bake = whyWaiting(rollout, now).find(({ name }) => name === 'bake');
    expect(bake).toMatchObject({ reason: 'us-east is being watched', owner: 'the clock' });
    expect((bake?.opensAt ?? 0) - now).toBeGreaterThan(minutes(45));
  });

  it('that misses a neighbour of the canaries again and again holds the rollout', () => {
    const { world, rollout, now } = baking('canary-all');
    world.down.add('us-east-op-3');
    const after = drive(rollout, world, { from: now, limit: 100 });
    expect(after.rollout.status).toMatchObject({
      is: 'held',
      reason: 'us-east-op-3 became unhealthy while us-east was being watched: connection refused',
    });
  });

  it('of the run before a retry does not hold the new run', () => {
    const { world, rollout, now } = baking('regions');
    world.down.add('us-east-op-1');
    const held = drive(rollout, world, { from: now, limit: 100 });
    const late = look(held.rollout, held.now, 'broken', 'down');
    const again = next(held.rollout, { type: 'retried', at: held.now, by: 'U1', epoch: 0 });
    expect(again.status.is).toBe('running');
    expect(next(again, { ...late, at: held.now + 1_000 })).toBe(again);
  });
});
