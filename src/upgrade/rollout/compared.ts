import { type Comparison, comparisonWords, type Groups } from '../comparison/index.ts';
import { sinceOf, watchEndOf, watching } from './phases.ts';
import { goesForward, nodesInOrder } from './queries.ts';
import { moveStatus } from './transitions.ts';
import type { NodeRun, Phase, Rollout, WatchPhase } from './types.ts';

/** Upgraded nodes held against those that were not yet: who they are, when that is asked for, and what follows from it. */

/** What a region of a watch came to. Peers of the same region go before all others. */
export function groupsOf(rollout: Rollout, region: string): Groups {
  const all = nodesInOrder(rollout);
  const here = ({ region: of }: NodeRun) => of === region;
  const untouched = all.filter(isUntouched);
  const near = untouched.filter(here);
  const upgraded = all
    .filter(here)
    .flatMap(({ name, state, touchedAt, already }) =>
      state.is === 'done' && touchedAt !== null && !already ? [{ node: name, until: touchedAt, from: state.at }] : [],
    );
  const control = near.length > 0 ? near : untouched;
  return { upgraded, control: control.map(({ name }) => name), near: near.length > 0 };
}

/** It runs what it ran before: not one that had the release already, nor one that went there and back. */
const isUntouched = ({ touched, touchedAt, already, state }: NodeRun): boolean =>
  !touched && touchedAt === null && !already && (state.is === 'ready' || state.is === 'staging');

/**
 * Whether a look at this moment (epoch ms) may be the last of a region's watch. Only then: whoever judges again and again finds in the
 * end what is not there.
 */
export function asksComparison(rollout: Rollout, region: string, at: number): boolean {
  // Of what runs what it ran before nothing is to be told.
  const isSame = rollout.change?.is === 'restart' || rollout.recovery !== undefined;
  const phase = goesForward(rollout) && !isSame ? watching(rollout) : null;
  const since = sinceOf(phase);
  if (phase === null || since === null || !phase.regions.includes(region)) return false;
  return watchEndOf(phase, region, Math.max(since, rollout.looks[region]?.at ?? since)) <= at;
}

/** How many groups are judged together. */
export const familiesOf = (rollout: Rollout): number => watching(rollout)?.regions.length ?? 1;

/** Kept of the look that had seen the region for long enough; an earlier one says nothing. */
export const withComparison = (
  phase: WatchPhase,
  region: string,
  found: readonly Comparison[] | undefined,
): Pick<WatchPhase, 'compared'> => {
  const { ms = -1, at = null } = phase.healthy[region] ?? {};
  if (found === undefined || at === null || ms < phase.for) return {};
  return { compared: { ...phase.compared, [region]: [...found] } };
};

/** All that was found by the end of a watch, with its region. */
export const comparisonsIn = (phase: Phase | null): { region: string; found: Comparison }[] =>
  phase?.is !== 'watch'
    ? []
    : Object.entries(phase.compared ?? {}).flatMap(([region, all]) => all.map((found) => ({ region, found })));

/** What is worse holds once, when its watch is over: whoever lets it go on has read that, and reads it again where they approve. */
export function holdForWorse(before: Rollout, rollout: Rollout, at: number): Rollout {
  const ended = watching(before);
  const phase = rollout.phases.find((each) => each.id === ended?.id) ?? null;
  if (phase?.state.is !== 'done' || !goesForward(rollout)) return rollout;
  const worse = comparisonsIn(phase).filter(({ found }) => found.is === 'worse');
  if (worse.length === 0) return rollout;
  const words = worse.map(({ region, found }) => `${comparisonWords(found)} in ${region}`).join('; ');
  const reason = `upgraded nodes are worse than those that are not yet: ${words}`;
  return moveStatus(rollout, { is: 'held', reason, node: null, at, pending: null });
}
