import { describe, expect, it } from 'vitest';
import {
  actionGates,
  actionOf,
  forecast,
  gates,
  isLook,
  next,
  nextWake,
  nodesInOrder,
  todo,
  unbegunAction,
  whyWaiting,
} from '../../../src/upgrade/rollout/index.ts';
import type { ActionPhase, ActionReport, Event, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { minutes, planned, tuesday } from '../../support/rollouts.ts';
import { drive, intentOf, worldOf } from '../../support/simulation.ts';

const id = 'action/migrate';

const action = (changes: Partial<ActionPhase> = {}): ActionPhase => ({
  ...{ id, title: 'the migration', state: { is: 'pending' } },
  ...{ is: 'action', action: 'migrate', subject: 'fleet', region: 'eu-west', undo: 'refuse' },
  ...{ limit: minutes(15), expected: minutes(5), work: unbegunAction(tuesday) },
  ...changes,
});

/** An upgrade of two regions with an action before everything, or after it. */
function upgrade(phase: ActionPhase, where: 'first' | 'last' = 'first'): Rollout {
  const rollout = planned({ pause: 0, bake: 0 }, { regions: ['us-east', 'eu-west'] });
  const phases = where === 'first' ? [phase, ...rollout.phases] : [...rollout.phases, phase];
  return { ...rollout, phases };
}

const workOf = (rollout: Rollout) => actionOf(rollout, id)?.work as ActionPhase['work'];

/** With its try begun. */
function begun(rollout: Rollout, at = tuesday): Rollout {
  const task = todo(rollout, at).find(({ node }) => node === id);
  if (task === undefined) throw new Error('it is not due');
  return next(rollout, intentOf(task, at) as Event);
}

function report(rollout: Rollout, said: ActionReport, at: number): Rollout {
  const { attempt, state } = workOf(rollout);
  if (state.is !== 'working') throw new Error(`it is ${state.is}`);
  return next(rollout, {
    ...{ type: 'action-reported', at, run: rollout.run, phase: id, action: state.action, attempt },
    report: said,
  });
}

describe('an action', () => {
  it('is done once, in its place among the phases, on the queue of the region that its phase names', () => {
    const rollout = upgrade(action());
    const [task] = todo(rollout, tuesday).filter(({ node }) => node === id);
    expect(task).toEqual({
      ...{ id: `r1.1.${id}.migrate.1`, rollout: 'r1', run: 1, region: 'eu-west' },
      ...{ node: id, step: 'migrate', attempt: 1 },
    });
    const world = worldOf(rollout);
    world.actsFor = 2;
    const { rollout: end, events } = drive(rollout, world, { from: tuesday });
    expect(end.status.is).toBe('done');
    expect(world.acts).toEqual([`${id} migrate 1`]);
    expect(workOf(end)).toMatchObject({ state: { is: 'done' }, touched: true, facts: { schema: 2 } });
    const kinds = events.map((event) => ('step' in event ? event.step : event.type));
    expect(kinds.indexOf('switch')).toBeGreaterThan(kinds.lastIndexOf('action-reported'));
  });

  it('after the last node keeps the rollout from being done', () => {
    const rollout = upgrade(action(), 'last');
    const world = worldOf(rollout);
    world.actsFor = 5;
    const { rollout: open, now } = drive(rollout, world, { from: tuesday, until: () => world.acts.length > 0 });
    expect(nodesInOrder(open).every(({ state }) => state.is === 'done')).toBe(true);
    expect(open.status.is).toBe('running');
    expect(drive(open, world, { from: now }).rollout.status.is).toBe('done');
  });

  it('keeps nodes waiting that come after it, and says so', () => {
    const rollout = upgrade(action());
    expect(gates(rollout, 'us-east-op-1', tuesday).map(({ name }) => name)).toContain('action');
    expect(todo(rollout, tuesday).some(({ step }) => step === 'backup' || step === 'switch')).toBe(false);
  });

  it.each([
    ['a pause', (rollout: Rollout) => next(rollout, { type: 'paused', at: tuesday, by: 'U1' }), 'pause'],
    ['a start that is later', (rollout: Rollout) => ({ ...rollout, startAt: tuesday + 1 }), 'schedule'],
    [
      'a freeze',
      (rollout: Rollout): Rollout => {
        const freezes = [{ start: tuesday, end: tuesday + minutes(9), reason: 'audit', author: 'U1' }];
        const calendar = { zone: 'UTC', windows: [], ...rollout.calendars['eu-west'], freezes };
        return { ...rollout, calendars: { ...rollout.calendars, 'eu-west': calendar } };
      },
      'freeze',
    ],
    [
      'a window in which it does not fit',
      (rollout: Rollout): Rollout => {
        const windows = [{ days: ['tue' as const], from: '07:00', to: '07:34' }];
        const calendar = { zone: 'UTC', windows, freezes: [] };
        return { ...rollout, calendars: { ...rollout.calendars, 'eu-west': calendar } };
      },
      'window',
    ],
  ])('is kept from beginning by %s', (_name, change, gate) => {
    const rollout = change(upgrade(action()));
    const phase = actionOf(rollout, id) as ActionPhase;
    expect(actionGates(rollout, phase, tuesday).map(({ name }) => name)).toEqual([gate]);
    expect(whyWaiting(rollout, tuesday).map(({ name }) => name)).toEqual([gate]);
    expect(todo(rollout, tuesday).some(({ node }) => node === id)).toBe(false);
    const event = { type: 'action-begun', at: tuesday, run: 1, phase: id, action: 'migrate', attempt: 1 } as const;
    expect(next(rollout, event)).toBe(rollout);
  });

  it('waits for its approval, and an old one opens nothing', () => {
    const approval = {
      ...{ id: 'approval/db', title: 'the database', state: { is: 'pending' } as const, is: 'approval' as const },
      ...{ opens: [id], by: { users: ['U-db'], groups: [] }, needed: 1, given: [] },
    };
    const rollout = upgrade(action());
    const asked = { ...rollout, phases: [approval, ...rollout.phases] };
    expect(whyWaiting(asked, tuesday).map(({ name }) => name)).toEqual(['approval']);
    const ticked = next(asked, { type: 'ticked', at: tuesday + 1 });
    const said = next(ticked, { type: 'approved', at: tuesday + 2, phase: 'approval/db', by: 'U-db' });
    expect(said).not.toBe(ticked);
    expect(todo(said, tuesday + 3).some(({ node }) => node === id)).toBe(true);
    const late = tuesday + rollout.policy.approvalExpires + minutes(1);
    expect(todo(said, late).some(({ node }) => node === id)).toBe(false);
  });

  it('that failed before it changed anything is tried again by a retry; what changed nothing is not stuck', () => {
    const failed = report(
      begun(upgrade(action())),
      { is: 'failed', reason: 'no', retry: false, clean: true },
      tuesday + 1,
    );
    expect(failed.status).toMatchObject({ is: 'held', reason: 'the migration: no' });
    expect(workOf(failed)).toMatchObject({ state: { is: 'failed' }, touched: false });
    expect(next(failed, { type: 'resumed', at: tuesday + 2, by: 'U1' })).toBe(failed);
    const again = next(failed, { type: 'retried', at: tuesday + 2, by: 'U1', epoch: tuesday + 1 });
    expect(again.status.is).toBe('running');
    expect(workOf(again).state.is).toBe('waiting');
    expect(drive(again, worldOf(again), { from: tuesday + 3 }).rollout.status.is).toBe('done');
  });

  it('that failed half-way is for people: nothing else is begun, and nothing brings it back', () => {
    const rollout = upgrade(action());
    const world = worldOf(rollout);
    world.badActs.set(id, 'half');
    const { rollout: held, now } = drive(rollout, world, { from: tuesday });
    expect(held.status.is).toBe('held');
    expect(workOf(held)).toMatchObject({ state: { is: 'stuck', direction: 'forward' }, touched: true });
    expect(world.starts).toEqual([]);
    const back = next(held, { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: now });
    expect(back).toBe(held);
  });

  it('is under way for as long as its own limit says, however many short tries that takes', () => {
    let rollout = begun(upgrade(action({ limit: minutes(2) })));
    for (let at = tuesday + 1_000; at <= tuesday + minutes(2); at += 30_000) {
      rollout = report(rollout, { is: 'later', reason: 'it runs', after: 1_000 }, at);
      expect(nextWake(rollout, at)).toBe(at + 1_000);
      rollout = begun(rollout, at + 1_000);
    }
    expect(workOf(rollout).attempt).toBe(5);
    rollout = report(rollout, { is: 'later', reason: 'it runs', after: 1_000 }, tuesday + minutes(3));
    expect(workOf(rollout).state).toMatchObject({ is: 'stuck', reason: 'not over after 120 s: it runs' });
  });

  it('of which nobody knows what came is looked at again, and then is for people', () => {
    let rollout = begun(upgrade(action()));
    let at = tuesday;
    for (let tries = 1; tries < rollout.policy.unknownAttempts; tries += 1) {
      at += minutes(1);
      rollout = begun(report(rollout, { is: 'unknown', reason: 'silence' }, at), at + minutes(1));
    }
    expect(workOf(rollout).state.is).toBe('working');
    rollout = report(rollout, { is: 'unknown', reason: 'silence' }, at + minutes(2));
    expect(workOf(rollout).state).toMatchObject({ is: 'stuck' });
    expect(workOf(rollout).touched).toBe(true);
  });

  it('whose worker was lost is another try, and what the lost one says late counts for nothing', () => {
    const first = begun(upgrade(action()));
    const second = next(first, {
      type: 'action-begun',
      at: tuesday + 9,
      run: 1,
      phase: id,
      action: 'migrate',
      attempt: 1,
    });
    expect(workOf(second)).toMatchObject({ attempt: 2, state: { is: 'working', unknowns: 1 } });
    const late = {
      type: 'action-reported',
      at: tuesday + 10,
      run: 1,
      phase: id,
      action: 'migrate',
      attempt: 1,
    } as const;
    expect(next(second, { ...late, report: { is: 'succeeded', facts: {} } })).toBe(second);
    expect(next(second, { ...late, attempt: 2, report: { is: 'succeeded', facts: {} } })).toBe(second);
  });

  it('that was begun is finished before a stop is over', () => {
    const rollout = upgrade(action());
    const world = worldOf(rollout);
    world.actsFor = 3;
    const { rollout: runs, now } = drive(rollout, world, { from: tuesday, until: () => world.acts.length > 0 });
    const stopping = next(runs, { type: 'stopped', at: now, by: 'U1' });
    expect(stopping.status.is).toBe('stopping');
    const { rollout: end } = drive(stopping, world, { from: now });
    expect(end.status.is).toBe('stopped');
    expect(workOf(end).state.is).toBe('done');
    expect(world.starts).toEqual([]);
  });

  it('with a way back goes it: by itself when it fails, and newest first with the nodes of a rollback', () => {
    const rollout = upgrade(action({ undo: ['migrate'] }), 'last');
    const failed = worldOf(rollout);
    failed.badActs.set(id, 'half');
    const { rollout: back } = drive(rollout, failed, { from: tuesday, until: (each) => each.status.is === 'held' });
    expect(workOf(back).state).toMatchObject({ is: 'working', direction: 'back' });
    const { rollout: done, now } = drive(rollout, worldOf(rollout), { from: tuesday });
    const asked = next(done, { type: 'rollback-asked', at: now, by: 'U1', scope: { is: 'all' }, epoch: now });
    expect(asked.status).toMatchObject({ is: 'rolling-back', actions: [id] });
    expect(todo(asked, now + 1).flatMap((task) => (isLook(task) ? [] : [task.node]))).toEqual([id]);
    const world = worldOf(rollout);
    for (const node of nodesInOrder(asked)) {
      world.image[node.name] = world.disk[node.name] = rollout.release.binarySha256;
      world.invocation[node.name] = Number(node.proof?.invocation.slice(1));
    }
    const { rollout: end } = drive(asked, world, { from: now + 1 });
    expect(end.status.is).toBe('rolled-back');
    expect(workOf(end)).toMatchObject({ state: { is: 'undone' }, touched: false });
  });

  it('is foreseen with what it is expected to take', () => {
    const takes = (phase: ActionPhase) => (forecast(upgrade(phase), 'p50').end ?? 0) - tuesday;
    expect(takes(action({ expected: minutes(20) })) - takes(action({ expected: minutes(5) }))).toBe(minutes(15));
  });
});
