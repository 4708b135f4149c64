import { isAny } from '../../base/is-any.ts';
import { isMeantBy, serviceIn } from '../../base/sibling.ts';
import { actionNames } from './facts.ts';
import { actions, turns } from './phases.ts';
import type {
  ActionPhase,
  ActionTask,
  LookTask,
  NodeRun,
  NodeTask,
  RollbackScope,
  Rollout,
  Status,
  Task,
} from './types.ts';

const closed: Status['is'][] = ['done', 'rolled-back', 'stopped'];

/** What goes back, and a broken node that is recovered, waits for no window, no freeze and no alert: as in gates.ts. */
export const waitsForWindows = ({ status, recovery }: Rollout): boolean =>
  recovery === undefined && status.is !== 'rolling-back';

/** An open rollout holds its fleet. */
export function isOpen(rollout: Rollout): boolean {
  return !closed.includes(rollout.status.is);
}

export function goesForward({ status }: Rollout): boolean {
  return status.is === 'running' || status.is === 'paused';
}

export function nodeOf(rollout: Rollout, name: string): NodeRun {
  const node = rollout.nodes[name];
  if (!node) throw new Error(`rollout ${rollout.id} has no node ${name}`);
  return node;
}

/** Asked for a dozen times about the same value, which never changes. */
const inOrder = new WeakMap<Rollout, readonly NodeRun[]>();

/** In order of work. */
export function nodesInOrder(rollout: Rollout): readonly NodeRun[] {
  const known = inOrder.get(rollout);
  if (known !== undefined) return known;
  const nodes = turns(rollout).flatMap((phase) => phase.nodes.map((name) => nodeOf(rollout, name)));
  inOrder.set(rollout, nodes);
  return nodes;
}

/** Regions in order of work. */
export function regionsOf(rollout: Rollout): string[] {
  return [...new Set(nodesInOrder(rollout).map(({ region }) => region))];
}

/** The nodes under way, in either direction. */
export function workingNodes(rollout: Rollout): NodeRun[] {
  return nodesInOrder(rollout).filter((node) => node.state.is === 'working');
}

/** The first node of its region: it is watched for longer. */
export function isCanary(rollout: Rollout, { name, region }: NodeRun): boolean {
  return nodesInOrder(rollout).find((node) => node.region === region && node.balances === undefined)?.name === name;
}

/** A rollback that was asked for has still to bring it back. */
export function isQueued({ status }: Rollout, { name }: NodeRun): boolean {
  return status.is === 'rolling-back' && status.queue.includes(name);
}

export function isDown(rollout: Rollout, { name, region }: NodeRun): boolean {
  return rollout.looks[region]?.standing[name] === 'down';
}

export function inScope(node: NodeRun, scope: RollbackScope): boolean {
  switch (scope.is) {
    case 'all':
      return true;
    case 'region':
      return isMeantBy(node.region, scope.region);
    case 'node':
      return isMeantBy(node.name, scope.node);
    case 'service':
      return serviceIn(node.name) === scope.service;
    case 'nodes':
      return scope.nodes.includes(node.name);
  }
}

/** A recovery has no way back, since what was there was broken; a restart none, since nothing was changed; of a migration nothing brings it back. */
export const leadsBack = ({ recovery, change }: Pick<Rollout, 'recovery' | 'change'>): boolean =>
  recovery === undefined && change?.is !== 'restart' && change?.is !== 'migrate';

/** Names of the nodes that this rollout changed and has not brought back, newest first; none where no way leads back. */
export function touchedNewestFirst(rollout: Rollout, scope: RollbackScope): string[] {
  if (!leadsBack(rollout)) return [];
  return nodesInOrder(rollout)
    .filter((node) => node.touched && inScope(node, scope))
    .reverse()
    .sort((a, b) => (b.touchedAt ?? 0) - (a.touchedAt ?? 0))
    .map((node) => node.name);
}

/** Taken out of service and not changed, and could not be put back: nobody is about to. */
export const isLeftOut = ({ state, drained, touched }: NodeRun): boolean => state.is === 'stuck' && drained && !touched;

/** It failed out of service, before anything on it was changed, and serves again: nothing of it was rolled back, nor proven. */
export const wasOnlyOut = ({ state, failure, rolledBackInRun, back }: NodeRun): boolean =>
  state.is === 'rolled-back' && failure !== null && rolledBackInRun === null && back === undefined;

/** What a rollback puts back besides; rollouts from before this was so must fold as they did. */
export function leftOutIn(rollout: Rollout, scope: RollbackScope): NodeRun[] {
  if (rollout.lastWord === undefined) return [];
  return nodesInOrder(rollout).filter((node) => isLeftOut(node) && inScope(node, scope));
}

/** The actions under way, in either direction. */
export const workingActions = (rollout: Rollout): ActionPhase[] =>
  actions(rollout).filter(({ work }) => work.state.is === 'working');

export const touchedActions = (rollout: Rollout): ActionPhase[] => actions(rollout).filter(({ work }) => work.touched);

/** The action whose turn it is, or is next but for approvals; null while something else is. */
export function actionInTurn({ phases }: Rollout): ActionPhase | null {
  const next = phases.find(({ state, is }) => state.is !== 'done' && is !== 'approval');
  return next?.is === 'action' ? next : null;
}

/** Those of a scope that can be brought back, newest first. Work of the whole fleet goes back with everything alone. */
export function actionsLeadingBack(rollout: Rollout, scope: RollbackScope): ActionPhase[] {
  const isIn = ({ subject }: ActionPhase) => scope.is === 'all' || (scope.is === 'region' && subject === scope.region);
  return touchedActions(rollout)
    .filter((phase) => Array.isArray(phase.undo) && isIn(phase))
    .sort((a, b) => (b.work.touchedAt ?? 0) - (a.work.touchedAt ?? 0));
}

/** Of a rollback's queue the actions that are still to be brought back and have not begun to, newest first. */
export function actionsToBringBack(rollout: Rollout): ActionPhase[] {
  const { status } = rollout;
  if (status.is !== 'rolling-back' || status.actions === undefined) return [];
  if (workingNodes(rollout).length > 0 || workingActions(rollout).length > 0) return [];
  const { actions: ids } = status;
  const queued = touchedActions(rollout).filter(({ id }) => ids.includes(id));
  const newest = queued.sort((a, b) => (b.work.touchedAt ?? 0) - (a.work.touchedAt ?? 0));
  const after = newest[0]?.work.touchedAt ?? 0;
  // What was changed after it goes back before it.
  return status.queue.some((name) => (nodeOf(rollout, name).touchedAt ?? 0) > after) ? [] : newest;
}

export const isAction = (task: Task): task is ActionTask => isAny(task.step, ...actionNames);

export const isOfNode = (task: Task): task is NodeTask => !isLook(task) && !isAction(task);

export const isLook = (task: Task): task is LookTask => isAny(task.step, 'watch', 'prove', 'after');

/** The try that is due was begun: a command of it may be on its way. */
export function inFlight(node: NodeRun): boolean {
  return node.begun === node.attempt;
}

/** Neither finished nor to be begun: a person says whether it is tried again. */
export const needsDecision = ({ state }: NodeRun): boolean =>
  isAny(state.is, 'failed', 'unproven', 'rolled-back', 'stuck');
