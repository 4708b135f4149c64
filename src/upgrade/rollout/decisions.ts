import { firstBackStep, inScope, isOpen, nodesInOrder, touchedNewestFirst } from './queries.ts';
import { toStep } from './reports.ts';
import { moveNode, moveStatus } from './transitions.ts';
import type { BatchRun, Event, NodeRun, NodeState, RollbackScope, Rollout } from './types.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

export function paused(rollout: Rollout, { by, at }: Of<'paused'>): Rollout {
  return rollout.status.is === 'running' ? moveStatus(rollout, { is: 'paused', by, at }) : rollout;
}

/** After a pause; after a hold only when no node waits for a decision, since going on would step over it. */
export function resumed(rollout: Rollout): Rollout {
  const { status } = rollout;
  if (status.is === 'paused') return moveStatus(rollout, { is: 'running' });
  if (status.is !== 'held' || nodesInOrder(rollout).some((node) => needsDecision(node) || goesBack(node))) {
    return rollout;
  }
  return moveStatus({ ...rollout, batches: rollout.batches.map(freshWatch) }, { is: 'running' });
}

export function stopped(rollout: Rollout, { by, at }: Of<'stopped'>): Rollout {
  if (!isOpen(rollout) || rollout.status.is === 'stopping') return rollout;
  return moveStatus(rollout, { is: 'stopping', by, at });
}

/** Only while it is being asked, and never by the requester unless the policy says so. */
export function approved(rollout: Rollout, { region, by, at }: Of<'approved'>): Rollout {
  if (by === rollout.requester && !rollout.policy.selfApproval) return rollout;
  if (!['running', 'paused'].includes(rollout.status.is)) return rollout;
  return changeBatch(rollout, region, (batch) =>
    batch.approval && batch.askedAt !== null && batch.approved === null ? { ...batch, approved: { by, at } } : batch,
  );
}

/**
 * A new run over what failed, once an automatic rollback has ended. A stuck rollback is tried again first and the hold stays until it is clear what the
 * node runs; everything else starts again from staging.
 */
export function retried(rollout: Rollout, { at, by, epoch }: Of<'retried'>): Rollout {
  if (rollout.status.is !== 'held' || nodesInOrder(rollout).some(goesBack)) return rollout;
  const fresh = newRun(rollout, epoch);
  const stuckBack = nodesInOrder(fresh).filter(({ state }) => state.is === 'stuck' && state.direction === 'back');
  if (stuckBack.length > 0) {
    const names = stuckBack.map(({ name }) => name).join(', ');
    const reason = `the rollback of ${names} is being tried again, asked by ${by}`;
    const status = { is: 'held', reason, node: stuckBack[0]?.name ?? null, at } as const;
    return moveStatus(
      stuckBack.reduce((acc, node) => goOn(acc, node, at), fresh),
      status,
    );
  }
  const after = nodesInOrder(fresh).reduce((acc, node) => startAgain(acc, node, at), fresh);
  return moveStatus({ ...after, batches: after.batches.map(freshWatch) }, { is: 'running' });
}

function startAgain(rollout: Rollout, node: NodeRun, at: number): Rollout {
  if (node.state.is === 'stuck' || node.state.is === 'unproven') return goOn(rollout, node, at);
  if (!needsDecision(node)) return rollout;
  const attempt = node.attempt + 1;
  return moveNode(rollout, node, stagingAgain(at), {
    attempt,
    failure: null,
    diagnosis: null,
    proof: null,
    held: null,
  });
}

function goOn(rollout: Rollout, node: NodeRun, at: number): Rollout {
  const { state } = node;
  if (state.is === 'stuck') return toStep(rollout, node, state.direction, state.step, at);
  return state.is === 'unproven' ? toStep(rollout, node, 'forward', state.step, at, { failure: null }) : rollout;
}

const needsDecision = ({ state }: NodeRun) => ['failed', 'unproven', 'rolled-back', 'stuck'].includes(state.is);

const goesBack = ({ state }: NodeRun) => state.is === 'working' && state.direction === 'back';

const stagingAgain = (at: number): NodeState => ({
  is: 'staging',
  failures: 0,
  unknowns: 0,
  notBefore: at,
  since: null,
  lastReason: null,
});

/** Works on a finished rollout too: it opens again, if nobody else holds the fleet (the store sees to that). */
export function rollbackAsked(rollout: Rollout, { at, by, scope, epoch }: Of<'rollback-asked'>): Rollout {
  if (rollout.status.is === 'rolled-back') return rollout;
  const wanted = wider(rollout, scope);
  if (rollout.status.is === 'rolling-back' && wanted === rollout.status.scope) return rollout;
  const queue = touchedNewestFirst(rollout, wanted);
  if (queue.length === 0) return rollout;
  const fresh = newRun(rollout, epoch);
  const waiting = nodesInOrder(fresh).reduce((acc, node) => backToReady(acc, node, at), fresh);
  const turned = queue.reduce((acc, name) => turnBack(acc, name, at), waiting);
  const batches = turned.batches.map((batch) => (touches(turned, batch, queue) ? reset(batch) : batch));
  return moveStatus({ ...turned, batches }, { is: 'rolling-back', scope: wanted, queue, by, at });
}

/** Asking for more while a rollback is under way widens it; asking for less never narrows it. */
function wider(rollout: Rollout, scope: RollbackScope): RollbackScope {
  const { status } = rollout;
  if (status.is !== 'rolling-back') return scope;
  const both = nodesInOrder(rollout).filter((node) => inScope(node, scope) || inScope(node, status.scope));
  const regions = new Set(both.map(({ region }) => region));
  if (both.every((node) => inScope(node, status.scope))) return status.scope;
  if (both.every((node) => inScope(node, scope))) return scope;
  const [only] = regions;
  return regions.size === 1 && only !== undefined ? { is: 'region', region: only } : { is: 'all' };
}

/** A node that was begun and not touched yet must not be switched in the middle of a rollback. */
function backToReady(rollout: Rollout, node: NodeRun, at: number): Rollout {
  if (node.state.is !== 'working' || node.state.direction === 'back' || node.touched) return rollout;
  return moveNode(rollout, node, { is: 'ready', notBefore: at }, { attempt: node.attempt + 1 });
}

/** A node caught on its way forward turns round where it is. */
function turnBack(rollout: Rollout, name: string, at: number): Rollout {
  const node = rollout.nodes[name];
  if (node?.state.is !== 'working' || node.state.direction === 'back') return rollout;
  return toStep(rollout, node, 'back', firstBackStep(node), at, { held: null });
}

function touches(rollout: Rollout, batch: BatchRun, queue: string[]): boolean {
  return batch.nodes.some((name) => queue.includes(name) && rollout.nodes[name] !== undefined);
}

const freshWatch = (batch: BatchRun): BatchRun => (batch.misses > 0 ? { ...batch, misses: 0 } : batch);

/** What comes back must be finished, watched and approved anew. */
const reset = (batch: BatchRun): BatchRun => ({
  ...batch,
  finishedAt: null,
  bakedAt: null,
  watchedAt: null,
  lastWatchAt: null,
  misses: 0,
  askedAt: null,
  approved: null,
});

export function newRun(rollout: Rollout, epoch: number): Rollout {
  return { ...rollout, run: rollout.run + 1, epoch: Math.max(epoch, rollout.epoch + 1) };
}

export function changeBatch(rollout: Rollout, region: string, change: (batch: BatchRun) => BatchRun): Rollout {
  const batches = rollout.batches.map((batch) => (batch.region === region ? change(batch) : batch));
  return batches.every((batch, index) => batch === rollout.batches[index]) ? rollout : { ...rollout, batches };
}
