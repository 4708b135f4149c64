import { isAny } from '../../base/is-any.ts';
import { isBalancer, nodesInOrder } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../upgrade/rollout/types.ts';

/** What the nodes are known to run: the only place where they are counted, for every message and answer. */
export interface Tally {
  all: number;
  /** On the release: proven in this rollout, or found on it when they were looked at. */
  onNew: NodeRun[];
  /** Those of them that ran it before. */
  already: NodeRun[];
  /** Changed, or possibly, and not proven: neither counted as new nor as old. */
  unsure: NodeRun[];
}

export function tally(rollout: Rollout): Tally {
  const nodes = nodesInOrder(rollout).filter((node) => !isBalancer(node));
  const onNew = nodes.filter(isOnNew);
  return {
    all: nodes.length,
    onNew,
    already: onNew.filter(({ already }) => already),
    unsure: nodes.filter(({ state, touched }) => touched && !isAny(state.is, 'done', 'working')),
  };
}

/** What this rollout did not touch is what it was. */
const isOnNew = ({ state, already, touched }: NodeRun): boolean => state.is === 'done' || (already && !touched);
