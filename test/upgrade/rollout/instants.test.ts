import { describe, expect, it } from 'vitest';
import { next } from '../../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../../src/upgrade/rollout/types.ts';
import { planned, tuesday } from '../../support/rollouts.ts';
import { drive, worldOf } from '../../support/simulation.ts';

/** Everything that workers and clocks say in a rollout, each upon the rollout that it was said of. */
const start = planned({ bake: 0 }, { regions: ['us-east'] });
const { events } = drive(start, worldOf(start), { from: tuesday });
const said = new Map<string, { event: Event; upon: Rollout }>();
events.reduce<Rollout>((upon, event) => {
  if (!said.has(event.type)) said.set(event.type, { event, upon });
  return { ...next(upon, event), revision: upon.revision + 1 };
}, start);

describe('what is said to have happened when no calendar has a day', () => {
  it.each([...said.keys()])('did not happen: %s', (type) => {
    const { event, upon } = said.get(type) ?? { event: { type: 'paused', at: 0, by: '' } as Event, upon: start };
    expect(next(upon, event)).not.toBe(upon);
    for (const at of [Number.NaN, Number.POSITIVE_INFINITY, 1e300, 8.64e15 + 1, 1e14, -1, -1e300])
      expect(next(upon, { ...event, at })).toBe(upon);
  });

  it('is tried with whatever a worker may sign', () => {
    expect([...said.keys()]).toEqual(expect.arrayContaining(['begun', 'reported', 'watched']));
  });
});
