import { serviceIn } from '../../base/sibling.ts';
import { turns } from './phases.ts';
import { isDown, nodeOf, nodesInOrder, workingNodes } from './queries.ts';
import type { NodeRun, Rollout } from './types.ts';

/**
 * How many more nodes may be begun in a region now. What is under way counts as down for the quorum, so the places are
 * given away before anything is begun: two that were begun never keep each other from going on. The first node of a service
 * goes alone, the first one of each region alone there, and so does the next one when the quorum kept one there from its stop.
 */
export function placesLeft(rollout: Rollout, region: string): number {
  const working = workingNodes(rollout);
  const here = working.filter((node) => node.region === region).length;
  const ofService = nodesInOrder(rollout).find(({ name }) => serviceIn(name) === serviceIn(region));
  const isFirst = ofService?.state.is !== 'done' || isRehearsing(rollout);
  const most = goesAlone(rollout, region) ? 1 : mostAtOnce(rollout, region);
  return Math.min((isFirst ? 1 : rollout.policy.atOnce) - working.length, most - here);
}

/** Whether the way back works is known before anything else is begun. */
function isRehearsing(rollout: Rollout): boolean {
  return turns(rollout).some(({ rehearsal }) => {
    const node = rehearsal === undefined ? undefined : rollout.nodes[rehearsal.node];
    return node?.state.is === 'working' && node.rehearsedAt === undefined && !node.already;
  });
}

/** How many nodes of a region may be under way at the same time, when all others of it are healthy. */
export function mostAtOnce({ policy, peers }: Rollout, region: string): number {
  const spare = (peers[region]?.length ?? 0) - policy.minimumHealthy;
  return Math.min(policy.atOnce, Math.max(1, spare));
}

function goesAlone(rollout: Rollout, region: string): boolean {
  const nodes = nodesInOrder(rollout);
  const isKept = ({ held, state }: NodeRun) =>
    (state.is === 'ready' || state.is === 'working') && held?.gates.some(({ name }) => name === 'quorum') === true;
  const canary = nodes.find((node) => node.region === region && node.balances === undefined);
  return (
    (canary !== undefined && canary.state.is !== 'done') || nodes.some((node) => node.region === region && isKept(node))
  );
}

/**
 * The only node that may be begun: of the first turn that is not over the one that was changed already, else one of the
 * region that is next which is known to be down (it costs no quorum, guide: high availability), else the first in order.
 * While there is no place for it the first that is not finished, so that people see what the others wait for.
 */
export function nextNode(rollout: Rollout): NodeRun | null {
  const known = knownNext.get(rollout);
  if (known !== undefined) return known;
  const found = findNext(rollout);
  knownNext.set(rollout, found);
  return found;
}

/** Asked for by every rule and look about the same value, which never changes. */
const knownNext = new WeakMap<Rollout, NodeRun | null>();

function findNext(rollout: Rollout): NodeRun | null {
  for (const { nodes } of turns(rollout)) {
    const left = nodes.map((name) => nodeOf(rollout, name)).filter(({ state }) => state.is !== 'done');
    if (left.length === 0) continue;
    const waiting = first(
      rollout,
      left.filter(({ state }) => state.is !== 'working'),
    );
    return waiting !== null && placesLeft(rollout, waiting.region) > 0 ? waiting : first(rollout, left);
  }
  return null;
}

function first(rollout: Rollout, nodes: NodeRun[]): NodeRun | null {
  const isNear = ({ region }: NodeRun) => region === nodes[0]?.region;
  const isSick = (node: NodeRun) => isNear(node) && isDown(rollout, node);
  return nodes.find(({ touched }) => touched) ?? nodes.find(isSick) ?? nodes[0] ?? null;
}
