import { blockLength, compared } from '../upgrade/comparison/index.ts';
import type { Compare, Comparison, Measure } from '../upgrade/comparison/types.ts';
import { familiesOf, groupsOf, nodeOf } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import type { Measurements } from './measurements.ts';

/** As the settings of a worker have it. */
export interface Comparing {
  compare: Compare;
  /** Names of the checks by which nodes are compared. */
  checks: readonly string[];
  measure: Measure;
}

/** What the upgraded nodes of a region are at this moment (epoch ms); nothing where none was. */
export type AskComparison = (rollout: Rollout, region: string, at: number) => Promise<Comparison[]>;

/** From what all workers wrote down: the others are mostly of other regions. */
export function comparing(
  { compare, checks }: Pick<Comparing, 'compare' | 'checks'>,
  measurements: Pick<Measurements, 'of'>,
): AskComparison {
  const length = blockLength(compare);
  return async (rollout, region, at) => {
    const groups = groupsOf(rollout, region);
    if (groups.upgraded.length === 0) return [];
    const names = [...groups.upgraded.map(({ node }) => node), ...groups.control];
    const regions = [...new Set(names.map((name) => nodeOf(rollout, name).region))];
    const blocks = await Promise.all(regions.map((each) => measurements.of(each, length)));
    return compared(checks, blocks.flat(), groups, compare, at, familiesOf(rollout));
  };
}
