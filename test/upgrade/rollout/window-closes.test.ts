import { describe, expect, it } from 'vitest';
import { gates, next, plan, whyWaiting } from '../../../src/upgrade/rollout/index.ts';
import type { Rollout } from '../../../src/upgrade/rollout/types.ts';
import { parts } from '../../support/parts.ts';
import { fleetOf, hours, inputOf, minutes, notWanted, quiet, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

/** Tuesday to Thursday, 02:00-06:00 local: the window of us-east ends at 11:00 UTC, the next begins at 07:00. */
const closes = tuesday + hours(3.5);
const opens = tuesday - minutes(30) + hours(24);
const stateOf = (rollout: Rollout, node: string) => rollout.nodes[node]?.state.is;

describe('a window that closes', () => {
  it('while the second of three nodes is being proven lets that one be finished, and the third begin in the next one', () => {
    const start = plan(inputOf(fleetOf({}, { windows: 'guide' }), { regions: ['us-east'], now: closes - minutes(30) }));
    const world = worldOf(start);
    const verifying = drive(start, world, {
      from: closes - minutes(30),
      until: ({ nodes }) => {
        const state = nodes['us-east-op-2']?.state;
        return state?.is === 'working' && state.step === 'verify';
      },
    });
    // What the proof takes is the node's affair: it ends an hour after the window.
    const late = drive(verifying.rollout, world, {
      from: closes + hours(1),
      until: (rollout) => stateOf(rollout, 'us-east-op-2') === 'done',
    });
    expect(stateOf(late.rollout, 'us-east-op-2')).toBe('done');
    const waiting = drive(late.rollout, world, { from: late.now, until: (_, now) => now >= opens - minutes(1) });
    expect(stateOf(waiting.rollout, 'us-east-op-3')).toBe('ready');
    expect(waiting.rollout.nodes['us-east-op-3']?.touched).toBe(false);
    expect(whyWaiting(late.rollout, late.now).find(({ name }) => name === 'window')?.opensAt).toBe(opens);
    const { rollout } = drive(waiting.rollout, world, { from: waiting.now });
    expect(rollout.status.is).toBe('done');
    const [, , third] = world.starts;
    expect(world.starts.map(({ node }) => node)).toEqual(['us-east-op-1', 'us-east-op-2', 'us-east-op-3']);
    expect(third?.at).toBeGreaterThanOrEqual(opens);
    expect(third?.at).toBeLessThan(opens + minutes(10));
  });

  const asked = () => {
    const fleet = fleetOf({ bake: 0 }, { windows: 'guide' });
    const start = plan(
      inputOf(fleet, { strategy: 'regions', regions: ['us-east', 'eu-west'], now: tuesday - hours(24) }),
    );
    const world = worldOf(start);
    const at = drive(start, world, {
      from: tuesday - hours(24),
      until: (rollout) => parts(rollout)[1]?.askedAt != null,
    });
    return { world, ...at };
  };
  /** Europe/Dublin in November is UTC: 02:00-06:00. */
  const dublin = (days: number) => Date.UTC(2026, 10, 24 + days, 2);

  it('a minute before an approval makes that one wait for the next, and says so', () => {
    const { world, rollout, now } = asked();
    const day = Math.ceil((now - dublin(0)) / hours(24));
    const given = dublin(day) + hours(4) + minutes(1);
    const approved = next(rollout, { type: 'approved', at: given, phase: 'approval/eu-west', by: 'U-eu-west' });
    expect(parts(approved)[1]?.approved).not.toBeNull();
    const standing = Object.fromEntries(Object.keys(approved.nodes).map((name) => [name, 'healthy' as const]));
    const evidence = {
      standing,
      sight: { down: false, unchanged: true },
      freezes: [],
      alerts: quiet,
      elsewhere: notWanted,
      compatibility: notWanted,
      halt: { is: 'clear' } as const,
    };
    const shut = gates(approved, 'eu-west-op-1', given, evidence);
    expect(shut.find(({ name }) => name === 'window')?.opensAt).toBe(dublin(day + 1));
    const before = world.starts.length;
    const after = drive(approved, world, { from: given });
    expect(after.rollout.status.is).toBe('done');
    expect(world.starts[before]?.at).toBeGreaterThanOrEqual(dublin(day + 1));
  });

  it('with the bot away over all of it leaves the question, and an answer that comes too late for its expiry counts for nothing', () => {
    const { rollout, now } = asked();
    const day = Math.ceil((now - dublin(0)) / hours(24));
    const back = dublin(day) + hours(5);
    const after = next(rollout, { type: 'ticked', at: back });
    expect(parts(after)[1]?.askedAt).toBe(parts(rollout)[1]?.askedAt);
    expect(after.status.is).toBe('running');
    const expired = next(after, { type: 'ticked', at: now + hours(49) });
    expect(expired.status).toMatchObject({ is: 'held', reason: 'nobody approved eu-west within 48 h' });
    const late = next(expired, { type: 'approved', at: now + hours(50), phase: 'approval/eu-west', by: 'U-eu-west' });
    expect(parts(late)[1]?.approved).toBeNull();
  });
});
