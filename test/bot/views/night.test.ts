import { describe, expect, it } from 'vitest';
import { nightOf } from '../../../src/bot/commands/night.ts';
import { beginsLater } from '../../../src/bot/views/forecast.ts';
import { nightLines } from '../../../src/bot/views/night.ts';
import { plan } from '../../../src/upgrade/rollout/index.ts';
import type { NodePace, Pace, PlanInput } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, inputOf, minutes, oneRegion, tuesday } from '../../support/rollouts.ts';

const pace = (verify: { p50: number; p90: number }): Pace => {
  const always = (ms: number) => ({ p50: ms, p90: ms });
  const node: NodePace = {
    backup: always(minutes(1)),
    switch: always(minutes(2)),
    verify,
    restore: always(minutes(1)),
    'verify-restored': always(0),
  };
  return Object.fromEntries(fleetOf().regions.flatMap(({ nodes }) => nodes.map(({ name }) => [name, node])));
};
const shown = (changes: Partial<PlanInput>, order: 'declared' | 'next-opening' = 'next-opening'): string[] => {
  const fleet = fleetOf({ order }, { windows: 'guide' });
  const input = inputOf(fleet, { now: tuesday - hours(24), strategy: 'regions', ...changes });
  const rollout = plan(input);
  const night = nightOf(input, rollout, 40);
  return night === null ? [] : nightLines(night, rollout).map((line) => line.replace(/<!date[^|]*\|([^>]*)>/g, '$1'));
};

describe('a preview foresees', () => {
  it('the time on two versions, and the end of a slow night', () => {
    expect(shown({ pace: pace({ p50: minutes(4), p90: minutes(10) }) })).toEqual([
      'Two versions run side by side for about 10 h 53 min; on a slow night all ends 2026-11-24 07:42 UTC',
    ]);
  });

  it('says whose durations these are when nothing was timed', () => {
    expect(shown({}).at(-1)).toBe('No rollout of this fleet was timed yet: this goes by `policy.expectedNode`');
  });

  it('a region that does not fit, always or on a slow night', () => {
    const always = shown({ pace: pace({ p50: minutes(90), p90: minutes(90) }), regions: ['eu-west'] });
    expect(always[1]).toBe(
      '*eu-west* does not fit into one window: it goes on 2026-11-25 02:00 UTC, Wed 25 Nov 02:00 (Europe/Dublin)',
    );
    const slow = shown({ pace: pace({ p50: minutes(60), p90: minutes(90) }), regions: ['eu-west'] });
    expect(slow[1]).toMatch(/does not fit into one window: (on a slow night )?it goes on/);
  });

  it('a weekend on two versions, and the start that goes over none', () => {
    const all = shown({ now: tuesday + hours(48), pace: pace({ p50: minutes(4), p90: minutes(4) }) }, 'declared');
    expect(all.find((line) => line.startsWith('‼'))).toBe(
      '‼ *Two versions would run over the weekend*: eu-west waits from 2026-11-26 07:54 UTC to 2026-12-01 02:00 UTC. Not so with a start at 2026-11-30 20:30 UTC: `--at 2026-11-30T20:30Z`',
    );
  });

  it('nothing for a fleet that takes long to be played', () => {
    const fleet = oneRegion(41, {});
    const input = inputOf(fleet);
    expect(nightOf(input, plan(input), 40)).toBeNull();
  });

  it('a start and not a schedule where only the staging lies in between, and a schedule where a window does', () => {
    const staged = {
      ...pace({ p50: minutes(4), p90: minutes(10) })['us-east-op-1'],
      stage: { p50: 5_000, p90: 9_000 },
    };
    const fleet = fleetOf({ order: 'declared' }, { windows: 'guide' });
    const names = fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => name));
    const begins = (now: number) => {
      const rollout = plan(inputOf(fleet, { now, pace: Object.fromEntries(names.map((name) => [name, staged])) }));
      return beginsLater(rollout, now);
    };
    expect(begins(tuesday)).toBeNull();
    expect(begins(tuesday - hours(24))).toMatch(/^Tue 24 Nov 02:00/);
  });
});
