import { describe, expect, it } from 'vitest';
import { forecast } from '../../../src/bot/views/forecast.ts';
import { plan, forecast as played } from '../../../src/upgrade/rollout/index.ts';
import type { NodePace, Pace, Policy, StrategyName } from '../../../src/upgrade/rollout/types.ts';
import { fleetOf, hours, inputOf, minutes, tuesday } from '../../support/rollouts.ts';

const always = (ms: number) => ({ p50: ms, p90: 2 * ms });
const usual: NodePace = {
  stage: always(minutes(5)),
  backup: always(minutes(1)),
  switch: always(minutes(2)),
  verify: always(minutes(4)),
  cleanup: always(30_000),
  between: always(2_000),
};
const slow: NodePace = {
  ...usual,
  verify: always(minutes(50)),
  restore: always(minutes(5)),
  'verify-restored': always(0),
};

/** Messages reckon where the core would take seconds for a large fleet; for a small one both must say the same. */
describe('what messages foresee is what the core does', () => {
  const rows: [string, StrategyName, Partial<Policy>, NodePace][] = [
    ['region by region', 'regions', {}, usual],
    ['follow the sun', 'regions', { order: 'next-opening' }, usual],
    ['one after another', 'rolling', { order: 'next-opening' }, usual],
    ['the first of each, then the rest', 'canary-all', { order: 'next-opening' }, usual],
    ['two at once', 'regions', { atOnce: 2, minimumHealthy: 1, order: 'next-opening' }, usual],
    ['where not all nodes of a region fit', 'regions', { order: 'next-opening' }, slow],
    ['where nothing was recorded', 'regions', { order: 'next-opening' }, {}],
  ];
  it.each(rows)('%s', (_what, strategy, policy, pace) => {
    const fleet = fleetOf(policy, { windows: 'guide' });
    const paces: Pace = Object.fromEntries(fleet.regions.flatMap(({ nodes }) => nodes.map(({ name }) => [name, pace])));
    const rollout = plan(inputOf(fleet, { now: tuesday - hours(24), strategy, pace: paces }));
    const reckoned = forecast(rollout);
    const really = played(rollout, 'p50');
    expect(reckoned.regions.map(({ phase, region }) => [phase, region])).toEqual(
      really.regions.map(({ phase, region }) => [phase, region]),
    );
    for (const [index, { begin, end }] of really.regions.entries()) {
      const found = reckoned.regions[index];
      expect(Math.abs((found?.begin ?? 0) - begin), `begin of ${index}`).toBeLessThan(5_000);
      expect(Math.abs((found?.end ?? 0) - end), `end of ${index}`).toBeLessThan(5_000);
    }
    expect(Math.abs((reckoned.end ?? 0) - (really.end ?? 0))).toBeLessThan(5_000);
  });
});
