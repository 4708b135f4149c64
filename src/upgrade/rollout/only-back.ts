import { letGo, turnBack } from './decisions.ts';
import { changePhases } from './phases.ts';
import { goesForward, leadsBack, nodesInOrder } from './queries.ts';
import { stuck } from './reports.ts';
import { undoOf } from './traits.ts';
import { moveStatus } from './transitions.ts';
import type { NodeRun, Rollout } from './types.ts';

/**
 * What is stored and nobody signed, taken up by somebody who only wants back, or an end: they have not read it. So what is
 * on its way forward turns round, the way back is the one that we know, and nothing that it says was decided counts.
 */
export function onlyBack(rollout: Rollout, at: number): Rollout {
  const own = changePhases(rollout, (phase) => (phase.is === 'nodes' ? { ...phase, undo: undoOf(phase.path) } : phase));
  const nodes = Object.entries(own.nodes).map(([name, node]) => [name, { ...node, decided: null }]);
  const asked: Rollout = { ...own, nodes: Object.fromEntries(nodes), onlyBack: true };
  const reason = 'nobody signed what led to this';
  const moves = goesForward(asked) || asked.status.is === 'rolling-back';
  const held = moves ? moveStatus(asked, { is: 'held', reason, node: null, at, pending: null }) : asked;
  const turned = nodesInOrder(held).reduce(
    (acc, node) => (node.touched ? turnRound(acc, node, reason, at) : acc),
    held,
  );
  return letGo(turned, () => false, at);
}

/** What leads nowhere back ends where it is. */
function turnRound(rollout: Rollout, node: NodeRun, reason: string, at: number): Rollout {
  const { state, name } = node;
  if (leadsBack(rollout) || state.is !== 'working') return turnBack(rollout, name, at);
  return stuck(rollout, node, state, reason, at);
}
