import { serviceIn } from '../../base/sibling.ts';
import { actionGates } from './action-gates.ts';
import { wayBack } from './actions.ts';
import { looksAfterwards } from './afterwards.ts';
import { looksBeforePick } from './freshness.ts';
import { gates, isHeldBeforeLooks } from './gates.ts';
import { neglected } from './neglected.ts';
import { firstBack, firstForward } from './path.ts';
import { nextNode } from './places.ts';
import {
  actionInTurn,
  actionsToBringBack,
  goesForward,
  isDown,
  isOpen,
  nodeOf,
  nodesInOrder,
  touchedActions,
  workingActions,
  workingNodes,
} from './queries.ts';
import type { ActionName, ActionPhase, ActionTask, NodeRun, NodeTask, Rollout, StepName, Task } from './types.ts';
import { looksDue } from './watching.ts';

/** What should be in flight right now, derived from the state alone; looks at most, once it is settled. `now` is epoch ms. */
export function todo(rollout: Rollout, now: number): Task[] {
  if (rollout.unsigned) return [];
  if (!isOpen(rollout)) return looksAfterwards(rollout, now);
  const nodes = workingNodes(rollout).flatMap((node) => underWay(rollout, node, now));
  return [
    ...staging(rollout, now),
    ...nodes,
    ...actionsDue(rollout, now),
    ...oneMore(rollout, now),
    ...looksDue(rollout, now),
  ];
}

function staging(rollout: Rollout, now: number): NodeTask[] {
  if (!goesForward(rollout)) return [];
  return nodesInOrder(rollout)
    .filter(({ state }) => state.is === 'staging' && state.notBefore <= now)
    .map((node) => task(rollout, node, 'stage'));
}

function underWay(rollout: Rollout, node: NodeRun, now: number): NodeTask[] {
  return node.state.is === 'working' && node.state.notBefore <= now ? [task(rollout, node, node.state.step)] : [];
}

/** Those under way; else one that goes back, or the one whose turn it is when nothing holds it. */
function actionsDue(rollout: Rollout, now: number): ActionTask[] {
  const underWay = workingActions(rollout).flatMap((phase) => {
    const { state } = phase.work;
    return state.is === 'working' && state.notBefore <= now ? [actionTask(rollout, phase, state.action)] : [];
  });
  const [back] = actionsToBringBack(rollout);
  const [undo] = back === undefined ? [] : wayBack(back);
  if (back !== undefined && undo !== undefined) return [actionTask(rollout, back, undo)];
  const next = rollout.status.is === 'running' ? actionInTurn(rollout) : null;
  if (next?.work.state.is !== 'waiting' || actionGates(rollout, next, now).length > 0) return underWay;
  return [...underWay, actionTask(rollout, next, next.action)];
}

function actionTask({ id, run }: Rollout, phase: ActionPhase, step: ActionName): ActionTask {
  const { region, id: node, work } = phase;
  const job = `${id}.${run}.${node}.${step}.${work.attempt}`;
  return { id: job, rollout: id, run, region, node, step, attempt: work.attempt };
}

function oneMore(rollout: Rollout, now: number): NodeTask[] {
  const node = toBringBack(rollout, now);
  return node === null ? begin(rollout, now) : [task(rollout, node, firstBack(rollout, node).step)];
}

/**
 * Of a rollback's queue the node whose turn it is, decided anew each time: what is sick costs no quorum and goes first,
 * then what was switched last. Null while none may, or while the looks are too old to choose by; a region that nobody
 * serves, which is told, keeps no other from going back.
 */
export function toBringBack(rollout: Rollout, now: number): NodeRun | null {
  if (rollout.status.is !== 'rolling-back' || workingNodes(rollout).length > 0) return null;
  if (workingActions(rollout).length > 0) return null;
  const after = newestAction(rollout, rollout.status.actions);
  const queue = rollout.status.queue
    .map((name) => nodeOf(rollout, name))
    .filter((node) => after === null || newest(node) > after);
  const regions = queue.map(({ region }) => region);
  const unseen = looksBeforePick(rollout, regions, rollout.status.at, now).map(({ region }) => region);
  const neglectedRegions = neglected(rollout).map(({ region }) => region);
  if (unseen.some((region) => !neglectedRegions.includes(region))) return null;
  const reached = queue.filter(({ region }) => !unseen.includes(region));
  const place = placeInOrder(rollout);
  const untried = reached.filter((node) => !wasTried(node));
  const last = Math.max(...untried.map(place));
  // One that keeps it waiting at the quorum may be what is down of an earlier service: that is not kept waiting in its turn.
  const lastToMove = Math.max(...untried.filter((node) => !waitsForQuorum(node)).map(place));
  const comesLater = (node: NodeRun) => (isDown(rollout, node) ? lastToMove : last) > place(node);
  const free = reached.filter((node) => (node.held === null || node.held.until <= now) && !comesLater(node));
  return goingBack(rollout, free)[0] ?? null;
}

const waitsForQuorum = ({ held }: NodeRun): boolean =>
  held !== null && held.gates.length > 0 && held.gates.every(({ name }) => name === 'quorum');

/** What was changed before an action that is still to go back waits for that. */
function newestAction(rollout: Rollout, ids: readonly string[] = []): number | null {
  const all = touchedActions(rollout).filter(({ id }) => ids.includes(id));
  return all.length === 0 ? null : Math.max(...all.map(({ work }) => work.touchedAt ?? 0));
}

/** In the order in which they would go back, as things are known now. */
export function goingBack(rollout: Rollout, nodes: NodeRun[]): NodeRun[] {
  const place = placeInOrder(rollout);
  return nodes.toSorted(
    (a, b) =>
      Number(wasTried(a)) - Number(wasTried(b)) ||
      place(b) - place(a) ||
      urgency(rollout, b) - urgency(rollout, a) ||
      newest(b) - newest(a),
  );
}

/**
 * A service goes back whole before the one that it came after: none is left with a sibling that it does not go with. By the plan's order of
 * work: that of keys in what is stored says nothing.
 */
function placeInOrder(rollout: Rollout): (node: NodeRun) => number {
  if (rollout.services === undefined) return () => 0;
  const keys = [...new Set(nodesInOrder(rollout).map(({ name }) => serviceIn(name)))];
  return ({ name }) => keys.indexOf(serviceIn(name));
}

const newest = ({ touchedAt }: NodeRun): number => touchedAt ?? 0;

/** What was tried already and got stuck waits until all others had their turn. */
const wasTried = ({ state }: NodeRun): boolean => state.is === 'stuck' && state.direction === 'back';

function urgency(rollout: Rollout, node: NodeRun): number {
  if (isDown(rollout, node)) return 2;
  return rollout.looks[node.region]?.standing[node.name] === 'healthy' ? 0 : 1;
}

function begin(rollout: Rollout, now: number): NodeTask[] {
  const node = nextNode(rollout);
  if (rollout.status.is !== 'running' || node?.state.is !== 'ready') return [];
  if (isHeldBeforeLooks(rollout, node.name, now)) return [];
  return gates(rollout, node.name, now).length === 0 ? [task(rollout, node, firstForward(rollout, node).step)] : [];
}

function task(rollout: Rollout, node: NodeRun, step: StepName): NodeTask {
  const { id, run } = rollout;
  const { name, region, attempt } = node;
  return { id: `${id}.${run}.${name}.${step}.${attempt}`, rollout: id, run, region, node: name, step, attempt };
}
