import { checkedBefore } from './checklists.ts';
import { endOf } from './phases.ts';
import { nodesInOrder } from './queries.ts';
import type { NodeRun, Rollout } from './types.ts';

/** Milliseconds for which a look at a finished node counts before the next node is begun. */
export const freshFor = 15_000;
/** Milliseconds for which a proof counts before an approval is asked, and before the last word. */
const provenFor = 60_000;

/** Clocks of two workers differ a little: an instant shortly ahead is as fresh as one shortly ago. */
const isFresh = (at: number | null, now: number, ms: number): boolean => at !== null && Math.abs(now - at) <= ms;

export const finishedNodes = (rollout: Rollout, region?: string): NodeRun[] =>
  nodesInOrder(rollout).filter((node) => node.state.is === 'done' && (region === undefined || node.region === region));

/** The newest look did not find it healthy: what was seen of it before counts no more. */
const missed = ({ looks }: Rollout, { name, region }: NodeRun): boolean => (looks[region]?.misses[name] ?? 0) > 0;

/** A look that some region needs, before anything else may happen. */
export interface Need {
  region: string;
  step: 'watch' | 'prove';
}

/** Looks that are too old for beginning `node` now: at all that is finished, and by proof in its own region. */
export function looksBeforeBegin(rollout: Rollout, node: NodeRun, now: number): Need[] {
  const checked = checkedBefore(rollout, node);
  const regions = new Set([node.region, ...checked, ...finishedNodes(rollout).map(({ region }) => region)]);
  return [...regions].flatMap((region): Need[] => {
    const finished = finishedNodes(rollout, region);
    const own = region === node.region;
    if (own && finished.some((each) => missed(rollout, each) || !isFresh(each.provenAt, now, freshFor)))
      return [{ region, step: 'prove' }];
    const seen = (each: NodeRun) =>
      !missed(rollout, each) && (isFresh(each.seenAt, now, freshFor) || isFresh(each.provenAt, now, freshFor));
    const isUnseen = own || checked.includes(region);
    const looked = !isUnseen || isFresh(rollout.looks[region]?.at ?? null, now, freshFor);
    return looked && finished.every(seen) ? [] : [{ region, step: 'watch' }];
  });
}

/** Regions whose finished nodes must be proven again before an approval is asked, and before the last word. */
export function unprovenRegions(rollout: Rollout, now: number): string[] {
  const since = lastChange(rollout);
  const isProven = (node: NodeRun) =>
    node.sick === null &&
    !missed(rollout, node) &&
    isFresh(node.provenAt, now, provenFor) &&
    (node.provenAt ?? 0) >= since;
  const old = finishedNodes(rollout).filter((node) => !isProven(node));
  return [...new Set(old.map(({ region }) => region))];
}

/** What was seen before the last node was finished, or the last bake was over, proves nothing about now. */
function lastChange(rollout: Rollout): number {
  const finished = finishedNodes(rollout).map(({ state }) => (state.is === 'done' ? state.at : 0));
  const watched = rollout.phases.map((phase) => (phase.is === 'watch' ? (endOf(phase) ?? 0) : 0));
  return Math.max(0, ...finished, ...watched);
}

/** Regions of a rollback's queue whose last look is too old to choose by, or from before `since`, when it was asked for. */
export function looksBeforePick({ looks }: Rollout, regions: string[], since: number, now: number): Need[] {
  const isOld = (at: number | null) => !isFresh(at, now, freshFor) || (at ?? 0) < since;
  const old = [...new Set(regions)].filter((region) => isOld(looks[region]?.at ?? null));
  return old.map((region) => ({ region, step: 'watch' }));
}
