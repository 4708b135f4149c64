import { describe, expect, it } from 'vitest';
import { gates, isLook, next, todo } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Gate, NodeRun, NodeTask, Rollout, Task } from '../../../src/upgrade/rollout/types.ts';
import { parts } from '../../support/parts.ts';
import {
  hours,
  minutes,
  newImage,
  noHalt,
  notWanted,
  oldImage,
  planned,
  quiet,
  tuesday,
} from '../../support/rollouts.ts';
import { drive, failed, intentOf, perform, type World, worldOf } from '../../support/simulation.ts';

const node = (rollout: Rollout, name: string): NodeRun => {
  const found = rollout.nodes[name];
  if (!found) throw new Error(`no node ${name}`);
  return found;
};

const lookOf = (rollout: Rollout, region: string) => {
  const found = rollout.looks[region];
  if (!found) throw new Error(`nobody looked at ${region}`);
  return found;
};

const isAt = (name: string, step: string) => (rollout: Rollout) => {
  const { state } = node(rollout, name);
  return state.is === 'working' && state.step === step;
};

/** Until the next thing to do is `step` on `name`; the task. */
function upTo(
  start: Rollout,
  world: World,
  name: string,
  step: string,
): { rollout: Rollout; now: number; task: NodeTask } {
  const due = (rollout: Rollout, now: number) =>
    todo(rollout, now).find((each: Task): each is NodeTask => each.node === name && each.step === step);
  const { rollout, now } = drive(start, world, { from: tuesday, until: (each, at) => due(each, at) !== undefined });
  const task = due(rollout, now);
  if (!task) throw new Error(`${step} of ${name} is not due`);
  return { rollout, now, task };
}

function begin(rollout: Rollout, task: Task, at: number): Rollout {
  const intent = intentOf(task, at);
  return intent === null ? rollout : next(rollout, intent);
}

const noGates: Gate[] = [];

const isDue = (rollout: Rollout, task: Task, now: number) => todo(rollout, now).some(({ id }) => id === task.id);

describe('1. the quorum', () => {
  const evidence = (standing: Record<string, 'healthy' | 'down' | 'unclear'>, down = false) => ({
    standing,
    sight: { down, unchanged: true },
    freezes: [],
    alerts: quiet,
    halt: noHalt,
    elsewhere: notWanted,
    compatibility: notWanted,
  });
  const atSwitch = () => upTo(planned(), worldOf(planned()), 'us-east-op-1', 'switch');
  const quorum = (...args: Parameters<typeof evidence>) => {
    const { rollout, now } = atSwitch();
    return gates(rollout, 'us-east-op-1', now, evidence(...args)).filter(({ name }) => name === 'quorum');
  };

  it('is shut when a peer is down and the one answer of the node itself got lost', () => {
    const [gate] = quorum({ 'us-east-op-1': 'unclear', 'us-east-op-2': 'down', 'us-east-op-3': 'healthy' });
    expect(gate?.reason).toBe(
      'stopping us-east-op-1 would leave 1 healthy in us-east, 2 are needed; not healthy: us-east-op-2',
    );
  });

  it('is shut when nobody answers', () => {
    expect(quorum({ 'us-east-op-1': 'unclear', 'us-east-op-2': 'unclear', 'us-east-op-3': 'unclear' })).toHaveLength(1);
    expect(quorum({})).toHaveLength(1);
  });

  it('is open for a node that is proven to be down: by its answers, or by a look at its process', () => {
    const peers = { 'us-east-op-2': 'down', 'us-east-op-3': 'healthy' } as const;
    expect(quorum({ 'us-east-op-1': 'down', ...peers })).toEqual([]);
    expect(quorum({ 'us-east-op-1': 'unclear', ...peers }, true)).toEqual([]);
  });
});

describe('2. a switch whose worker was lost', () => {
  function lostAtSwitch(reach: 'whole' | 'half') {
    const world = worldOf(planned());
    const { rollout, now, task } = upTo(planned(), world, 'us-east-op-1', 'switch');
    const begun = begin(rollout, task, now);
    perform(begun, task, world, now, reach);
    return { world, begun, task, now: now + 20_000 };
  }

  it.each(['paused', 'stopped'] as const)('is not called untouched when somebody has %s meanwhile', (type) => {
    const { world, begun, task, now } = lostAtSwitch('half');
    const halted = next(begun, { type, at: now, by: 'U1' });
    expect(node(halted, task.node)).toMatchObject({ touched: true, uncertain: true, state: { is: 'working' } });
    const after = drive(halted, world, { from: now, limit: 40 });
    expect(world.image[task.node]).toBe(newImage);
    expect(node(after.rollout, task.node)).toMatchObject({ touched: true, state: { is: 'done' } });
  });

  it('uses up the number of its try, so that a late command of it is fenced', () => {
    const { begun, task, now } = lostAtSwitch('half');
    const taken = begin(begun, task, now);
    expect(isDue(taken, task, now)).toBe(false);
    expect(node(taken, task.node)).toMatchObject({
      attempt: task.attempt + 1,
      touched: true,
      state: { step: 'switch', unknowns: 1, lastReason: 'its worker fell silent' },
    });
  });

  it('is not judged by a report of the try, or the run, before', () => {
    const { begun, task, now } = lostAtSwitch('half');
    const taken = begin(begun, task, now);
    const { run, step, attempt } = task;
    const late = { type: 'reported' as const, at: now + 1, node: task.node, step };
    const report = { is: 'succeeded' as const, facts: {} };
    expect(next(taken, { ...late, run, attempt, report })).toBe(taken);
    expect(next(taken, { ...late, run: run - 1, attempt: attempt + 1, report })).toBe(taken);
    expect(next(taken, { ...late, run, attempt: attempt + 1, report })).not.toBe(taken);
  });

  it('is held by the quorum alone from then on, whatever the window and the pause say', () => {
    const { begun, task, now } = lostAtSwitch('half');
    const halted = next(begun, { type: 'paused', at: now, by: 'U1' });
    const standing = { 'us-east-op-2': 'down', 'us-east-op-3': 'healthy' } as const;
    const changed = {
      standing,
      sight: { down: false, unchanged: false },
      freezes: [],
      alerts: quiet,
      halt: noHalt,
      elsewhere: notWanted,
      compatibility: notWanted,
    };
    expect(gates(halted, task.node, now, changed).map(({ name }) => name)).toEqual(['quorum']);
    const unchanged = { ...changed, sight: { down: false, unchanged: true } };
    expect(gates(halted, task.node, now, unchanged).map(({ name }) => name)).toContain('pause');
  });

  it('is cleared only by seeing disk and image both old', () => {
    const { begun, task, now } = lostAtSwitch('half');
    const { run, step, attempt } = task;
    const gated = { type: 'gated' as const, at: now, run, node: task.node, step, attempt, gates: noGates };
    expect(node(next(begun, { ...gated, unchanged: false }), task.node)).toMatchObject({
      touched: true,
      uncertain: true,
    });
    expect(node(next(begun, { ...gated, unchanged: true }), task.node)).toMatchObject({
      touched: false,
      uncertain: false,
      state: { is: 'ready' },
    });
  });
});

describe('3. a rollback in the outage that calls for it', () => {
  const threeDone = () => {
    const world = worldOf(planned());
    const until = (rollout: Rollout) => node(rollout, 'us-east-op-3').state.is === 'done';
    return { world, ...drive(planned(), world, { from: tuesday, until }) };
  };
  const back = (at: number, scope = { is: 'all' } as const): Event => ({
    type: 'rollback-asked',
    at,
    by: 'U1',
    scope,
    epoch: 0,
  });
  const restored = (world: World) =>
    world.starts.filter(({ image }) => image === oldImage).map(({ node: name }) => name);

  it('takes the sick node first, then the newest', () => {
    const { world, rollout, now } = threeDone();
    world.down.add('us-east-op-1');
    const later = now + 20_000;
    const after = drive(next(rollout, back(later)), world, { from: later });
    expect(after.rollout.status.is).toBe('rolled-back');
    expect(restored(world)).toEqual(['us-east-op-1', 'us-east-op-3', 'us-east-op-2']);
    expect(after.events.filter(({ type }) => type === 'gated')).toEqual([]);
  });

  it('decides anew at each pick: a node that falls sick meanwhile is next', () => {
    const { world, rollout, now } = threeDone();
    const one = drive(next(rollout, back(now)), world, {
      from: now,
      until: (each) => node(each, 'us-east-op-3').state.is === 'rolled-back',
    });
    world.down.add('us-east-op-1');
    drive(one.rollout, world, { from: one.now + minutes(1) });
    expect(restored(world)).toEqual(['us-east-op-3', 'us-east-op-1', 'us-east-op-2']);
  });

  it('looks first, however fresh the last look is: it is from before the outage', () => {
    const { world, rollout, now } = threeDone();
    const at = now + 1;
    const looked = { ...rollout, looks: { ...rollout.looks, 'us-east': { ...lookOf(rollout, 'us-east'), at: now } } };
    const asked = next(looked, back(at));
    expect(todo(asked, at).filter((task) => !isLook(task))).toEqual([]);
    world.down.add('us-east-op-1');
    const first = drive(asked, world, { from: at, until: () => restored(world).length > 0 });
    expect(restored(world)).toEqual(['us-east-op-1']);
    expect(first.now - at).toBeLessThan(15_000);
  });

  it('whose gate stays shut is let go by a stop, which ends', () => {
    const { world, rollout, now } = threeDone();
    world.down.add('us-east-op-2');
    const peers = { ...rollout.peers, 'us-east': [...(rollout.peers['us-east'] ?? [])] };
    const waiting = drive(next({ ...rollout, peers }, back(now, { is: 'all' })), world, { from: now, limit: 1 });
    world.silent.add('us-east-op-2');
    const held = drive(waiting.rollout, world, { from: waiting.now, limit: 60 });
    const stopping = next(held.rollout, { type: 'stopped', at: held.now, by: 'U1' });
    const ended = drive(stopping, world, { from: held.now, limit: 400 });
    expect(ended.rollout.status.is).toBe('stopped');
  });

  it('that was begun and changed nothing is let go by a stop, as what it was', () => {
    const { world, rollout, now } = threeDone();
    const isDueNow = (each: Rollout, at: number) => todo(each, at).find(({ step }) => step === 'restore') as NodeTask;
    const looked = drive(next(rollout, back(now)), world, {
      from: now,
      until: (each, at) => isDueNow(each, at) !== undefined,
    });
    const task = isDueNow(looked.rollout, looked.now);
    const begun = begin(looked.rollout, task, looked.now);
    const stopping = next(begun, { type: 'stopped', at: looked.now + 1, by: 'U1' });
    expect(stopping.status.is).toBe('stopping');
    const { run, step, attempt } = task;
    const gated = { type: 'gated' as const, at: looked.now + 2, run, node: task.node, step, attempt, gates: noGates };
    const ended = next(stopping, { ...gated, unchanged: true });
    expect(ended.status.is).toBe('stopped');
    expect(node(ended, task.node)).toMatchObject({ touched: true, uncertain: false, state: { is: 'done' } });
  });

  it('of a scope too wide is narrowed, and lets go of what has nothing in flight', () => {
    const { world, rollout, now } = threeDone();
    const wide = next(rollout, back(now));
    const narrow = next(wide, { ...back(now + 1), scope: { is: 'node', node: 'us-east-op-1' } } as Event);
    expect(narrow.status).toMatchObject({ is: 'rolling-back', queue: ['us-east-op-1'] });
    const after = drive(narrow, world, { from: now + 1 });
    expect(restored(world)).toEqual(['us-east-op-1']);
    expect(node(after.rollout, 'us-east-op-3').state.is).toBe('done');
  });

  it('waits with its reason and its beginning kept, so that it can be told', () => {
    const { world, rollout, now } = threeDone();
    world.silent.add('eu-west-op-1');
    world.silent.add('us-east-op-2');
    const asked = next(rollout, { ...back(now), scope: { is: 'node', node: 'us-east-op-3' } } as Event);
    const after = drive(asked, world, { from: now, limit: 80 });
    const { held } = node(after.rollout, 'us-east-op-3');
    expect((held?.at ?? 0) - (held?.since ?? 0)).toBeGreaterThan(60_000);
    expect(held?.gates).toMatchObject([{ name: 'quorum' }]);
    expect(world.image['us-east-op-3']).toBe(newImage);
  });
});

describe('4. what is finished', () => {
  const firstRegion = () => {
    const start = planned({ pause: 0 });
    const world = worldOf(start);
    const until = (rollout: Rollout) => node(rollout, 'us-east-op-3').state.is === 'done';
    return { world, ...drive(start, world, { from: tuesday, until }) };
  };

  it('is looked at before the next node is begun: a dead one holds a rolling rollout', () => {
    const { world, rollout, now } = firstRegion();
    world.down.add('us-east-op-1');
    const after = drive(rollout, world, { from: now + minutes(2) });
    expect(after.rollout.status).toMatchObject({
      is: 'held',
      node: 'us-east-op-1',
      reason: 'us-east-op-1 became unhealthy after it was finished: connection refused',
    });
    expect(world.starts.map(({ node: name }) => name)).not.toContain('eu-west-op-1');
  });

  it('is proven over SSH in the own region: a crash loop that answers healthy holds it', () => {
    const { world, rollout, now } = drive2();
    world.invocation['us-east-op-1'] = 99;
    const after = drive(rollout, world, { from: now + minutes(2) });
    expect(after.rollout.status).toMatchObject({ is: 'held', node: 'us-east-op-1' });
  });

  it('is proven once more before the last word', () => {
    const start = planned({ pause: 0 }, { limit: 3 });
    const world = worldOf(start);
    const almost = drive(start, world, {
      from: tuesday,
      until: (each) => node(each, 'us-east-op-3').state.is === 'done',
    });
    expect(almost.rollout.status.is).toBe('running');
    world.down.add('us-east-op-1');
    expect(drive(almost.rollout, world, { from: almost.now + minutes(5) }).rollout.status.is).toBe('held');
  });

  it('is proven again after a person has decided to go on, and only then the next is begun', () => {
    const { world, rollout, now } = firstRegion();
    world.invocation['us-east-op-2'] = 7;
    world.down.add('us-east-op-2');
    const held = drive(rollout, world, { from: now + minutes(2) });
    world.down.clear();
    const resumed = next(held.rollout, { type: 'resumed', at: held.now, by: 'U1' });
    expect(node(resumed, 'us-east-op-2')).toMatchObject({ touched: true, state: { is: 'ready' } });
    const { rollout: end, events } = drive(resumed, world, { from: held.now });
    expect(end.status.is).toBe('done');
    const begun = events.flatMap((event) => (event.type === 'begun' ? [`${event.node} ${event.step}`] : []));
    expect(begun.slice(0, 2)).toEqual(['us-east-op-2 verify', 'us-east-op-2 cleanup']);
  });

  it('is baked for healthy time only: sickness starts it again, a long gap adds little', () => {
    const start = planned({}, { strategy: 'regions' });
    const world = worldOf(start);
    const half = drive(start, world, {
      from: tuesday,
      until: (rollout) => (parts(rollout)[0]?.healthyFor ?? 0) > minutes(30),
    });
    const [batch] = parts(half.rollout);
    const look = (at: number, standing: 'healthy' | 'down' | 'unclear'): Event => ({
      type: 'watched',
      at,
      run: half.rollout.run,
      region: 'us-east',
      attempt: (half.rollout.looks['us-east']?.count ?? 0) + 1,
      seen: Object.fromEntries(
        (half.rollout.peers['us-east'] ?? []).map((name) => [name, { standing, detail: standing, proof: 'holds' }]),
      ),
    });
    const jumped = next(half.rollout, look(half.now + hours(5), 'healthy'));
    expect((parts(jumped)[0]?.healthyFor ?? 0) - (batch?.healthyFor ?? 0)).toBe(30_000);
    expect(parts(jumped)[0]?.bakedAt).toBeNull();
    const sick = next(half.rollout, look(half.now + 15_000, 'down'));
    expect(parts(sick)[0]).toMatchObject({ healthyFor: 0, healthyAt: null });
    const unclear = next(half.rollout, look(half.now + 15_000, 'unclear'));
    expect(parts(unclear)[0]).toMatchObject({ healthyFor: batch?.healthyFor, healthyAt: null });
  });

  it('is watched while an approval is waited for, and what falls sick is told at the gate', () => {
    const start = planned({ bake: 0 }, { strategy: 'regions' });
    const world = worldOf(start);
    const asked = drive(start, world, { from: tuesday });
    world.down.add('us-east-op-1');
    let { rollout, now } = asked;
    for (let count = 0; count < 20 && rollout.status.is === 'running'; count += 1) {
      now += minutes(1);
      for (const task of todo(rollout, now)) rollout = next(rollout, perform(rollout, task, world, now));
    }
    expect(rollout.status).toMatchObject({ is: 'held', node: 'us-east-op-1' });
  });

  function drive2() {
    const world = worldOf(planned());
    const until = (rollout: Rollout) => node(rollout, 'us-east-op-2').state.is === 'done';
    return { world, ...drive(planned(), world, { from: tuesday, until }) };
  }
});

describe('8. decisions', () => {
  it('a rollback that was asked for goes on when another node fails meanwhile', () => {
    const start = planned({ bake: 0 }, { strategy: 'regions' });
    const world = worldOf(start);
    const gate = drive(start, world, { from: tuesday });
    world.bad.add('eu-west-op-1');
    const eu = next(gate.rollout, { type: 'approved', at: gate.now, phase: 'approval/eu-west', by: 'U-eu-west' });
    const failing = drive(eu, world, { from: gate.now, until: isAt('eu-west-op-1', 'verify') });
    const scope = { is: 'region', region: 'us-east' } as const;
    const asked = next(failing.rollout, { type: 'rollback-asked', at: failing.now, by: 'U1', scope, epoch: 0 });
    const { rollout } = drive(asked, world, { from: failing.now });
    expect(new Set(Object.values(world.image))).toEqual(new Set([oldImage]));
    expect(rollout.status).toMatchObject({ is: 'held', node: 'eu-west-op-1' });
    expect(rollout.status).toMatchObject({
      reason: 'us-east was rolled back on request of U1; meanwhile eu-west-op-1 failed: health stayed 503 starting',
    });
  });

  it('a rollback that fails remembers what it had left, and a retry goes on with it', () => {
    const world = worldOf(planned());
    const until = (rollout: Rollout) => node(rollout, 'us-east-op-3').state.is === 'done';
    const three = drive(planned(), world, { from: tuesday, until });
    world.badRestore.set('us-east-op-3', 1);
    const scope = { is: 'all' } as const;
    const asked = next(three.rollout, { type: 'rollback-asked', at: three.now, by: 'U1', scope, epoch: 0 });
    const held = drive(asked, world, { from: three.now });
    expect(held.rollout.status).toMatchObject({ is: 'held', pending: { scope, by: 'U1' } });
    expect(next(held.rollout, { type: 'resumed', at: held.now, by: 'U1' })).toBe(held.rollout);
    const again = next(held.rollout, { type: 'retried', at: held.now, by: 'U2', epoch: 0 });
    expect(drive(again, world, { from: held.now }).rollout.status.is).toBe('rolled-back');
  });

  it('two rollbacks that failed are tried again one after another', () => {
    const world = worldOf(planned());
    const until = (rollout: Rollout) => node(rollout, 'us-east-op-3').state.is === 'done';
    const three = drive(planned(), world, { from: tuesday, until });
    const stuck = (each: NodeRun): NodeRun => ({
      ...each,
      state: { is: 'stuck', direction: 'back', step: 'restore', reason: 'x', at: three.now },
    });
    const { nodes } = three.rollout;
    const rollout: Rollout = {
      ...three.rollout,
      status: { is: 'held', reason: 'x', node: null, at: three.now, pending: null },
      nodes: {
        ...nodes,
        'us-east-op-1': stuck(node(three.rollout, 'us-east-op-1')),
        'us-east-op-2': stuck(node(three.rollout, 'us-east-op-2')),
      },
    };
    const again = next(rollout, { type: 'retried', at: three.now, by: 'U1', epoch: 0 });
    expect(Object.values(again.nodes).filter(({ state }) => state.is === 'working')).toEqual([]);
    const after = drive(again, world, { from: three.now });
    expect(after.rollout.status).toMatchObject({ is: 'held' });
    expect([world.image['us-east-op-1'], world.image['us-east-op-2']]).toEqual([oldImage, oldImage]);
    expect(node(after.rollout, 'us-east-op-3').state.is).toBe('done');
  });

  describe('an approval', () => {
    const gateOf = () => {
      const start = planned({}, { strategy: 'regions' });
      const world = worldOf(start);
      return { world, ...drive(start, world, { from: tuesday }) };
    };
    const approve = (at: number): Event => ({ type: 'approved', at, phase: 'approval/eu-west', by: 'U-eu-west' });

    it('holds for the bake that it was given on', () => {
      const { rollout, now } = gateOf();
      const given = next(rollout, approve(now));
      expect(parts(given)[1]?.approved).toMatchObject({ watched: parts(rollout)[0]?.bakedAt });
      const state = { is: 'done', since: now, at: now + hours(2) } as const;
      const phases = given.phases.map((phase) => (phase.id === 'watch/us-east' ? { ...phase, state } : phase));
      const anew = { ...given, phases };
      expect(gates(anew, 'eu-west-op-1', now).map(({ reason }) => reason)).toContain(
        'us-east was watched anew since eu-west was approved',
      );
    });

    it('that has expired opens nothing, also before a tick has noticed', () => {
      const { rollout, now } = gateOf();
      const given = next(rollout, approve(now));
      const late = gates(given, 'eu-west-op-1', now + hours(48) + 1);
      expect(late.map(({ name }) => name)).toContain('approval');
    });

    it('goes with everything behind a rollback', () => {
      const { rollout, now } = gateOf();
      const given = next(rollout, approve(now));
      const scope = { is: 'node', node: 'us-east-op-2' } as const;
      const asked = next(given, { type: 'rollback-asked', at: now + 1, by: 'U1', scope, epoch: 0 });
      expect(parts(asked)[1]).toMatchObject({ approved: null, askedAt: null });
    });

    it('that nobody gives is never taken for a yes: the rollout is held, and asks again when it goes on', () => {
      const { world, rollout, now } = gateOf();
      const later = next(rollout, { type: 'ticked', at: now + hours(49) });
      expect(later.status).toMatchObject({ is: 'held', reason: 'nobody approved eu-west within 48 h' });
      const resumed = next(later, { type: 'resumed', at: now + hours(50), by: 'U1' });
      const again = drive(resumed, world, { from: now + hours(50), limit: 20 });
      expect(parts(again.rollout)[1]).toMatchObject({ approved: null });
      expect(parts(again.rollout)[1]?.askedAt).toBeGreaterThan(now + hours(50));
    });
  });

  it('an override ends after four hours, and never outlives a freeze that was declared after it', () => {
    const reason = { by: 'U1', reason: 'incident' };
    const rollout = planned({}, { override: reason });
    expect(rollout.override).toMatchObject({ ...reason, until: tuesday + hours(4) });
    const staged = drive(rollout, worldOf(rollout), { from: tuesday, limit: 9 }).rollout;
    const closed: Rollout = {
      ...staged,
      calendars: Object.fromEntries(
        Object.entries(staged.calendars).map(([region, each]) => [region, { ...each, windows: [] }]),
      ),
    };
    const named = (at: number, freezes: { start: number; end: number; reason: string; author: string }[] = []) =>
      gates(closed, 'us-east-op-1', at, {
        standing: { 'us-east-op-1': 'healthy', 'us-east-op-2': 'healthy', 'us-east-op-3': 'healthy' },
        sight: { down: false, unchanged: true },
        freezes,
        alerts: quiet,
        halt: noHalt,
        elsewhere: notWanted,
        compatibility: notWanted,
      }).map(({ name }) => name);
    expect(named(tuesday + hours(3))).toEqual([]);
    expect(named(tuesday + hours(4))).toEqual(['window']);
    const freeze = { start: tuesday, end: tuesday + hours(9), reason: 'incident 4711', author: 'U9' };
    expect(named(tuesday + hours(1), [freeze])).toEqual(['freeze']);
  });
});

describe('9. what nobody takes up', () => {
  const tick = (at: number, silent: string[] = []): Event => ({ type: 'ticked', at, silent });

  it('is told with its region when no worker lives there', () => {
    const after = next(planned(), tick(tuesday + 1_000, ['us-east']));
    expect(after.unattended).toMatchObject([
      { region: 'us-east', why: 'no worker' },
      { region: 'eu-west', why: 'not taken up' },
      { region: 'ap-south', why: 'not taken up' },
    ]);
  });

  it('is told within a minute when the workers live and take nothing', () => {
    let rollout = planned();
    for (const at of [1_000, 31_000, 61_000]) rollout = next(rollout, tick(tuesday + at));
    expect(rollout.unattended.find(({ region }) => region === 'us-east')?.ms).toBeGreaterThanOrEqual(30_000);
  });

  it('is not taken for that when it was us who slept', () => {
    let rollout = next(planned(), tick(tuesday + 1_000));
    rollout = next(rollout, tick(tuesday + hours(3)));
    expect(rollout.unattended[0]?.ms).toBeLessThanOrEqual(45_000);
  });

  it('is forgotten as soon as a worker gives a sign of life', () => {
    const silent = next(planned(), tick(tuesday + 1_000, ['us-east']));
    const begun: Event = {
      type: 'begun',
      at: tuesday + 2_000,
      run: 1,
      node: 'us-east-op-1',
      step: 'stage',
      attempt: 1,
    };
    expect(next(silent, begun).unattended.map(({ region }) => region)).toEqual(['eu-west', 'ap-south']);
  });

  it('is told when a step was begun and its report is long overdue', () => {
    const begun: Event = { type: 'begun', at: tuesday, run: 1, node: 'us-east-op-1', step: 'stage', attempt: 1 };
    const late = next(next(planned(), begun), tick(tuesday + hours(1)));
    expect(late.unattended).toContainEqual(expect.objectContaining({ region: 'us-east', why: 'no report' }));
  });
});

describe('10. somebody’s work on a node', () => {
  const foreign = { what: 'binary', sha256: 'd'.repeat(64), version: 'v2.1.0' } as const;
  function drifted() {
    const world = worldOf(planned());
    const { rollout: waiting, now, task } = upTo(planned(), world, 'us-east-op-1', 'backup');
    const rollout = begin(waiting, task, now);
    const { run, step, attempt } = task;
    const report = { ...failed('v2.1.0 was installed by hand', false), facts: { foreign } };
    return {
      now,
      rollout: next(rollout, { type: 'reported', at: now, run, node: task.node, step, attempt, report } as Event),
    };
  }
  const decide = (at: number, sha256: string): Event => ({
    type: 'decided',
    at,
    by: 'U1',
    node: 'us-east-op-1',
    sha256,
    as: 'replace',
    epoch: 0,
  });

  it('holds the rollout, with nothing of ours on the node', () => {
    const { rollout } = drifted();
    expect(rollout.status).toMatchObject({ is: 'held', reason: 'us-east-op-1: v2.1.0 was installed by hand' });
    expect(node(rollout, 'us-east-op-1')).toMatchObject({ touched: false, foreign, state: { is: 'failed' } });
  });

  it('is not decided about by a retry', () => {
    const { rollout, now } = drifted();
    const again = next(rollout, { type: 'retried', at: now, by: 'U1', epoch: 0 });
    expect(node(again, 'us-east-op-1').decided).toBeNull();
  });

  it('is decided about by its hash: another one changes nothing', () => {
    const { rollout, now } = drifted();
    expect(next(rollout, decide(now, 'f'.repeat(64)))).toBe(rollout);
    const after = next(rollout, decide(now, foreign.sha256));
    expect(node(after, 'us-east-op-1')).toMatchObject({
      decided: { foreign, as: 'replace', by: 'U1' },
      state: { is: 'staging' },
    });
    expect(after.run).toBe(2);
  });

  it('found at the switch leaves nothing to roll back', () => {
    const world = worldOf(planned());
    const { rollout, now, task } = upTo(planned(), world, 'us-east-op-1', 'switch');
    const begun = begin(rollout, task, now);
    const { run, step, attempt } = task;
    const report = { ...failed('somebody replaced the file', false), facts: { foreign, clean: true } };
    const after = next(begun, { type: 'reported', at: now, run, node: task.node, step, attempt, report } as Event);
    expect(node(after, task.node)).toMatchObject({ touched: false, state: { is: 'failed' } });
  });
});

describe('13. the pause between two nodes', () => {
  it('is not shortened by a clock that jumps', () => {
    const world = worldOf(planned());
    const one = drive(planned(), world, {
      from: tuesday,
      until: (rollout) => node(rollout, 'us-east-op-1').state.is === 'done',
    });
    const jumped = next(one.rollout, { type: 'ticked', at: one.now + hours(1) });
    expect(gates(jumped, 'us-east-op-2', one.now + hours(1)).map(({ reason }) => reason)).toContain(
      'pause between two nodes',
    );
  });
});
