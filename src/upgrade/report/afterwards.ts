import { inWords } from '../../base/duration.ts';
import { ratesAfterwards, wellFor, worseWords } from '../rollout/index.ts';
import type { AfterwardsEnd, Rollout } from '../rollout/types.ts';
import { md, table, took, utc } from './text.ts';

/** What became of an upgrade in the time after it. Instants are epoch ms, durations ms. */
export interface AfterwardsReport {
  wanted: number;
  from: number;
  /** null while it goes on. */
  to: number | null;
  is: AfterwardsEnd['is'] | 'under way';
  /** Which rollout superseded it. */
  by: string | null;
  well: number;
  looks: number;
  good: number;
  of: number;
  /** Time in which nobody looked, all regions together. */
  unseen: number;
  worse: { node: string; what: string; from: number; to: number | null; times: number }[];
  rates: { check: string; highest: string }[];
}

/** null where it was not watched. */
export function afterwardsOf({ afterwards }: Rollout): AfterwardsReport | null {
  if (afterwards === undefined || afterwards.since === null) return null;
  const { since, end, regions, worse } = afterwards;
  const all = Object.values(regions);
  const sum = (what: 'count' | 'good' | 'of' | 'unseen') => all.reduce((total, region) => total + region[what], 0);
  return {
    wanted: afterwards.for,
    from: since,
    to: end?.at ?? null,
    is: end?.is ?? 'under way',
    by: end?.is === 'superseded' ? end.rollout : null,
    well: wellFor(afterwards),
    looks: sum('count'),
    good: sum('good'),
    of: sum('of'),
    unseen: sum('unseen'),
    worse: worse.map((each) => ({
      ...{ node: each.node, what: worseWords(each) },
      ...{ from: each.since, to: each.well, times: each.times },
    })),
    rates: Object.entries(ratesAfterwards(afterwards, 'highest')).map(([check, { says }]) => ({
      check,
      highest: says,
    })),
  };
}

export const endWords: Record<AfterwardsReport['is'], string> = {
  'under way': 'still watched',
  well: 'well for as long as was wanted',
  unwell: 'not seen to be well for as long as was wanted',
  superseded: 'not watched to its end: another rollout began',
  'brought back': 'not watched to its end: it was to be brought back',
};

/** As people read it. */
export function afterwardsSection({ wanted, from, to, is, by, well, looks, good, of, ...found }: AfterwardsReport) {
  const until = to === null ? '' : ` until ${utc(to)} UTC`;
  const rates = found.rates.map(({ check, highest }) => `${md(check)} at most ${md(highest)}`);
  return [
    `- For ${inWords(wanted)}, from ${utc(from)} UTC${until}: ${endWords[is]}${by === null ? '' : ` (${md(by)})`}`,
    `- Well for ${took(well)} on end when it ended or as it stands; ${good} of ${of} nodes well at the last of ${looks} looks`,
    ...(found.unseen === 0 ? [] : [`- Nobody looked for ${took(found.unseen)}, which does not count`]),
    ...(rates.length === 0 ? [] : [`- ${rates.join('; ')}`]),
    '',
    ...(found.worse.length === 0
      ? ['Nothing got worse, as far as it was looked at.']
      : table(
          ['node', 'what got worse', 'from (UTC)', 'well again (UTC)', 'times'],
          found.worse.map((each) => [
            md(each.node),
            md(each.what),
            utc(each.from),
            each.to === null ? 'no' : utc(each.to),
            `${each.times}`,
          ]),
        )),
  ];
}
