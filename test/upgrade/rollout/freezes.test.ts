import { describe, expect, it } from 'vitest';
import { gates, isLook, knowing, next, nextWake, plan, todo, whyWaiting } from '../../../src/upgrade/rollout/index.ts';
import type { Evidence, Rollout } from '../../../src/upgrade/rollout/types.ts';
import type { Freeze } from '../../../src/windows/types.ts';
import {
  fleetOf,
  hours,
  inputOf,
  minutes,
  noHalt,
  notWanted,
  planned,
  quiet,
  tuesday,
} from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

const first = 'us-east-op-1';
const declared: Freeze = { id: 'f1', start: tuesday, end: tuesday + hours(2), reason: 'audit', author: 'U9' };
const written: Freeze = { start: tuesday, end: tuesday + hours(2), reason: 'sale', author: 'ana' };

/** A plan with these freezes in its calendars, with everything staged. */
function ready(copied: Freeze[] = [], override: { by: string; reason: string } | null = null) {
  const fleet = fleetOf();
  const regions = fleet.regions.map((region) => ({ ...region, calendar: { ...region.calendar, freezes: copied } }));
  const begun = plan(inputOf({ ...fleet, regions }, { override }));
  const isStaged = ({ nodes }: Rollout) => Object.values(nodes).every(({ state }) => state.is === 'ready');
  return drive(begun, worldOf(begun), { from: tuesday, until: isStaged });
}

/** The next look at the first region, which finds these freezes. */
function looked({ rollout, now }: { rollout: Rollout; now: number }, freezes: Freeze[] | undefined, at = now + 1_000) {
  const attempt = (rollout.looks['us-east']?.count ?? 0) + 1;
  const seen = Object.fromEntries(
    (rollout.peers['us-east'] ?? []).map((name) => [
      name,
      { standing: 'healthy' as const, detail: 'healthy', proof: 'not asked' as const },
    ]),
  );
  const told = freezes === undefined ? {} : { freezes };
  const event = { type: 'watched', at, run: 1, region: 'us-east', attempt, seen, ...told } as const;
  return { rollout: next(rollout, event), now: at };
}
const named = ({ rollout, now }: { rollout: Rollout; now: number }) => whyWaiting(rollout, now).map(({ name }) => name);
const steps = ({ rollout, now }: { rollout: Rollout; now: number }) => todo(rollout, now).map(({ step }) => step);

describe('a freeze that was declared after the plan', () => {
  it('holds the next node as soon as a look has told of it, and is named as the reason', () => {
    const here = looked(ready(), [declared]);
    expect(whyWaiting(here.rollout, here.now)).toMatchObject([
      { name: 'freeze', reason: 'us-east is frozen: audit', owner: 'U9', opensAt: declared.end },
    ]);
    expect(steps(here)).toEqual([]);
  });

  it('lets a node begin when no look has told of one', () => {
    expect(steps(looked(ready(), []))).toEqual(['backup']);
  });

  it('counts before any look for whoever asks', () => {
    const { rollout, now } = ready();
    const asked = knowing(rollout, () => [declared], { is: 'not wanted' });
    expect(gates(asked, first, now)).toMatchObject([{ name: 'freeze' }]);
  });

  it('that begins shortly leaves no room for a node, also when it was declared after the last look', () => {
    const { rollout, now } = ready();
    const shortly = { ...declared, start: now + minutes(1), end: now + minutes(90) };
    const known = {
      ...{ standing: Object.fromEntries((rollout.peers['us-east'] ?? []).map((name) => [name, 'healthy' as const])) },
      ...{
        sight: { down: false, unchanged: true },
        alerts: quiet,
        halt: noHalt,
        elsewhere: notWanted,
        compatibility: notWanted,
        freezes: [shortly],
      },
    };
    expect(gates(rollout, first, now, { ...known, freezes: [] })).toEqual([]);
    expect(gates(rollout, first, now, known)).toMatchObject([{ name: 'window' }]);
  });

  it('is not outlived by an override, whose own freezes are overridden', () => {
    const override = { by: 'U1', reason: 'pager' };
    const known = looked(ready([written, declared], override), [written, declared]);
    expect(named(known)).toEqual([]);
    expect(named(looked(known, [written, declared, { ...declared, id: 'f2' }]))).toEqual(['freeze']);
  });

  it('ends the window for a node that would not fit before it', () => {
    const soon = { ...declared, start: tuesday + minutes(3) };
    expect(named(looked(ready(), [soon]))).toEqual(['window']);
  });

  it('right before the stop is taken from there, whatever the last look found', () => {
    const { rollout, now } = looked(ready(), [declared]);
    const evidence = (freezes: Freeze[]): Evidence => ({
      standing: Object.fromEntries((rollout.peers['us-east'] ?? []).map((name) => [name, 'healthy'])),
      sight: { down: false, unchanged: true },
      freezes,
      alerts: quiet,
      halt: noHalt,
      elsewhere: notWanted,
      compatibility: notWanted,
    });
    expect(gates(rollout, first, now, evidence([]))).toEqual([]);
    expect(gates(rollout, first, now, evidence([declared]))).toMatchObject([{ name: 'freeze' }]);
  });

  it('stays known when a look of an older worker says nothing of freezes', () => {
    expect(named(looked(looked(ready(), [declared]), undefined))).toEqual(['freeze']);
  });
});

describe('a freeze that is lifted', () => {
  it.each([
    ['declared since', looked(ready(), [declared])],
    ['copied by the plan', looked(ready([declared]), [declared])],
  ])('when it was %s is found lifted by a look within a minute, and the rollout goes on', (_what, frozen) => {
    expect(steps(frozen)).toEqual([]);
    const wake = nextWake(frozen.rollout, frozen.now) ?? 0;
    expect(wake).toBe(frozen.now + minutes(1));
    expect(todo(frozen.rollout, wake).map((task) => isLook(task) && task.region)).toEqual(['us-east']);
    const thawed = looked(frozen, [], wake);
    expect(named(thawed)).toEqual([]);
    expect(steps(thawed)).toEqual(['backup']);
  });

  it('does not open a window that is closed', () => {
    const closed = planned({}, { now: tuesday }).calendars['us-east'];
    const frozen = looked(ready([declared]), [declared]);
    const windows = [{ days: ['sun' as const], from: '02:00', to: '06:00' }];
    const calendar = { zone: closed?.zone ?? 'UTC', windows, freezes: [declared] };
    const rollout = { ...frozen.rollout, calendars: { ...frozen.rollout.calendars, 'us-east': calendar } };
    expect(named(looked({ ...frozen, rollout }, []))).toEqual(['window']);
  });

  it('of the settings was copied by the plan, stays, and needs no looks', () => {
    const frozen = looked(ready([written]), []);
    expect(named(frozen)).toEqual(['freeze']);
    expect(nextWake(frozen.rollout, frozen.now)).toBe(written.end);
  });
});
