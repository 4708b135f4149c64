import type { BatchRun, NodeRun, RollbackScope, Rollout, Status, StepName } from './types.ts';

const closed: Status['is'][] = ['done', 'rolled-back', 'stopped'];

/** An open rollout holds its fleet. */
export function isOpen(rollout: Rollout): boolean {
  return !closed.includes(rollout.status.is);
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

/** The first node in order that is not done: the only one that may be begun. */
export function nextNode(rollout: Rollout): NodeRun | null {
  return nodesInOrder(rollout).find((node) => node.state.is !== 'done') ?? null;
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

/** Epoch ms of the next probe of a baking batch: every `policy.watch`, and exactly at the end of the bake. */
export function watchDue(rollout: Rollout, batch: BatchRun): number {
  if (batch.finishedAt === null) return Number.POSITIVE_INFINITY;
  const end = batch.finishedAt + batch.bake;
  const last = batch.lastWatchAt ?? batch.finishedAt;
  return last < end ? Math.min(last + rollout.policy.watch, end) : last + rollout.policy.watch;
}

export const forwardSteps: readonly StepName[] = ['backup', 'switch', 'verify', 'cleanup'];
export const backSteps: readonly StepName[] = ['diagnose', 'restore', 'verify-restored', 'cleanup'];

/** A node that runs the target already is only proven. */
export function firstForwardStep(node: NodeRun): StepName {
  return node.already ? 'verify' : 'backup';
}

/** What never proved healthy is diagnosed before the rollback destroys the evidence. */
export function firstBackStep(node: NodeRun): StepName {
  return node.proof === null && node.diagnosis === null ? 'diagnose' : 'restore';
}

export function inScope(node: NodeRun, scope: RollbackScope): boolean {
  if (scope.is === 'all') return true;
  return scope.is === 'region' ? node.region === scope.region : node.name === scope.node;
}

/** Names of the nodes that this rollout changed and has not brought back, newest first. */
export function touchedNewestFirst(rollout: Rollout, scope: RollbackScope): string[] {
  return nodesInOrder(rollout)
    .filter((node) => node.touched && inScope(node, scope))
    .reverse()
    .sort((a, b) => (b.touchedAt ?? 0) - (a.touchedAt ?? 0))
    .map((node) => node.name);
}

/** Nothing can have been changed yet: a later try may follow one that did change something. */
export function isFirstTryOfSwitch({ state }: NodeRun): boolean {
  return state.is === 'working' && state.step === 'switch' && state.failures === 0 && state.unknowns === 0;
}
