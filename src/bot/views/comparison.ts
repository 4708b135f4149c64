import { comparisonWords } from '../../upgrade/comparison/index.ts';
import { comparisonsIn } from '../../upgrade/rollout/index.ts';
import type { Phase, Rollout } from '../../upgrade/rollout/types.ts';
import { foreign } from './text.ts';

/** What upgraded nodes were, held against those that were not yet, at the end of a watch; nothing where nobody compared. */
export function comparedIn(phase: Phase | null): string[] {
  const all = comparisonsIn(phase);
  if (all.length === 0) return [];
  const several = new Set(all.map(({ region }) => region)).size > 1;
  const lines = all.map(({ region, found }) => {
    const where = several ? `${foreign(region, 80)}, ` : '';
    return `${found.is === 'worse' ? '‼' : '○'} ${where}${foreign(comparisonWords(found), 250)}`;
  });
  return ['Held against nodes that were not upgraded:', ...lines];
}

/** Of the last watch that was over. */
export const comparedLast = ({ phases }: Rollout): string[] =>
  comparedIn(phases.findLast(({ is, state }) => is === 'watch' && state.is === 'done') ?? null);
