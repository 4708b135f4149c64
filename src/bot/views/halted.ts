import { isAny } from '../../base/is-any.ts';
import { goesForward, isQueued, nextNode, nodesInOrder } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { foreign } from './text.ts';

/** Which file keeps this node waiting, where, and what it says, as the worker told that met it; null when none does, or nobody asks. */
export function haltOf(rollout: Rollout, node: NodeRun): string | null {
  const { held, attempt, state } = node;
  const begins = rollout.status.is === 'running' && isAny(state.is, 'ready', 'staging');
  const isAsked = begins || state.is === 'working' || isQueued(rollout, node);
  if (!isAsked || held?.due !== attempt) return null;
  return held.gates.find(({ name }) => name === 'halt')?.reason ?? null;
}

/** The same of whatever is under way, in either direction, or is next, as the last look saw it. Each file once. */
export function halts(rollout: Rollout): string[] {
  const next = goesForward(rollout) ? nextNode(rollout) : null;
  const seen = next === null || next.state.is === 'working' ? undefined : rollout.looks[next.region]?.halt;
  const met = nodesInOrder(rollout).flatMap((node) => haltOf(rollout, node) ?? []);
  return [...new Set([...(seen?.is === 'lies' ? [seen.reason] : []), ...met])];
}

/** Other workers of the region may not see it, so this speaks of the one that does. */
export const haltLines = (rollout: Rollout): string[] =>
  halts(rollout).map(
    (reason) =>
      `‼ *Stopped by a file*: ${foreign(reason, 500)}. That worker begins nothing and brings nothing back until it is removed.`,
  );
