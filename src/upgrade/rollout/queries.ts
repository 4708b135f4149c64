import type { BatchRun, LookTask, NodeRun, RollbackScope, Rollout, Status, StepName, Task } from './types.ts';

const closed: Status['is'][] = ['done', 'rolled-back', 'stopped'];

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

/** In order of work. */
export function nodesInOrder(rollout: Rollout): NodeRun[] {
  return rollout.batches.flatMap((batch) => batch.nodes.map((name) => nodeOf(rollout, name)));
}

export function batchIndexOf(rollout: Rollout, node: string): number {
  return rollout.batches.findIndex((batch) => batch.nodes.includes(node));
}

/** The node under way, in either direction. */
export function workingNode(rollout: Rollout): NodeRun | null {
  return nodesInOrder(rollout).find((node) => node.state.is === 'working') ?? null;
}

/**
 * The only node that may be begun: of the first batch that is not finished the one that was changed already, else one
 * that is known to be down (it costs no quorum, guide: high availability), else the first in order.
 */
export function nextNode(rollout: Rollout): NodeRun | null {
  for (const { nodes } of rollout.batches) {
    const left = nodes.map((name) => nodeOf(rollout, name)).filter(({ state }) => state.is !== 'done');
    const next = left.find(({ touched }) => touched) ?? left.find((node) => isDown(rollout, node)) ?? left[0];
    if (next) return next;
  }
  return null;
}

/** A rollback that was asked for has still to bring it back. */
export function isQueued({ status }: Rollout, { name }: NodeRun): boolean {
  return status.is === 'rolling-back' && status.queue.includes(name);
}

export function isDown(rollout: Rollout, { name, region }: NodeRun): boolean {
  return rollout.looks[region]?.standing[name] === 'down';
}

/** The batch that is done and whose bake is not over; null when none. */
export function bakingBatch(rollout: Rollout): BatchRun | null {
  return (
    rollout.batches.find(
      (batch, index) => batch.finishedAt !== null && batch.bakedAt === null && needsBake(rollout, index),
    ) ?? null
  );
}

/** A batch is watched to the end of its bake when it has one, or when the next one wants approval. */
export function needsBake(rollout: Rollout, index: number): boolean {
  const [batch, following] = [rollout.batches[index], rollout.batches[index + 1]];
  return batch !== undefined && following !== undefined && (batch.bake > 0 || following.approval);
}

/** Earliest end of a bake, if every look from here on is healthy. */
export function bakeEnd({ bake, healthyFor, healthyAt, finishedAt }: BatchRun): number | null {
  const from = healthyAt ?? finishedAt;
  return from === null ? null : from + Math.max(0, bake - healthyFor);
}

/** Batches whose approval can be asked for: all before is baked, and nobody was asked yet. */
export function askable(rollout: Rollout): BatchRun[] {
  return rollout.batches.filter((batch, index) => {
    const before = rollout.batches[index - 1];
    return batch.approval && batch.approved === null && batch.askedAt === null && before?.bakedAt != null;
  });
}

export const forwardSteps: readonly StepName[] = ['backup', 'switch', 'verify', 'cleanup'];
export const backSteps: readonly StepName[] = ['diagnose', 'restore', 'verify-restored', 'cleanup'];

/** Steps that change what runs. */
export const changes = (step: StepName): boolean => step === 'switch' || step === 'restore';

/** A node that runs the target already, or was switched before, is only proven; unless nobody knows what came of it. */
export function firstForwardStep(node: NodeRun): StepName {
  if (node.touched) return node.uncertain ? 'switch' : 'verify';
  return node.already ? 'verify' : 'backup';
}

/** What never proved healthy is diagnosed before the rollback destroys the evidence. */
export function firstBackStep(node: NodeRun): StepName {
  return node.proof === null && node.diagnosis === null ? 'diagnose' : 'restore';
}

export function inScope(node: NodeRun, scope: RollbackScope): boolean {
  switch (scope.is) {
    case 'all':
      return true;
    case 'region':
      return node.region === scope.region;
    case 'node':
      return node.name === scope.node;
    case 'nodes':
      return scope.nodes.includes(node.name);
  }
}

/** Names of the nodes that this rollout changed and has not brought back, newest first. */
export function touchedNewestFirst(rollout: Rollout, scope: RollbackScope): string[] {
  return nodesInOrder(rollout)
    .filter((node) => node.touched && inScope(node, scope))
    .reverse()
    .sort((a, b) => (b.touchedAt ?? 0) - (a.touchedAt ?? 0))
    .map((node) => node.name);
}

export const isLook = (task: Task): task is LookTask => task.step === 'watch' || task.step === 'prove';

/** The try that is due was begun: a command of it may be on its way. */
export function inFlight(node: NodeRun): boolean {
  return node.begun === node.attempt;
}
