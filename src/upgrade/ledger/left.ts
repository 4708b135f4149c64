import { isAny } from '../../base/is-any.ts';
import { fileOf, isBalancer, isOpen, nodesInOrder, releaseOf, wasOnlyOut } from '../rollout/index.ts';
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
    const what = isBalancer(node) ? null : proven(rollout, node);
    return what === null ? [] : [[node.name, what]];
  });
  return nodes.length === 0 ? null : { type: 'left', at: status.at, rollout: id, nodes: Object.fromEntries(nodes) };
}

/** Nodes that a rollout changed, or may have, and did not prove until it was over; none while it is open. */
export function leftUnproven(rollout: Rollout): string[] {
  if (isOpen(rollout)) return [];
  // Of what nobody signed nothing is recorded.
  const isNoted = !rollout.unsigned && !rollout.onlyBack;
  const all = nodesInOrder(rollout).filter(
    (node) => !isBalancer(node) && (isNoted ? node.touched && proven(rollout, node) === null : node.touchedAt !== null),
  );
  return all.map(({ name }) => name);
}

/** Whether a rollout is at this node: what it is changes under it, or is nothing that was proven yet. */
export function isAtWork(rollout: Rollout, name: string): boolean {
  const node = Object.hasOwn(rollout.nodes, name) ? rollout.nodes[name] : undefined;
  if (node === undefined || !isOpen(rollout)) return false;
  const { state, touched, drained, uncertain } = node;
  return touched || drained || uncertain || !isAny(state.is, 'staging', 'ready', 'failed');
}

function proven(rollout: Rollout, node: NodeRun): What | null {
  const release = releaseOf(rollout, node.name);
  const { state, before, gets, decided, sick } = node;
  const kept = decided?.as === 'keep' && decided.foreign.what === 'environment' ? decided.foreign.sha256 : null;
  const envSha256 = kept ?? gets?.envSha256 ?? before?.envSha256 ?? null;
  if (state.is === 'done' && sick === null) {
    const put = kept ?? fileOf(rollout, node)?.after ?? envSha256;
    return { version: release.version, sha256: release.binarySha256, envSha256: put };
  }
  if (state.is !== 'rolled-back' || before === null || wasOnlyOut(node)) return null;
  return { version: before.version, sha256: before.sha256, envSha256 };
}
