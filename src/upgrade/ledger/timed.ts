import { isOpen, nodesInOrder, releaseOf } from '../rollout/index.ts';
import type { Rollout, Took } from '../rollout/types.ts';
import type { LedgerEvent } from './types.ts';

/** How long the steps of a rollout that is over took; null when it timed none, or while it is open. */
export function timedBy(rollout: Rollout): LedgerEvent | null {
  const { status, id, release, change } = rollout;
  if (isOpen(rollout) || !('at' in status)) return null;
  const nodes = nodesInOrder(rollout).flatMap(({ name, took: { stage, ...took } }): [string, Took][] => {
    // What brings nothing says nothing of how long that takes, nor does an archive of another size.
    const isOther = releaseOf(rollout, name).archiveBytes !== release.archiveBytes;
    const all = stage === undefined || change !== undefined || isOther ? took : { ...took, stage };
    return Object.keys(all).length === 0 ? [] : [[name, all]];
  });
  if (nodes.length === 0) return null;
  const { archiveBytes: bytes } = release;
  return { type: 'timed', at: status.at, rollout: id, bytes, nodes: Object.fromEntries(nodes) };
}
