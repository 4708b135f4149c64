import { describe, expect, it } from 'vitest';
import { next, ordersAfter, plan, summary, todo, whyWaiting } from '../../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { parts } from '../../support/parts.ts';
import {
  fitWith,
  fleetOf,
  hours,
  inputOf,
  minutes,
  newImage,
  oldImage,
  planned,
  surveyOf,
  tuesday,
} from '../../support/rollouts.ts';
import { drive, failed, states, worldOf } from '../../support/simulation.ts';

const order = (events: { type: string; step?: string; node?: string }[]) =>
  events.filter(({ type, step }) => type === 'begun' && step === 'switch').map(({ node }) => node);

const touchedIn = ({ nodes }: Rollout) => Object.values(nodes).filter(({ touched }) => touched);

const all = (state: string) => Array.from({ length: 9 }, () => state);

describe('a rolling rollout', () => {
  it('stages every node at once, before any node is begun', () => {
    const rollout = planned();
    expect(todo(rollout, tuesday).map(({ node, step }) => `${node} ${step}`)).toEqual(
      Object.keys(rollout.nodes).map((name) => `${name} stage`),
    );
  });

  it('goes through all nine in order, without asking anybody, and ends done', () => {
    const start = planned();
    const world = worldOf(start);
    const { rollout, events } = drive(start, world, { from: tuesday });
    expect(rollout.status.is).toBe('done');
    expect(states(rollout)).toEqual(all('done'));
    expect(order(events)).toEqual(Object.keys(start.nodes));
    expect(world.starts.every(({ image }) => image === newImage)).toBe(true);
  });

  it('pauses between two nodes', () => {
    const { events } = drive(planned(), worldOf(planned()), { from: tuesday });
    const begun = events.filter((event) => event.type === 'begun' && event.step === 'backup').map(({ at }) => at);
    const gaps = begun.slice(1).map((at, index) => at - (begun[index] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(30_000);
  });

  it('brings a node that does not prove healthy back, holds, and touches no other', () => {
    const start = planned();
    const world = worldOf(start);
    world.bad.add('us-east-op-2');
    const { rollout } = drive(start, world, { from: tuesday });
    expect(rollout.status).toMatchObject({
      is: 'held',
      node: 'us-east-op-2',
      reason: 'us-east-op-2: health stayed 503 starting',
    });
    expect(states(rollout).slice(0, 3)).toEqual(['done', 'rolled-back', 'ready']);
    expect(world.image['us-east-op-2']).toBe(oldImage);
    expect(rollout.nodes['us-east-op-2']?.diagnosis?.summary).toBe('never healthy');
  });

  it('goes on after a retry once the node is mended', () => {
    const start = planned();
    const world = worldOf(start);
    world.bad.add('us-east-op-2');
    const held = drive(start, world, { from: tuesday });
    world.bad.clear();
    const again = next(held.rollout, { type: 'retried', at: held.now, by: 'U1', epoch: 0 });
    expect(again.run).toBe(2);
    const { rollout } = drive(again, world, { from: held.now });
    expect(rollout.status.is).toBe('done');
  });

  it('does not begin a node while a peer is down, and goes on by itself when it is back', () => {
    const start = planned();
    const world = worldOf(start);
    const staged = drive(start, world, { from: tuesday, limit: 9 });
    world.silent.add('us-east-op-3');
    const waiting = drive(staged.rollout, world, { from: staged.now, limit: 40 });
    expect(world.starts).toEqual([]);
    expect(waiting.rollout.nodes['us-east-op-1']?.held?.gates[0]?.reason).toContain('not healthy: us-east-op-3');
    world.silent.clear();
    expect(drive(waiting.rollout, world, { from: waiting.now }).rollout.status.is).toBe('done');
  });

  it('takes a node that is down already first, since that costs no quorum', () => {
    const start = planned();
    const world = worldOf(start);
    world.down.add('us-east-op-3');
    const { rollout, events } = drive(start, world, { from: tuesday });
    expect(rollout.status.is).toBe('done');
    expect(order(events).slice(0, 3)).toEqual(['us-east-op-3', 'us-east-op-1', 'us-east-op-2']);
  });

  it('holds when a node cannot be staged, with nothing touched', () => {
    const start = planned();
    const node = 'eu-west-op-1';
    const report = failed('says v2.0.9, expected v2.0.0', false);
    const rollout = next(start, { type: 'reported', at: tuesday, run: 1, node, step: 'stage', attempt: 1, report });
    expect(rollout.status).toMatchObject({ is: 'held', reason: `${node}: says v2.0.9, expected v2.0.0` });
    expect(rollout.nodes[node]).toMatchObject({ touched: false, state: { is: 'failed' } });
    expect(todo(rollout, tuesday)).toEqual([]);
  });
});

describe('a rollout by regions', () => {
  const approveWhenAsked = (start: Rollout) => {
    const world = worldOf(start);
    const first = drive(start, world, { from: tuesday });
    const eu = next(first.rollout, { type: 'approved', at: first.now, phase: 'approval/eu-west', by: 'U-eu-west' });
    return { world, first, eu };
  };

  it('watches a finished region for the whole bake and only then asks for the next', () => {
    const { first } = approveWhenAsked(planned({}, { strategy: 'regions' }));
    const [us, eu] = parts(first.rollout);
    const watched = (us?.bakedAt ?? 0) - (us?.finishedAt ?? 0) - hours(1);
    expect(watched).toBeGreaterThanOrEqual(0);
    expect(watched).toBeLessThan(minutes(1));
    expect(us?.healthyFor).toBeGreaterThanOrEqual(hours(1));
    expect(first.rollout.looks['us-east']?.count).toBeGreaterThan(200);
    expect(eu?.askedAt).toBe(us?.bakedAt);
    expect(whyWaiting(first.rollout, first.now).map(({ name }) => name)).toEqual(['approval']);
    expect(states(first.rollout).slice(0, 4)).toEqual(['done', 'done', 'done', 'ready']);
  });

  it('goes on to the approved region and asks again before the third; nothing is watched after the last', () => {
    const { world, first, eu } = approveWhenAsked(planned({}, { strategy: 'regions' }));
    const second = drive(eu, world, { from: first.now });
    const ap = next(second.rollout, { type: 'approved', at: second.now, phase: 'approval/ap-south', by: 'U-ap-south' });
    const { rollout } = drive(ap, world, { from: second.now });
    expect(rollout.status.is).toBe('done');
    expect(parts(rollout)[2]).toMatchObject({ healthyFor: 0, bakedAt: null });
  });

  it('refuses the approval of the requester, an early one, and a second one', () => {
    const start = planned({}, { strategy: 'regions' });
    expect(next(start, { type: 'approved', at: tuesday, phase: 'approval/eu-west', by: 'U-eu-west' })).toBe(start);
    const { first, eu } = approveWhenAsked(start);
    expect(next(first.rollout, { type: 'approved', at: first.now, phase: 'approval/eu-west', by: 'U-requester' })).toBe(
      first.rollout,
    );
    expect(next(eu, { type: 'approved', at: first.now, phase: 'approval/eu-west', by: 'U2' })).toBe(eu);
  });

  it('holds when a node turns sick during the bake, after three looks', () => {
    const start = planned({}, { strategy: 'regions' });
    const world = worldOf(start);
    const done = drive(start, world, { from: tuesday, until: (rollout) => (parts(rollout)[0]?.healthyFor ?? 0) > 0 });
    world.down.add('us-east-op-3');
    const { rollout } = drive(done.rollout, world, { from: done.now });
    expect(rollout.status).toMatchObject({
      is: 'held',
      reason: 'us-east-op-3 became unhealthy while us-east was being watched: connection refused',
    });
  });

  it('asks again when an approval was not used in time, once all that is finished was proven again', () => {
    const { world, first, eu } = approveWhenAsked(planned({}, { strategy: 'regions' }));
    const paused = next(eu, { type: 'paused', at: first.now, by: 'U1' });
    const later = next(paused, { type: 'ticked', at: first.now + hours(49) });
    expect(parts(later)[1]).toMatchObject({ approved: null, askedAt: null });
    const again = drive(later, world, { from: first.now + hours(49), limit: 3 });
    expect(parts(again.rollout)[1]?.askedAt).toBeGreaterThan(first.now + hours(49));
  });
});

describe('a rollback', () => {
  it('of everything brings back what this run touched, newest first, and nothing else', () => {
    const start = planned();
    const world = worldOf(start);
    const half = drive(start, world, { from: tuesday, limit: 45 });
    const touched = Object.values(half.rollout.nodes)
      .filter((node) => node.touched)
      .map(({ name }) => name);
    expect(touched.length).toBeGreaterThan(2);
    const asked = next(half.rollout, {
      type: 'rollback-asked',
      at: half.now,
      by: 'U1',
      scope: { is: 'all' },
      epoch: 0,
    });
    const before = world.starts.length;
    const { rollout } = drive(asked, world, { from: half.now });
    expect(rollout.status.is).toBe('rolled-back');
    expect(world.starts.slice(before).map(({ node }) => node)).toEqual([...touched].reverse());
    expect(new Set(Object.values(world.image))).toEqual(new Set([oldImage]));
  });

  it('of a finished rollout opens it again and brings all nine back', () => {
    const start = planned();
    const world = worldOf(start);
    const done = drive(start, world, { from: tuesday });
    const asked = next(done.rollout, {
      type: 'rollback-asked',
      at: done.now,
      by: 'U1',
      scope: { is: 'all' },
      epoch: 0,
    });
    const { rollout } = drive(asked, world, { from: done.now + hours(20) });
    expect(rollout.status.is).toBe('rolled-back');
    expect(states(rollout)).toEqual(all('rolled-back'));
  });

  it('of one region holds afterwards, and a retry brings it forward again after a new approval', () => {
    const start = planned({ bake: 0 }, { strategy: 'regions' });
    const world = worldOf(start);
    const first = drive(start, world, { from: tuesday });
    const eu = next(first.rollout, { type: 'approved', at: first.now, phase: 'approval/eu-west', by: 'U-eu-west' });
    const second = drive(eu, world, { from: first.now });
    const scope = { is: 'region', region: 'eu-west' } as const;
    const asked = next(second.rollout, { type: 'rollback-asked', at: second.now, by: 'U1', scope, epoch: 0 });
    const held = drive(asked, world, { from: second.now });
    expect(held.rollout.status).toMatchObject({ is: 'held', reason: 'eu-west was rolled back on request of U1' });
    expect(summary(held.rollout)).toContain('us-east-op-1:done');
    const retried = next(held.rollout, { type: 'retried', at: held.now, by: 'U1', epoch: 0 });
    expect(parts(drive(retried, world, { from: held.now }).rollout)[1]).toMatchObject({ approved: null });
  });

  it('that fails stops everything and asks for a person; a retry tries it again first', () => {
    const start = planned();
    const world = worldOf(start);
    world.bad.add('us-east-op-1');
    world.badRestore.set('us-east-op-1', 1);
    const held = drive(start, world, { from: tuesday });
    expect(held.rollout.nodes['us-east-op-1']?.state).toMatchObject({ is: 'stuck', direction: 'back' });
    expect(held.rollout.status).toMatchObject({ is: 'held', reason: 'us-east-op-1: its rollback failed: still sick' });
    const again = next(held.rollout, { type: 'retried', at: held.now, by: 'U1', epoch: 0 });
    const mended = drive(again, world, { from: held.now });
    expect(mended.rollout.nodes['us-east-op-1']?.state.is).toBe('rolled-back');
    expect(mended.rollout.status.is).toBe('held');
  });

  it('ignores reports of the run before it', () => {
    const start = planned();
    const half = drive(start, worldOf(start), {
      from: tuesday,
      until: (rollout) => touchedIn(rollout).length === 2 && states(rollout).includes('working'),
    });
    const working = Object.values(half.rollout.nodes).find(({ state }) => state.is === 'working');
    if (working?.state.is !== 'working') throw new Error('expected a node under way');
    const late = {
      type: 'reported',
      at: half.now,
      run: 1,
      node: working.name,
      step: working.state.step,
      attempt: working.attempt,
    } as const;
    const asked = next(half.rollout, {
      type: 'rollback-asked',
      at: half.now,
      by: 'U1',
      scope: { is: 'all' },
      epoch: 0,
    });
    expect(asked).not.toBe(half.rollout);
    expect(next(asked, { ...late, report: { is: 'succeeded', facts: {} } })).toBe(asked);
  });
});

describe('a person', () => {
  it('who pauses lets the node under way finish and no other begin', () => {
    const start = planned();
    const world = worldOf(start);
    const half = drive(start, world, { from: tuesday, limit: 14 });
    const paused = next(half.rollout, { type: 'paused', at: half.now, by: 'U1' });
    const { rollout, now } = drive(paused, world, { from: half.now });
    expect(states(rollout).filter((state) => state === 'working')).toEqual([]);
    expect(world.starts.length).toBeLessThan(9);
    const resumed = next(rollout, { type: 'resumed', at: now, by: 'U1' });
    expect(drive(resumed, world, { from: now + minutes(5) }).rollout.status.is).toBe('done');
  });

  it('who stops frees the fleet after the node under way, and the rest stays as it is', () => {
    const start = planned();
    const world = worldOf(start);
    const half = drive(start, world, { from: tuesday, limit: 30 });
    const stopping = next(half.rollout, { type: 'stopped', at: half.now, by: 'U1' });
    const { rollout } = drive(stopping, world, { from: half.now });
    expect(rollout.status).toMatchObject({ is: 'stopped', by: 'U1' });
    expect(new Set(states(rollout))).toEqual(new Set(['done', 'ready']));
  });

  it('who stops before anything was begun ends it at once', () => {
    expect(next(planned(), { type: 'stopped', at: tuesday, by: 'U1' }).status.is).toBe('stopped');
  });
});

describe('a region that ran the release when it was planned', () => {
  const fleet = fleetOf({ bake: 0 });
  const there = fleet.regions[0]?.nodes.map(({ name }) => name) ?? [];
  const onIt = { sha256: newImage, fitness: fitWith(newImage) };
  const survey = surveyOf(fleet, Object.fromEntries(there.map((name) => [name, onIt])));
  const start = plan(inputOf(fleet, { strategy: 'regions', regions: ['us-east', 'eu-west'], survey }));
  const worldThere = () => {
    const world = worldOf(start);
    for (const name of there) Object.assign(world, { image: { ...world.image, [name]: newImage } });
    for (const name of there) Object.assign(world, { disk: { ...world.disk, [name]: newImage } });
    return world;
  };

  it('is proven without an approval, and what comes after it is asked for', () => {
    const { rollout, events } = drive(start, worldThere(), { from: tuesday });
    expect(order(events)).toEqual([]);
    expect(there.map((name) => rollout.nodes[name]?.state)).toMatchObject(
      there.map(() => ({ is: 'done', already: true })),
    );
    expect(there.every((name) => rollout.nodes[name]?.proof?.sha256 === newImage)).toBe(true);
    expect(rollout.phases.find(({ id }) => id === 'approval/eu-west')?.state.is).toBe('active');
  });

  it('is never changed unasked: what runs something else by then fails, and nothing is stopped, also by a retry', () => {
    const [name = ''] = there;
    const world = worldThere();
    world.image[name] = oldImage;
    world.disk[name] = oldImage;
    const held = drive(start, world, { from: tuesday });
    expect(held.rollout.status).toMatchObject({
      is: 'held',
      node: name,
      reason: expect.stringMatching(/us-east ran v2\.0\.0 when this was planned, .* stop this and plan anew$/),
    });
    expect(held.rollout.nodes[name]).toMatchObject({ already: false, touched: false });
    const again = next(held.rollout, { type: 'retried', at: held.now, by: 'U1', epoch: held.now });
    const after = drive(again, world, { from: held.now });
    expect(after.rollout.status).toMatchObject({ is: 'held', node: name });
    expect(world.starts).toEqual([]);
    const stopped = next(after.rollout, { type: 'stopped', at: after.now, by: 'U1' });
    expect(drive(stopped, world, { from: after.now }).rollout.status.is).toBe('stopped');
  });

  it('gives nobody an order to change it', () => {
    const changes = ordersAfter(start, { type: 'created', at: tuesday }).filter(
      ({ class: which }) => which === 'change',
    );
    expect(changes).toEqual([]);
  });
});
