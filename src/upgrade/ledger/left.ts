import { isOpen, nodesInOrder, wasOnlyOut } from '../rollout/index.ts';
import type { NodeRun, Rollout } from '../rollout/types.ts';
import type { LedgerEvent, Left } from './types.ts';

type What = Omit<Left, 'at' | 'rollout'>;

/**
 * What a rollout that is over proved on its nodes and left there: the release, or what it brought them back to. Nothing
 * is said of nodes that it did not finish; null when that is all of them, or while it is open.
 */
export function leftBy(rollout: Rollout): LedgerEvent | null {
  const { status, id } = rollout;
  if (isOpen(rollout) || !('at' in status)) return null;
  const nodes = nodesInOrder(rollout).flatMap((node): [string, What][] => {
    const what = proven(rollout, node);
    return what === null ? [] : [[node.name, what]];
  });
  return nodes.length === 0 ? null : { type: 'left', at: status.at, rollout: id, nodes: Object.fromEntries(nodes) };
}

function proven({ release }: Rollout, node: NodeRun): What | null {
  const { state, before, gets, decided, sick } = node;
  const kept = decided?.as === 'keep' && decided.foreign.what === 'environment' ? decided.foreign.sha256 : null;
  const envSha256 = kept ?? gets?.envSha256 ?? before?.envSha256 ?? null;
  if (state.is === 'done' && sick === null) {
    return { version: release.version, sha256: release.binarySha256, envSha256 };
  }
  if (state.is !== 'rolled-back' || before === null || wasOnlyOut(node)) return null;
  return { version: before.version, sha256: before.sha256, envSha256 };
}
