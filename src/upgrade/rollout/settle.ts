import { bySettings } from '../../base/actor.ts';
import { asksFrom } from './asking.ts';
import { finishedNodes, unprovenRegions } from './freshness.ts';
import { actions, askable, changePhase, settlePhases } from './phases.ts';
import { goesForward, nodeOf, nodesInOrder, touchedActions, workingActions, workingNodes } from './queries.ts';
import { movePhase, moveStatus } from './transitions.ts';
import type { Rollout } from './types.ts';

/** What follows from the state by itself, after any event: phases, an ask, an emptied queue, the end. */
export function settle(rollout: Rollout, at: number): Rollout {
  return settleStatus(settleAsks(settlePhases(rollout, at), at), at);
}

/** Asked only when all that is finished was just proven again, not so early that a yes would expire, and nobody out of their sleep. */
function settleAsks(rollout: Rollout, at: number): Rollout {
  const due = askable(rollout).filter((phase) => (asksFrom(rollout, phase, at) ?? 0) <= at);
  if (!goesForward(rollout) || due.length === 0 || unprovenRegions(rollout, at).length > 0) return rollout;
  return due.reduce(
    (acc, { id }) => changePhase(acc, id, (phase) => movePhase(phase, { is: 'active', since: at })),
    rollout,
  );
}

/** The clock alone brings an ask that waits for its hour, or that nothing comes before. The same object when it brings none. */
export const askedByClock = (rollout: Rollout, at: number): Rollout =>
  askable(rollout).every((phase) => phase !== rollout.phases[0] && asksFrom(rollout, phase) === null)
    ? rollout
    : settleAsks(rollout, at);

function settleStatus(rollout: Rollout, at: number): Rollout {
  const { status } = rollout;
  switch (status.is) {
    case 'running':
    case 'paused':
      return allProven(rollout, at) ? moveStatus(rollout, { is: 'done', at }) : rollout;
    case 'stopping':
      return isBusy(rollout) ? rollout : moveStatus(rollout, { is: 'stopped', by: status.by, at });
    case 'rolling-back':
      return settleQueue(rollout, status, at);
    default:
      return rollout;
  }
}

const isBusy = (rollout: Rollout): boolean => workingNodes(rollout).length + workingActions(rollout).length > 0;

/** The last word: every action and every node is done, and was just proven again. */
function allProven(rollout: Rollout, at: number): boolean {
  if (actions(rollout).some(({ work }) => work.state.is !== 'done')) return false;
  return finishedNodes(rollout).length === nodesInOrder(rollout).length && unprovenRegions(rollout, at).length === 0;
}

type RollingBack = Extract<Rollout['status'], { is: 'rolling-back' }>;

/** Over when nothing of the queue is left, and no other node is under way (its own failure, meanwhile). */
function settleQueue(rollout: Rollout, status: RollingBack, at: number): Rollout {
  const queue = status.queue.filter((name) => nodeOf(rollout, name).touched);
  if (queue.length > 0 || isBusy(rollout) || touchedActions(rollout).some(({ id }) => status.actions?.includes(id))) {
    return queue.length === status.queue.length ? rollout : moveStatus(rollout, { ...status, queue });
  }
  const { scope, after } = status;
  if (scope.is === 'all') return moveStatus(rollout, { is: 'rolled-back', scope, at });
  const failed = after === null ? '' : `; meanwhile ${after.node} failed: ${after.reason}`;
  const node = after?.node ?? null;
  return moveStatus(rollout, { is: 'held', reason: `${broughtBack(status)}${failed}`, node, at, pending: null });
}

function broughtBack({ scope, by }: RollingBack): string {
  const what =
    scope.is === 'nodes'
      ? scope.nodes.join(', ')
      : scope.is === 'region'
        ? scope.region
        : scope.is === 'node'
          ? scope.node
          : 'everything';
  return by === bySettings
    ? `${what} was rolled back by policy.autoRollback`
    : `${what} was rolled back on request of ${by}`;
}
