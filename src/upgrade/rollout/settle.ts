import { finishedNodes, unprovenRegions } from './freshness.ts';
import { askable, goesForward, nodeOf, nodesInOrder, workingNode } from './queries.ts';
import { moveStatus } from './transitions.ts';
import type { BatchRun, Rollout } from './types.ts';

/** What follows from the state by itself, after any event: finished batches, an ask, an emptied queue, the end. */
export function settle(rollout: Rollout, at: number): Rollout {
  return settleStatus(settleAsks(settleBatches(rollout, at), at), at);
}

function settleBatches(rollout: Rollout, at: number): Rollout {
  const finish = (batch: BatchRun): BatchRun => {
    const over = batch.nodes.every((name) => nodeOf(rollout, name).state.is === 'done');
    return over && batch.finishedAt === null ? { ...batch, finishedAt: at, healthyFor: 0, healthyAt: at } : batch;
  };
  return withBatches(rollout, rollout.batches.map(finish));
}

/** Asked only when all that is finished was just proven again. */
function settleAsks(rollout: Rollout, at: number): Rollout {
  if (!goesForward(rollout) || askable(rollout).length === 0 || unprovenRegions(rollout, at).length > 0) return rollout;
  const due = askable(rollout);
  return withBatches(
    rollout,
    rollout.batches.map((batch) => (due.includes(batch) ? { ...batch, askedAt: at } : batch)),
  );
}

function withBatches(rollout: Rollout, batches: BatchRun[]): Rollout {
  return batches.every((batch, index) => batch === rollout.batches[index]) ? rollout : { ...rollout, batches };
}

function settleStatus(rollout: Rollout, at: number): Rollout {
  const { status } = rollout;
  switch (status.is) {
    case 'running':
    case 'paused':
      return allProven(rollout, at) ? moveStatus(rollout, { is: 'done', at }) : rollout;
    case 'stopping':
      return workingNode(rollout) ? rollout : moveStatus(rollout, { is: 'stopped', by: status.by, at });
    case 'rolling-back':
      return settleQueue(rollout, status, at);
    default:
      return rollout;
  }
}

/** The last word: every node is done, and was just proven again. */
function allProven(rollout: Rollout, at: number): boolean {
  return finishedNodes(rollout).length === nodesInOrder(rollout).length && unprovenRegions(rollout, at).length === 0;
}

type RollingBack = Extract<Rollout['status'], { is: 'rolling-back' }>;

/** Over when nothing of the queue is left, and no other node is under way (its own failure, meanwhile). */
function settleQueue(rollout: Rollout, status: RollingBack, at: number): Rollout {
  const queue = status.queue.filter((name) => nodeOf(rollout, name).touched);
  if (queue.length > 0 || workingNode(rollout)) {
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
  return `${what} was rolled back on request of ${by}`;
}
