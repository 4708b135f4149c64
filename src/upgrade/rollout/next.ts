import { approved, changeBatch, paused, resumed, retried, rollbackAsked, stopped } from './decisions.ts';
import { gates } from './gates.ts';
import { bakingBatch, firstBackStep, firstForwardStep, isOpen, nodeOf, nodesInOrder, workingNode } from './queries.ts';
import { gated, reported, toStep } from './reports.ts';
import { settle } from './settle.ts';
import { moveNode, moveStatus } from './transitions.ts';
import type { Event, NodeRun, Rollout, StepName } from './types.ts';

/** Watches in a row that must find a node unhealthy before the rollout is held: one lost probe is no outage. */
const missesAllowed = 3;

/**
 * Folds one fact into the rollout. Total: what is late, repeated or impossible now returns the same object.
 * Never raises `revision`; the store does.
 */
export function next(rollout: Rollout, event: Event): Rollout {
  const after = fold(rollout, event);
  return after === rollout ? rollout : settle(after, event.at);
}

function fold(rollout: Rollout, event: Event): Rollout {
  switch (event.type) {
    case 'ticked':
      return expireApprovals(rollout, event.at);
    case 'begun':
      return begun(rollout, event);
    case 'reported':
    case 'gated': {
      const node = dueNode(rollout, event);
      if (node === null) return rollout;
      return event.type === 'reported' ? reported(rollout, node, event) : gated(rollout, node, event);
    }
    case 'watched':
      return watched(rollout, event);
    case 'approved':
      return approved(rollout, event);
    case 'paused':
      return paused(rollout, event);
    case 'resumed':
      return resumed(rollout);
    case 'stopped':
      return stopped(rollout, event);
    case 'retried':
      return retried(rollout, event);
    case 'rollback-asked':
      return rollbackAsked(rollout, event);
  }
}

/** The node whose try this is; null when the run, the try or the step is not the one that is due. */
function dueNode(
  rollout: Rollout,
  event: { run: number; node: string; step: StepName; attempt: number },
): NodeRun | null {
  const node = rollout.nodes[event.node];
  if (!node || !isOpen(rollout) || event.run !== rollout.run || event.attempt !== node.attempt) return null;
  const { state } = node;
  if (state.is === 'staging') return event.step === 'stage' ? node : null;
  return state.is === 'working' && state.step === event.step ? node : null;
}

/** Intent before effect: from here on the node counts as begun, at the switch as touched. */
function begun(rollout: Rollout, event: Extract<Event, { type: 'begun' }>): Rollout {
  const due = dueNode(rollout, event);
  if (due === null) return beginTurn(rollout, event);
  const { state } = due;
  if ((state.is !== 'working' && state.is !== 'staging') || state.since === event.at) return rollout;
  const touches = event.step === 'switch' && !due.touched;
  const changes = touches ? { touched: true, touchedAt: event.at } : {};
  return moveNode(rollout, due, { ...state, since: event.at }, changes);
}

/** The first step of a node: forward when every gate is open, back when it heads the queue of a rollback. */
function beginTurn(rollout: Rollout, event: Extract<Event, { type: 'begun' }>): Rollout {
  const node = rollout.nodes[event.node];
  if (!node || event.run !== rollout.run || event.attempt !== node.attempt || workingNode(rollout)) return rollout;
  const { status } = rollout;
  if (status.is === 'rolling-back' && status.queue[0] === node.name && event.step === firstBackStep(node)) {
    return toStep(rollout, node, 'back', event.step, event.at, { attempt: node.attempt, held: null });
  }
  if (node.state.is !== 'ready' || event.step !== firstForwardStep(node)) return rollout;
  if (gates(rollout, node.name, event.at).length > 0) return rollout;
  const begunNode = toStep(rollout, node, 'forward', event.step, event.at, { attempt: node.attempt });
  return { ...begunNode, startedAt: rollout.startedAt ?? event.at };
}

/** Really watched: a region that finished is probed until its bake is over, and only then the next is asked for. */
function watched(rollout: Rollout, event: Extract<Event, { type: 'watched' }>): Rollout {
  const { at, region, unhealthy } = event;
  const batch = bakingBatch(rollout);
  if (batch === null || batch.region !== region || event.run !== rollout.run || batch.finishedAt === null)
    return rollout;
  if (!['running', 'paused'].includes(rollout.status.is)) return rollout;
  const seen = { ...batch, watches: batch.watches + 1, lastWatchAt: at };
  if (unhealthy.length > 0) {
    const misses = batch.misses + 1;
    const after = changeBatch(rollout, region, () => ({ ...seen, misses }));
    if (misses < missesAllowed) return after;
    const reason = `${unhealthy.join(', ')} became unhealthy while ${region} was being watched`;
    return moveStatus(after, { is: 'held', reason, node: unhealthy[0] ?? null, at });
  }
  const over = at >= batch.finishedAt + batch.bake;
  const after = changeBatch(rollout, region, () => ({ ...seen, misses: 0, watchedAt: at, bakedAt: over ? at : null }));
  return over ? askForNext(after, region, at) : after;
}

function askForNext(rollout: Rollout, region: string, at: number): Rollout {
  const following = rollout.batches[rollout.batches.findIndex((batch) => batch.region === region) + 1];
  if (!following?.approval || following.approved) return rollout;
  return changeBatch(rollout, following.region, (batch) => ({ ...batch, askedAt: at }));
}

/** An approval never fires days later: when it expires before its first node was begun, it is asked for again. */
function expireApprovals(rollout: Rollout, at: number): Rollout {
  if (!isOpen(rollout)) return rollout;
  const untouched = (names: string[]) =>
    names.every((name) => ['ready', 'staging'].includes(nodeOf(rollout, name).state.is));
  return rollout.batches.reduce(
    (acc, { region, approved: given, nodes }) =>
      given && at - given.at > rollout.policy.approvalExpires && untouched(nodes)
        ? changeBatch(acc, region, (batch) => ({ ...batch, approved: null, askedAt: at }))
        : acc,
    rollout,
  );
}

/** Every node, in order, with its state in one word; for logs and tests. */
export function summary(rollout: Rollout): string {
  return nodesInOrder(rollout)
    .map(({ name, state }) => `${name}:${state.is}`)
    .join(' ');
}
