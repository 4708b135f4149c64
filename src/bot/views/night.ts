import type { Forecast, RegionForecast, Straddled } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal } from '../../windows/index.ts';
import { foreign, span, when } from './text.ts';

/** What a plan comes to, played before it is begun. */
export interface Night {
  /** As it usually goes, and nearly at worst. */
  usual: Forecast;
  worst: Forecast;
  /** The other version would run over a weekend or a freeze meanwhile; and the start (epoch ms) with which it would not. */
  straddled: Straddled | null;
  better: number | null;
  /** Durations come from rollouts of before, at least of some nodes. */
  recorded: boolean;
}

/** What somebody should know of it before they press Start. */
export function nightLines(night: Night, rollout: Rollout): string[] {
  const { usual, worst, straddled, better, recorded } = night;
  const late = worst.end === null || worst.end === usual.end ? '' : `; on a slow night all ends ${when(worst.end)}`;
  const what =
    rollout.change === undefined
      ? 'Two versions run side by side for'
      : 'From the first restart to the last proof it takes';
  return [
    ...(usual.mixed === null ? [] : [`${what} about ${span(usual.mixed)}${late}`]),
    ...unfitting(night, rollout),
    ...(straddled === null ? [] : [over(straddled, better)]),
    ...(recorded ? [] : ['No rollout of this fleet was timed yet: this goes by `policy.expectedNode`']),
  ];
}

function unfitting({ usual, worst }: Night, rollout: Rollout): string[] {
  const usually = usual.regions.flatMap((each) => goesOn(each, rollout, ''));
  return usually.length > 0 ? usually : worst.regions.flatMap((each) => goesOn(each, rollout, 'on a slow night '));
}

function goesOn({ region, goesOn: [next] }: RegionForecast, { calendars }: Rollout, night: string): string[] {
  const zone = calendars[region]?.zone;
  if (next === undefined || zone === undefined) return [];
  return [
    `*${foreign(region, 80)}* does not fit into one window: ${night}it goes on ${when(next)}, ${describeLocal(next, zone)}`,
  ];
}

function over(found: Straddled, better: number | null): string {
  const what =
    found.over === 'weekend'
      ? 'the weekend'
      : `a freeze by ${foreign(found.freeze.author, 80)} (${foreign(found.freeze.reason)})`;
  const from = `‼ *Two versions would run over ${what}*: ${foreign(found.region, 80)} waits from ${when(found.from)} to ${when(found.until)}`;
  if (better === null) return from;
  return `${from}. Not so with a start at ${when(better)}: \`--at ${new Date(better).toISOString().slice(0, 16)}Z\``;
}
