import { whyWaiting } from './gates.ts';
import { bakingBatch, isOpen, nodesInOrder, watchDue } from './queries.ts';
import type { Rollout } from './types.ts';

/**
 * When the clock alone changes what there is to do: the earliest instant after `now` (epoch ms), or null when only
 * a person or a node can. A hint for a timer; the sweep would find it too.
 */
export function nextWake(rollout: Rollout, now: number): number | null {
  if (!isOpen(rollout)) return null;
  const baking = bakingBatch(rollout);
  const instants = [
    ...nodesInOrder(rollout).map(({ state }) => ('notBefore' in state ? state.notBefore : 0)),
    ...whyWaiting(rollout, now).map(({ opensAt }) => opensAt ?? 0),
    ...(baking ? [watchDue(rollout, baking)] : []),
    ...rollout.batches.map(({ approved }) => (approved ? approved.at + rollout.policy.approvalExpires + 1 : 0)),
  ].filter((at) => at > now);
  return instants.length > 0 ? Math.min(...instants) : null;
}
