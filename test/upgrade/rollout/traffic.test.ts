import { describe, expect, it } from 'vitest';
import { gates, next, plan, todo, wasOnlyOut } from '../../../src/upgrade/rollout/index.ts';
import type { Event, NodeRun, NodeTask, Report, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, inputOf, minutes, noHalt, notWanted, quiet, tuesday } from '../../support/rollouts.ts';
import { drive, failed, intentOf, perform, type World, worldOf } from '../../support/simulation.ts';

const first = 'us-east-op-1';
const traffic = { drain: ['/bin/out', '{name}'], undrain: ['/bin/in', '{name}'], limit: minutes(1) };

function planned(): Rollout {
  const fleet = fleetOf();
  return plan(inputOf({ ...fleet, service: { ...fleet.service, traffic } }));
}

const node = (rollout: Rollout, name = first): NodeRun => {
  const found = rollout.nodes[name];
  if (!found) throw new Error(`no node ${name}`);
  return found;
};

/** Until `step` is due, of the first node when no other is named. */
function upTo(step: string, start = planned(), world = worldOf(start), from = tuesday, name = first) {
  const due = (rollout: Rollout, now: number) =>
    todo(rollout, now).find((each): each is NodeTask => each.node === name && each.step === step);
  const { rollout, now } = drive(start, world, { from, until: (each, at) => due(each, at) !== undefined });
  const task = due(rollout, now);
  if (!task) throw new Error(`${step} is not due`);
  return { rollout, world, now, task };
}

const told = ({ run, node: name, step, attempt }: NodeTask, at: number, report: Report): Event => ({
  type: 'reported',
  at,
  run,
  node: name,
  step,
  attempt,
  report,
});

describe('a node that is taken out of service around its switch', () => {
  it('goes out before it, and back in after its proof', () => {
    const start = planned();
    const { events, rollout } = drive(start, worldOf(start), { from: tuesday });
    const steps = events.flatMap((event) => (event.type === 'begun' && event.node === first ? [event.step] : []));
    expect(steps).toEqual(['stage', 'backup', 'drain', 'switch', 'verify', 'undrain', 'cleanup']);
    expect(rollout.status.is).toBe('done');
  });

  it('keeps no proof of an earlier way back where it fails unchanged and only goes back into service', () => {
    const start = planned();
    const { rollout, now, task } = upTo('drain', start);
    const proof = { sha256: 'a'.repeat(64), mainPid: 1, restarts: 0, version: null, soaked: 30_000, invocation: 'i1' };
    const before = { ...rollout, nodes: { ...rollout.nodes, [first]: { ...node(rollout), back: proof } } };
    const begun = next(before, intentOf(task, now) as Event);
    const world = worldOf(start);
    const { rollout: held } = drive(next(begun, told(task, now + 1, failed('exit code 3', false))), world, {
      from: now + 1,
    });
    expect(node(held)).toMatchObject({ state: { is: 'rolled-back' }, failure: 'exit code 3', drained: false });
    expect(node(held).back).toBeUndefined();
    expect(wasOnlyOut(node(held))).toBe(true);
  });

  it('is put back when its turn is lost: a gate that is shut right before the switch', () => {
    const { rollout, world, now, task } = upTo('switch');
    const begun = next(rollout, intentOf(task, now) as Event);
    const gate = { name: 'quorum', reason: 'op-2 is down', owner: 'op-2', opensAt: null } as const;
    const { run, attempt } = task;
    const gated = next(begun, {
      type: 'gated',
      at: now + 1,
      run,
      node: first,
      step: 'switch',
      attempt,
      gates: [gate],
      unchanged: true,
    });
    expect(node(gated)).toMatchObject({ drained: true, touched: false, state: { is: 'working', step: 'undrain' } });
    expect(world.out.has(first)).toBe(true);
    const back = drive(gated, world, { from: now + 2, until: (each) => node(each).state.is === 'ready' });
    expect(node(back.rollout)).toMatchObject({ drained: false, failure: null });
    expect(back.events.filter((event) => event.type === 'begun' && event.step === 'cleanup')).toEqual([]);
    expect(world.out.has(first)).toBe(false);
    expect(drive(back.rollout, world, { from: back.now }).rollout.status.is).toBe('done');
  });

  it.each(['paused', 'stopped'] as const)('is put back when somebody has %s before the switch', (type) => {
    const { rollout, world, now } = upTo('switch');
    const after = next(rollout, { type, at: now, by: 'U1' });
    const { rollout: end } = drive(after, world, {
      from: now,
      until: (each) => each.status.is === 'stopped' || node(each).state.is === 'ready',
    });
    expect(end.status.is).toBe(type === 'stopped' ? 'stopped' : 'paused');
    expect(node(end)).toMatchObject({ drained: false, touched: false });
    expect(world.out.size).toBe(0);
  });

  it('is not put back when it was never taken out: a gate at the drain itself', () => {
    const { rollout, now, task } = upTo('drain');
    const begun = next(rollout, intentOf(task, now) as Event);
    const gate = { name: 'quorum', reason: 'x', owner: 'y', opensAt: null } as const;
    const { run, attempt } = task;
    const event = {
      type: 'gated',
      at: now + 1,
      run,
      node: first,
      step: 'drain',
      attempt,
      gates: [gate],
      unchanged: true,
    };
    expect(node(next(begun, event as Event))).toMatchObject({ drained: false, state: { is: 'ready' } });
  });

  it('is put back when the drain fails, and the rollout holds', () => {
    const { rollout, world, now, task } = upTo('drain');
    const begun = next(rollout, intentOf(task, now) as Event);
    const after = next(begun, told(task, now + 1, failed('exit code 3', false)));
    expect(after.status).toMatchObject({ is: 'held', reason: expect.stringContaining('exit code 3') });
    const { rollout: end } = drive(after, world, { from: now + 2 });
    expect(node(end)).toMatchObject({ drained: false, touched: false, state: { is: 'rolled-back' } });
    const retried = next(end, { type: 'retried', at: now + hours(0.1), by: 'U1', epoch: 0 });
    expect(drive(retried, world, { from: now + hours(0.1) }).rollout.status.is).toBe('done');
  });

  it('is put back after it was rolled back', () => {
    const start = planned();
    const world = worldOf(start);
    world.bad.add(first);
    const { rollout, events } = drive(start, world, { from: tuesday });
    const steps = events.flatMap((event) => (event.type === 'begun' && event.node === first ? [event.step] : []));
    expect(steps.slice(3)).toEqual([
      'switch',
      'verify',
      'diagnose',
      'restore',
      'verify-restored',
      'undrain',
      'cleanup',
    ]);
    expect(node(rollout)).toMatchObject({ drained: false, state: { is: 'rolled-back' } });
    expect(world.out.size).toBe(0);
  });

  it('is put back when somebody’s work stands in the way of its switch, which a person still decides about', () => {
    const { rollout, world, now, task } = upTo('switch');
    const begun = next(rollout, intentOf(task, now) as Event);
    const foreign = { what: 'binary', sha256: 'f'.repeat(64), version: 'v2.1.0' } as const;
    const report = {
      is: 'failed',
      reason: 'v2.1.0 was installed',
      retry: false,
      facts: { foreign, clean: true },
    } as const;
    const after = next(begun, told(task, now + 1, report));
    expect(node(after)).toMatchObject({ drained: true, touched: false, state: { is: 'working', step: 'undrain' } });
    const { rollout: end, now: later } = drive(after, world, { from: now + 2 });
    expect(end.status.is).toBe('held');
    expect(node(end)).toMatchObject({ drained: false, foreign, state: { is: 'rolled-back' } });
    expect(world.out.size).toBe(0);
    const decision = {
      type: 'decided',
      by: 'U2',
      node: first,
      sha256: foreign.sha256,
      as: 'replace',
      epoch: 0,
    } as const;
    expect(node(next(end, { ...decision, at: later })).state.is).toBe('staging');
  });

  it('is not called done when its rollback is put off before it was put back', () => {
    const { rollout, world, now } = upTo('undrain');
    const asked = next(rollout, { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: now });
    expect(node(asked).state).toMatchObject({ is: 'working', direction: 'back', step: 'restore' });
    const stopped = next(asked, { type: 'stopped', at: now + 1, by: 'U1' });
    expect(node(stopped)).toMatchObject({ drained: true, state: { is: 'unproven' } });
    expect(world.out.has(first)).toBe(true);
  });

  it('is not let go any more once it was restored: what is left is its proof and the way back into service', () => {
    const start = planned();
    const world = worldOf(start);
    const done = drive(start, world, { from: tuesday });
    const scope = { is: 'node', node: first } as const;
    const asked = next(done.rollout, { type: 'rollback-asked', at: done.now, by: 'U1', scope, epoch: done.now });
    const drained = { ...asked, nodes: { ...asked.nodes, [first]: { ...node(asked), drained: true } } };
    const isAt = (each: Rollout) =>
      node(each).state.is === 'working' &&
      'step' in node(each).state &&
      (node(each).state as { step: string }).step === 'undrain';
    const back = drive(drained, world, { from: done.now, until: isAt });
    const stopped = next(back.rollout, { type: 'stopped', at: back.now, by: 'U1' });
    expect(node(stopped).state).toMatchObject({ is: 'working', step: 'undrain' });
  });

  it('calls a person when it cannot be put back although it is proven', () => {
    const { rollout, now, task } = upTo('undrain');
    const begun = next(rollout, intentOf(task, now) as Event);
    const after = next(begun, told(task, now + 1, failed('exit code 3', false)));
    expect(after.status).toMatchObject({ is: 'held', reason: `${first}: undrain failed: exit code 3` });
    expect(node(after)).toMatchObject({ drained: true, touched: true, state: { is: 'stuck' } });
  });

  it('is looked at again while connections end, and that counts as no failure', () => {
    const start = planned();
    const world: World = worldOf(start);
    world.slowDrain.set(first, 5);
    const { rollout, events } = drive(start, world, { from: tuesday });
    const later = events.filter((event) => event.type === 'reported' && event.report.is === 'later');
    expect(later).toHaveLength(5);
    expect(rollout.status.is).toBe('done');
  });

  it('has failed when they do not end within the limit', () => {
    const start = planned();
    const world: World = worldOf(start);
    world.slowDrain.set(first, 1_000);
    const { rollout } = drive(start, world, { from: tuesday });
    expect(rollout.status).toMatchObject({ is: 'held', reason: `${first}: not over after 60 s: 3 connections` });
    expect(node(rollout)).toMatchObject({ drained: false, state: { is: 'rolled-back' } });
  });

  it('is not called unchanged when its worker is gone before it was put back: a person must look', () => {
    const { rollout, now } = upTo('switch');
    let after = next(rollout, { type: 'stopped', at: now, by: 'U1' });
    for (let at = now; at < now + minutes(2); at += 10_000) {
      after = next(after, { type: 'ticked', at, silent: ['us-east'] });
    }
    expect(after.status.is).toBe('stopped');
    expect(node(after)).toMatchObject({ drained: true, touched: false, state: { is: 'stuck', step: 'undrain' } });
  });

  it('is put back when nobody ever learns what its drain did', () => {
    const { rollout, world, now, task } = upTo('drain');
    world.out.add(first);
    world.silent.add(first);
    const asked = drive(rollout, world, { from: now, until: (each) => each.status.is === 'held' });
    expect(node(asked.rollout)).toMatchObject({ drained: true, state: { is: 'working', step: 'undrain' } });
    expect(node(asked.rollout).attempt).toBe(task.attempt + rollout.policy.unknownAttempts);
    world.silent.clear();
    const { rollout: end } = drive(asked.rollout, world, { from: asked.now });
    expect(node(end)).toMatchObject({ drained: false, state: { is: 'rolled-back' } });
    expect(world.out.size).toBe(0);
  });

  it.each<[string, Report]>([
    ['was under way', { is: 'later', reason: '3 connections', after: 2_000 }],
    ['had an end that nobody knows', { is: 'unknown', reason: 'cut' }],
  ])('is put back when its drain %s and meets a shut gate when it is tried again', (_what, report) => {
    const { rollout, now, task } = upTo('drain');
    const tried = next(next(rollout, intentOf(task, now) as Event), told(task, now + 1, report));
    const again = todo(tried, now + 10_000).find((each): each is NodeTask => each.step === 'drain');
    if (!again) throw new Error('drain is not tried again');
    const gates = [{ name: 'quorum', reason: 'x', owner: 'y', opensAt: null }] as const;
    const { run, attempt } = again;
    const shut = { at: now + 10_001, run, node: first, step: 'drain', attempt, gates, unchanged: true };
    const begun = next(tried, intentOf(again, now + 10_000) as Event);
    expect(node(next(begun, { type: 'gated', ...shut } as unknown as Event))).toMatchObject({
      drained: true,
      state: { is: 'working', step: 'undrain' },
    });
  });

  it('is put back by a retry when its way back into service had failed', () => {
    const { rollout, world, now } = upTo('switch');
    const paused = next(rollout, { type: 'paused', at: now, by: 'U1' });
    const lost = upTo('undrain', paused, world, now);
    const begun = next(lost.rollout, intentOf(lost.task, lost.now) as Event);
    const failing = next(begun, told(lost.task, lost.now + 1, failed('exit code 3', false)));
    expect(failing.status.is).toBe('held');
    expect(node(failing)).toMatchObject({ drained: true, touched: false, state: { is: 'stuck', direction: 'back' } });
    const retried = next(failing, { type: 'retried', at: lost.now + 2, by: 'U1', epoch: 0 });
    expect(retried.status.is).toBe('running');
    expect(todo(retried, lost.now + 2).map(({ step }) => step)).toEqual(['undrain']);
    const { rollout: end } = drive(retried, world, { from: lost.now + 2 });
    expect([end.status.is, world.out.size]).toEqual(['done', 0]);
  });

  it.each([
    ['everything is rolled back', { type: 'rollback-asked', scope: { is: 'all' }, epoch: 1 }, 'rolled-back'],
    ['the rollout is stopped', { type: 'stopped' }, 'stopped'],
  ] as const)('is put back when its way back into service had failed and %s', (_what, decision, ends) => {
    const second = 'us-east-op-2';
    const { rollout, world, now } = upTo('switch', undefined, undefined, undefined, second);
    expect(node(rollout).state.is).toBe('done');
    const paused = next(rollout, { type: 'paused', at: now, by: 'U1' });
    const lost = upTo('undrain', paused, world, now, second);
    const begun = next(lost.rollout, intentOf(lost.task, lost.now) as Event);
    const failing = next(begun, told(lost.task, lost.now + 1, failed('exit code 3', false)));
    expect(node(failing, second)).toMatchObject({ drained: true, touched: false, state: { is: 'stuck' } });
    const decided = next(failing, { ...decision, at: lost.now + 2, by: 'U1' });
    const { rollout: end } = drive(decided, world, { from: lost.now + 2 });
    expect([end.status.is, node(end, second).drained, world.out.size]).toEqual([ends, false, 0]);
  });

  it.each([
    ['everything', { is: 'all' }, 'rolled-back'],
    ['that node', { is: 'node', node: first }, 'held'],
  ] as const)(
    'is put back by a rollback of %s when that had failed, also where nothing was changed yet',
    (_what, scope, ends) => {
      const { rollout, world, now } = upTo('switch');
      const paused = next(rollout, { type: 'paused', at: now, by: 'U1' });
      const lost = upTo('undrain', paused, world, now);
      const begun = next(lost.rollout, intentOf(lost.task, lost.now) as Event);
      const failing = next(begun, told(lost.task, lost.now + 1, failed('exit code 3', false)));
      expect(node(failing)).toMatchObject({ drained: true, touched: false, state: { is: 'stuck' } });
      const at = lost.now + 2;
      expect(
        next(failing, { type: 'rollback-asked', at, by: 'U1', scope: { is: 'region', region: 'eu-west' }, epoch: at }),
      ).toBe(failing);
      const asked = next(failing, { type: 'rollback-asked', at, by: 'U1', scope, epoch: at });
      expect(todo(asked, at).map(({ step }) => step)).toEqual(['undrain']);
      const { rollout: end } = drive(asked, world, { from: at });
      expect([end.status.is, node(end).drained, world.out.size, world.starts.length]).toEqual([ends, false, 0, 0]);
    },
  );

  it('does not count as serving for its peers, although it answers healthy', () => {
    const { rollout, now } = upTo('switch');
    const evidence = {
      standing: Object.fromEntries((rollout.peers['us-east'] ?? []).map((name) => [name, 'healthy' as const])),
      sight: { down: false, unchanged: true },
      freezes: [],
      alerts: quiet,
      halt: noHalt,
      elsewhere: notWanted,
      compatibility: notWanted,
    };
    const reasons = gates(rollout, 'us-east-op-2', now, evidence).map(({ reason }) => reason);
    expect(reasons).toContain(
      'stopping us-east-op-2 would leave 1 healthy in us-east, 2 are needed; not healthy: us-east-op-1',
    );
  });

  describe('and may be changed already when a peer falls sick', () => {
    const sick = 'us-east-op-2';
    const evidenceOf = (rollout: Rollout, unchanged: boolean) => ({
      standing: Object.fromEntries(
        (rollout.peers['us-east'] ?? []).map((name) => [
          name,
          name === sick ? ('down' as const) : ('healthy' as const),
        ]),
      ),
      sight: { down: false, unchanged },
      freezes: [],
      alerts: quiet,
      halt: noHalt,
      elsewhere: notWanted,
      compatibility: notWanted,
    });
    const quorumOf = (rollout: Rollout, now: number, unchanged: boolean) =>
      gates(rollout, first, now, evidenceOf(rollout, unchanged)).filter(({ name }) => name === 'quorum');

    it('goes on, since its stop costs nobody anything: it would wait out of service until the peer is mended', () => {
      const { rollout, world, now, task } = upTo('switch');
      const begun = next(rollout, intentOf(task, now) as Event);
      perform(begun, task, world, now, 'half');
      world.down.add(sick);
      const served = (each: Rollout) => node(each).state.is === 'done';
      const { rollout: end, now: later } = drive(begun, world, { from: now, limit: 200, until: served });
      expect(served(end)).toBe(true);
      expect(later - now).toBeLessThan(minutes(5));
      expect(world.out.has(first)).toBe(false);
    });

    it('goes back likewise when its proof failed, although it answers', () => {
      const { rollout, world, now, task } = upTo('verify');
      const begun = next(rollout, intentOf(task, now) as Event);
      world.down.add(sick);
      const failing = next(begun, told(task, now + 1, failed('another version answers', false)));
      const { rollout: end } = drive(failing, world, { from: now + 2, limit: 200 });
      expect(node(end)).toMatchObject({ drained: false, state: { is: 'rolled-back' } });
    });

    it('goes back into service, and not on, when nothing of it was changed yet', () => {
      const { rollout, now, task } = upTo('switch');
      const begun = next(rollout, intentOf(task, now) as Event);
      expect(quorumOf(begun, now, false)).toEqual([]);
      expect(quorumOf(begun, now, true)).toHaveLength(1);
    });

    it('counts by what it answers once it was proven: it may be in service again', () => {
      const { rollout, now } = upTo('undrain');
      const asked = next(rollout, { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: now });
      expect(node(asked)).toMatchObject({ drained: true, state: { step: 'restore' } });
      expect(quorumOf(asked, now, false)).toHaveLength(1);
    });
  });
});
