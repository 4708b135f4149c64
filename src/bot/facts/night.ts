import type { Forecast } from '../../upgrade/rollout/index.ts';
import type { Night } from '../views/night.ts';
import { iso } from './instants.ts';

/** What a plan comes to, for programs: as it usually goes, and nearly at worst. */
export function nightFacts({ usual, worst, straddled, better, recorded }: Night) {
  return {
    usual: forecastFacts(usual),
    worst: forecastFacts(worst),
    over: straddled === null ? null : straddled.over,
    betterStart: iso(better),
    recorded,
  };
}

function forecastFacts({ regions, end, mixed }: Forecast) {
  return {
    regions: regions.map(({ phase, region, begin, end: last, goesOn }) => ({
      phase,
      region,
      begin: iso(begin),
      end: iso(last),
      goesOn: goesOn.map((at) => new Date(at).toISOString()),
    })),
    end: iso(end),
    mixedMs: mixed,
  };
}
