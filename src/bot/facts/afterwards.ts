import { ratesAfterwards, wellFor } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { iso } from './instants.ts';

/** The time after an upgrade for programs; null where it is not watched. */
export function afterwardsFacts({ afterwards }: Rollout) {
  if (afterwards === undefined || afterwards.since === null) return null;
  const { since, end, worse, regions } = afterwards;
  return {
    since: iso(since),
    wantedMs: afterwards.for,
    everyMs: afterwards.every,
    wellMs: wellFor(afterwards),
    end: end === null ? null : { is: end.is, at: iso(end.at), rollout: 'rollout' in end ? end.rollout : null },
    regions: Object.entries(regions).map(([region, each]) => ({
      region,
      looks: each.count,
      at: iso(each.at),
      good: each.good,
      of: each.of,
      wellMs: each.well.ms,
      unseenMs: each.unseen,
    })),
    highest: Object.entries(ratesAfterwards(afterwards, 'highest')).map(([check, rate]) => ({ check, ...rate })),
    worse: worse.map(({ node, region, what, is, says, since: from, times, well }) => ({
      ...{ node, region, check: what === 'service' ? null : what.check, is, says },
      ...{ since: iso(from), times, well: iso(well) },
    })),
  };
}
