import { describe, expect, it } from 'vitest';
import { mainPost } from '../../../src/bot/views/main.ts';
import { posts } from '../../../src/bot/views/posts.ts';
import {
  forecast,
  gates,
  isLook,
  knowing,
  next,
  nextWake,
  plan,
  todo,
  waitingForPeople,
  whyWaiting,
} from '../../../src/upgrade/rollout/index.ts';
import type { Elsewhere, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, inputOf, minutes, noHalt, notWanted, quiet, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const first = 'us-east-op-1';
const second = 'us-east-op-2';
const unproven: Elsewhere = { is: 'unproven', reason: 'v2.0.0 is not proven on staging' };
const proven: Elsewhere = { is: 'proven', fleet: 'staging', since: tuesday - minutes(10) };
const shut = {
  name: 'elsewhere',
  reason: 'v2.0.0 is not proven on staging',
  owner: 'whoever brings the proof',
  opensAt: null,
};

function upTo(until: (rollout: Rollout, now: number) => boolean, said: Elsewhere, change = {}) {
  const begun = plan(inputOf(fleetOf(), change));
  const world = worldOf(begun);
  world.elsewhere = said;
  return { world, ...drive(begun, world, { from: tuesday, limit: 400, until }) };
}
const told = (rollout: Rollout) => rollout.looks['us-east']?.elsewhere !== undefined;
const evidence = (rollout: Rollout, elsewhere: Elsewhere, unchanged = true) => ({
  standing: Object.fromEntries((rollout.peers['us-east'] ?? []).map((name) => [name, 'healthy' as const])),
  sight: { down: false, unchanged },
  freezes: [],
  alerts: quiet,
  halt: noHalt,
  elsewhere,
  compatibility: notWanted,
});

describe('a release that was not proven elsewhere', () => {
  it('holds the first node before any step was tried, and says why', () => {
    const { rollout, now } = upTo(told, unproven);
    expect(whyWaiting(rollout, now)).toEqual([shut]);
    expect(todo(rollout, now)).toEqual([]);
    expect(rollout.nodes[first]?.held).toBeNull();
  });

  it.each([proven, notWanted])('does not hold it where it is %j', (said) => {
    const { rollout } = upTo((each) => each.nodes[first]?.state.is === 'done', said);
    expect(rollout.nodes[first]?.state.is).toBe('done');
  });

  it('is looked for again within a minute, and when it is proven the rollout goes on', () => {
    const { rollout, now, world } = upTo(told, unproven);
    // People may be called a moment before, for a start that has not begun.
    const isDue = (at: number) => todo(rollout, at).length > 0;
    let wake = nextWake(rollout, now) ?? Number.POSITIVE_INFINITY;
    while (!isDue(wake) && wake - now <= minutes(1)) wake = nextWake(rollout, wake) ?? Number.POSITIVE_INFINITY;
    expect(wake - now).toBeLessThanOrEqual(minutes(1));
    expect(todo(rollout, wake).map((task) => isLook(task) && task.region)).toEqual(['us-east']);
    world.elsewhere = proven;
    const on = drive(rollout, world, { from: now, until: (each) => each.nodes[first]?.touched === true });
    expect(on.now - now).toBeLessThan(minutes(3));
  });

  it('is not overridden by --now', () => {
    const { rollout, now } = upTo(told, unproven, { override: { by: 'U1', reason: 'pager' } });
    expect(whyWaiting(rollout, now)).toEqual([shut]);
  });

  it('is told to whoever asks before any look, also while the window is closed', () => {
    const begun = plan(inputOf(fleetOf({}, { windows: 'guide' })));
    const { rollout, now } = drive(begun, worldOf(begun), {
      from: tuesday,
      until: (each) => Object.values(each.nodes).every(({ state }) => state.is === 'ready'),
    });
    const closed = now + minutes(60 * 12);
    const names = (each: Rollout) => gates(each, first, closed).map(({ name }) => name);
    expect(names(knowing(rollout, () => [], unproven))).toEqual(['window', 'elsewhere']);
    expect(names(knowing(rollout, () => [], notWanted))).toEqual(['window']);
  });

  it('is read again right before the stop, whatever the last look was told', () => {
    const { rollout, now } = upTo((each, at) => todo(each, at).some(({ step }) => step === 'switch'), proven);
    expect(gates(rollout, first, now, evidence(rollout, unproven))).toEqual([shut]);
    const held = upTo(told, unproven);
    expect(gates(held.rollout, first, held.now, evidence(held.rollout, proven))).toEqual([]);
  });

  it('keeps nothing from going on that was begun, and nothing from going back', () => {
    const { rollout, now, world } = upTo((each) => each.nodes[first]?.touched === true, proven);
    expect(gates(rollout, first, now, evidence(rollout, unproven, false))).toEqual([]);
    world.elsewhere = unproven;
    const on = drive(rollout, world, { from: now, until: (each) => each.nodes[second]?.state.is === 'done' });
    expect(on.rollout.nodes[second]?.state.is).toBe('done');
    const scope = { is: 'all' } as const;
    const asked = next(on.rollout, { type: 'rollback-asked', at: on.now, by: 'U1', scope, epoch: 0 });
    expect(drive(asked, world, { from: on.now }).rollout.status.is).toBe('rolled-back');
  });

  it('is not said to keep nodes from beginning once one was changed: the rollout goes on', () => {
    const { rollout, now, world } = upTo((each) => each.nodes[first]?.state.is === 'done', proven);
    world.elsewhere = unproven;
    const isToldSince = (each: Rollout) => each.looks['us-east']?.elsewhere?.is === 'unproven';
    const later = drive(rollout, world, { from: now, until: isToldSince });
    expect(later.rollout.nodes[second]?.state.is).toBe('ready');
    expect(gates(later.rollout, second, later.now).map(({ name }) => name)).not.toContain('elsewhere');
    expect(mainPost(later.rollout).text).not.toContain('No node is begun yet');
    expect(mainPost(upTo(told, unproven).rollout).text).toContain('No node is begun yet');
  });

  it('holds it again when nothing of it is left', () => {
    const { rollout, now, world } = upTo((each) => each.nodes[first]?.state.is === 'done', proven);
    const scope = { is: 'node', node: first } as const;
    const back = drive(next(rollout, { type: 'rollback-asked', at: now, by: 'U1', scope, epoch: 0 }), world, {
      from: now,
    });
    world.elsewhere = unproven;
    const again = next(back.rollout, { type: 'retried', at: back.now, by: 'U1', epoch: 0 });
    const { rollout: end } = drive(again, world, { from: back.now, limit: 60 });
    expect(end.nodes[first]?.touched).toBe(false);
    expect(world.starts.filter(({ image }) => image === end.release.binarySha256)).toHaveLength(1);
  });

  /** The first node was tried and brought back; it is to begin again, and by now these are shut. */
  function triedOnce(shutBy: (world: ReturnType<typeof worldOf>, rollout: Rollout) => Rollout) {
    const { rollout, now, world } = upTo((each) => each.nodes[first]?.state.is === 'done', proven);
    const scope = { is: 'node', node: first } as const;
    const back = drive(next(rollout, { type: 'rollback-asked', at: now, by: 'U1', scope, epoch: 0 }), world, {
      from: now,
    });
    const again = next(back.rollout, { type: 'retried', at: back.now, by: 'U1', epoch: 0 });
    const to = (minute: number) => (_: Rollout, at: number) => at >= back.now + minutes(minute);
    const shut = shutBy(world, again);
    const soon = drive(shut, world, { from: back.now, until: to(1) });
    return { soon, ...drive(soon.rollout, world, { from: soon.now, until: to(5) }) };
  }

  it('stands still once the first node was tried, and people are called after a minute', () => {
    const { soon, rollout } = triedOnce((world, again) => {
      world.elsewhere = unproven;
      return again;
    });
    expect(waitingForPeople(soon.rollout)).toEqual([]);
    expect(waitingForPeople(rollout).map(({ what }) => what)).toEqual([`node ${first}`]);
    expect(posts(rollout).find(({ key }) => key.startsWith('wait.'))?.text).toMatch(
      /^‼ \*Stuck: us-east-op-1 waits\*; 3 of 3 healthy in us-east; .*\nSince .*: v2.0.0 is not proven on staging\n/,
    );
    expect(mainPost(rollout).text).toContain('No further node is begun: v2.0.0 is not proven on staging');
  });

  it('is not the only thing that may keep it so: no window that opens any more does, too', () => {
    const { rollout } = triedOnce((_, again) => {
      const none = { zone: 'UTC', windows: [], freezes: [] };
      return { ...again, calendars: { ...again.calendars, 'us-east': none } };
    });
    expect(waitingForPeople(rollout).map(({ what }) => what)).toEqual([`node ${first}`]);
  });

  it('is foreseen as if it were proven', () => {
    const { rollout } = upTo(told, unproven);
    const looks = Object.entries(rollout.looks).map(([region, each]) => [region, { ...each, elsewhere: proven }]);
    const foreseen = forecast(rollout, 'p50');
    expect(foreseen.end).not.toBeNull();
    expect(foreseen).toEqual(forecast({ ...rollout, looks: Object.fromEntries(looks) }, 'p50'));
  });
});
