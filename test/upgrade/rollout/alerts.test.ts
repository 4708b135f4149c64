import { describe, expect, it } from 'vitest';
import { posts } from '../../../src/bot/views/posts.ts';
import {
  gates,
  isLook,
  next,
  nextWake,
  plan,
  todo,
  waitingForPeople,
  whyWaiting,
} from '../../../src/upgrade/rollout/index.ts';
import type { Alerts, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, minutes, noHalt, notWanted, quiet, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const first = 'us-east-op-1';
const firing: Alerts = { is: 'firing', names: ['DiskWillFill on op-2'] };
const unknown: Alerts = { is: 'unknown', reason: 'connection refused' };

interface Moment {
  rollout: Rollout;
  now: number;
}

function ready(change = {}): Moment {
  const begun = plan(inputOf(fleetOf(), change));
  const isStaged = ({ nodes }: Rollout) => Object.values(nodes).every(({ state }) => state.is === 'ready');
  return drive(begun, worldOf(begun), { from: tuesday, until: isStaged });
}

/** The next look at the first region, at which its alerts are these. */
function looked({ rollout, now }: Moment, alerts: Alerts, at = now + 1_000): Moment {
  const attempt = (rollout.looks['us-east']?.count ?? 0) + 1;
  const seen = Object.fromEntries(
    (rollout.peers['us-east'] ?? []).map((name) => [
      name,
      { standing: 'healthy' as const, detail: 'healthy', proof: 'not asked' as const },
    ]),
  );
  const event = { type: 'watched', at, run: 1, region: 'us-east', attempt, seen, alerts } as const;
  return { rollout: next(rollout, event), now: at };
}
const steps = ({ rollout, now }: Moment) => todo(rollout, now).map(({ step }) => step);

describe('an alert that fires', () => {
  it.each([
    [firing, 'alerts fire for us-east: DiskWillFill on op-2', 'whoever is on call'],
    [unknown, 'nobody knows whether alerts fire for us-east: connection refused', 'whoever keeps the alerting'],
  ])('or that nobody can ask for holds the next node before any step was tried: %j', (alerts, reason, owner) => {
    const here = looked(ready(), alerts);
    expect(whyWaiting(here.rollout, here.now)).toEqual([{ name: 'alerts', reason, owner, opensAt: null }]);
    expect(steps(here)).toEqual([]);
    expect(here.rollout.nodes[first]?.held).toBeNull();
  });

  it('lets nodes begin when it does not', () => {
    expect(steps(looked(ready(), quiet))).toEqual(['backup']);
  });

  it('is looked at again within a minute, and when it has ended the rollout goes on', () => {
    const held = looked(ready(), firing);
    const wake = nextWake(held.rollout, held.now) ?? 0;
    expect(wake).toBe(held.now + minutes(1));
    expect(todo(held.rollout, wake).map((task) => isLook(task) && task.region)).toEqual(['us-east']);
    expect(steps(looked(held, quiet, wake))).toEqual(['backup']);
  });

  it('of a look of long ago is not told as if it fired now, and no node begins on old news either', () => {
    const held = looked(ready(), firing);
    const later = held.now + minutes(10);
    expect(gates(held.rollout, first, later).map(({ name }) => name)).toEqual(['proof']);
    expect(todo(held.rollout, later).map(({ step }) => step)).toEqual(['watch']);
  });

  it('that goes on is a matter for people: told after a minute, reminded of, and over as soon as it ends', () => {
    const first = ready({ fleet: fleetOf({ reminders: [minutes(15)] }) });
    const looks = (from: Moment, count: number, alerts: Alerts) =>
      Array.from({ length: count }).reduce<Moment>((here) => looked(here, alerts, here.now + minutes(1)), from);
    const waits = ({ rollout }: Moment) => waitingForPeople(rollout).map(({ what, since }) => [what, since]);
    const since = first.now + minutes(1);
    expect(waits(looks(first, 1, firing))).toEqual([['start', expect.any(Number)]]);
    const held = looks(looks(first, 1, firing), 20, unknown);
    expect(waits(held)).toEqual([['node us-east-op-1', since]]);
    const later = next(held.rollout, { type: 'ticked', at: held.now });
    expect(later.reminded).toEqual({ [`node us-east-op-1.${Math.floor(since / 1000)}`]: 1 });
    expect(posts(later).find(({ key }) => key.startsWith('wait.'))?.text).toMatch(
      /^‼ \*Stuck: us-east-op-1 waits\*; 3 of 3 healthy in us-east; .*\nSince .*: nobody knows whether alerts fire for us-east: connection refused\n/,
    );
    expect(posts(later)[0]?.text.split('\n')[0]).toMatch(/: us-east-op-1 waits$/);
    expect(waitingForPeople(next(later, { type: 'paused', by: 'U1', at: held.now }))).toEqual([]);
    expect(waits(looks(held, 1, quiet))).toEqual([['start', expect.any(Number)]]);
    expect(waits(looks(looks(held, 1, quiet), 1, firing))).toEqual([['start', expect.any(Number)]]);
  });

  it('is not overridden by --now', () => {
    const now = ready({ override: { by: 'U1', reason: 'pager' } });
    expect(whyWaiting(looked(now, firing).rollout, now.now + 1_000)).toMatchObject([{ name: 'alerts' }]);
  });

  const evidence = ({ rollout }: Moment, alerts: Alerts, unchanged = true) => ({
    standing: Object.fromEntries((rollout.peers['us-east'] ?? []).map((name) => [name, 'healthy' as const])),
    sight: { down: false, unchanged },
    freezes: [],
    alerts,
    elsewhere: notWanted,
    compatibility: notWanted,
    halt: noHalt,
  });

  it('right before the stop is asked for there, whatever the last look was told', () => {
    const calm = looked(ready(), quiet);
    expect(gates(calm.rollout, first, calm.now, evidence(calm, firing))).toMatchObject([{ name: 'alerts' }]);
    const held = looked(ready(), firing);
    expect(gates(held.rollout, first, held.now, evidence(held, quiet))).toEqual([]);
  });

  it('keeps no rollback waiting', () => {
    const begun = plan(inputOf(fleetOf()));
    const world = worldOf(begun);
    const done = drive(begun, world, { from: tuesday, until: (each) => each.nodes[first]?.state.is === 'done' });
    world.alerts = firing;
    const asked = next(done.rollout, {
      type: 'rollback-asked',
      at: done.now,
      by: 'U1',
      scope: { is: 'all' },
      epoch: 0,
    });
    expect(drive(asked, world, { from: done.now }).rollout.status.is).toBe('rolled-back');
  });

  it('that begins when a node is under way lets it be finished, and holds the one after it', () => {
    const begun = plan(inputOf(fleetOf()));
    const world = worldOf(begun);
    const under = drive(begun, world, { from: tuesday, until: (each) => each.nodes[first]?.touched === true });
    world.alerts = firing;
    const held = drive(under.rollout, world, { from: under.now, limit: 60 });
    expect(held.rollout.nodes[first]?.state.is).toBe('done');
    expect(held.rollout.nodes['us-east-op-2']?.touched).toBe(false);
    expect(whyWaiting(held.rollout, held.now).map(({ name }) => name)).toContain('alerts');
  });
});
