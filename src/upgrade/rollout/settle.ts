import { nodeOf, nodesInOrder, workingNode } from './queries.ts';
import { moveStatus } from './transitions.ts';
import type { BatchRun, Rollout } from './types.ts';

/** What follows from the state by itself, after any event: finished batches, an emptied queue, the end. */
export function settle(rollout: Rollout, at: number): Rollout {
  return settleStatus(settleBatches(rollout, at), at);
}

function settleBatches(rollout: Rollout, at: number): Rollout {
  const finish = (batch: BatchRun): BatchRun => {
    const over = batch.nodes.every((name) => nodeOf(rollout, name).state.is === 'done');
    return over && batch.finishedAt === null ? { ...batch, finishedAt: at } : batch;
  };
  const batches = rollout.batches.map(finish);
  return batches.every((batch, index) => batch === rollout.batches[index]) ? rollout : { ...rollout, batches };
}

function settleStatus(rollout: Rollout, at: number): Rollout {
  const { status } = rollout;
  const everyNodeDone = nodesInOrder(rollout).every(({ state }) => state.is === 'done');
  switch (status.is) {
    case 'running':
    case 'paused':
      return everyNodeDone ? moveStatus(rollout, { is: 'done', at }) : rollout;
    case 'stopping':
      return workingNode(rollout) ? rollout : moveStatus(rollout, { is: 'stopped', by: status.by, at });
    case 'rolling-back':
      return settleQueue(rollout, status, at);
    default:
      return rollout;
  }
}

function settleQueue(
  rollout: Rollout,
  status: Extract<Rollout['status'], { is: 'rolling-back' }>,
  at: number,
): Rollout {
  const queue = status.queue.filter((name) => nodeOf(rollout, name).touched);
  if (queue.length === status.queue.length) return rollout;
  if (queue.length > 0) return moveStatus(rollout, { ...status, queue });
  const { scope, by } = status;
  if (scope.is === 'all') return moveStatus(rollout, { is: 'rolled-back', scope, at });
  const what = scope.is === 'region' ? scope.region : scope.node;
  return moveStatus(rollout, { is: 'held', reason: `${what} was rolled back on request of ${by}`, node: null, at });
}
