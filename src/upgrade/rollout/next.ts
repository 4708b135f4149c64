import { acted } from './actions.ts';
import { lookedAfter, overdue, superseded, watchedFromHere } from './afterwards.ts';
import { foretold, rescheduled } from './ahead.ts';
import { declineOf } from './approvers.ts';
import { widened } from './automatic.ts';
import { ticked } from './checklists.ts';
import { approved, decided, declined, paused, resumed, retried, rollbackAsked, stopped } from './decisions.ts';
import { gated } from './gated.ts';
import { gates } from './gates.ts';
import { watched } from './looks.ts';
import { announced } from './notice.ts';
import { timedFirst, timedNext } from './pace.ts';
import { firstBack, firstForward } from './path.ts';
import { approvals, asked, changePhase, phaseOf, saidAt, sinceOf, unasked } from './phases.ts';
import { owned } from './post-mortem.ts';
import { goesForward, isOpen, nodeOf, nodesInOrder } from './queries.ts';
import { reminded, takenOn } from './reminders.ts';
import { lost, reported, toPlace } from './reports.ts';
import { goOnResting } from './rest.ts';
import { askedByClock, settle } from './settle.ts';
import { toBringBack } from './todo.ts';
import { changesService, drains } from './traits.ts';
import { moveNode, moveStatus } from './transitions.ts';
import type { Event, NodeRun, Rollout, StepName } from './types.ts';
import { abandoned, attended, takenUp } from './unattended.ts';

type Begun = Extract<Event, { type: 'begun' }>;
type Ticked = Extract<Event, { type: 'ticked' }>;

/**
 * Folds one fact into the rollout. Total: what is late, repeated or impossible now returns the same object.
 * Never raises `revision`; the store does.
 */
export function next(rollout: Rollout, event: Event): Rollout {
  // Whoever signs reports may sign any number, and one that no calendar has could be told to nobody any more.
  if (!isInstant(event.at)) return rollout;
  const after = fold(rollout, event);
  if (after === rollout) return rollout;
  const settled = settle(goOnResting(noted(takenUp(after, event), event), event.at), event.at);
  return watchedFromHere(rollout, settled, event.at);
}

/** Epoch ms, from 1970 to the year 5138. */
const isInstant = (at: number): boolean => at >= 0 && at < 1e14;

/** A journal is folded as it was when it was written: what was begun without the note goes on without it. */
function noted(rollout: Rollout, event: Event): Rollout {
  if (rollout.lastWord === undefined || !('by' in event)) return rollout;
  if (event.type === 'taken-on' || event.type === 'owned') return rollout;
  if (event.type === 'item-ticked' || event.type === 'item-unticked') return rollout;
  return { ...rollout, lastWord: { is: event.type, by: event.by, at: event.at } };
}

function fold(rollout: Rollout, event: Event): Rollout {
  switch (event.type) {
    case 'ticked':
      return timePassed(rollout, event);
    case 'begun':
      return begun(rollout, event);
    case 'reported':
    case 'gated': {
      const node = dueNode(rollout, event);
      if (node === null) return rollout;
      if (event.type === 'gated') return gated(rollout, node, event);
      return widened(rollout, reported(rollout, node, event), node.name, event.at);
    }
    case 'action-begun':
    case 'action-reported':
    case 'action-gated':
      return acted(rollout, event);
    case 'watched':
      return watched(rollout, event);
    case 'looked-after':
      return lookedAfter(rollout, event);
    case 'superseded':
      return superseded(rollout, event);
    case 'approved':
      return approved(rollout, event);
    case 'declined':
      return declined(rollout, event);
    case 'paused':
      return paused(rollout, event);
    case 'resumed':
      return resumed(rollout, event);
    case 'stopped':
      return stopped(rollout, event);
    case 'retried':
      return retried(rollout, event);
    case 'decided':
      return decided(rollout, event);
    case 'rollback-asked':
      return rollbackAsked(rollout, event);
    case 'taken-on':
      return takenOn(rollout, event);
    case 'item-ticked':
    case 'item-unticked':
      return ticked(rollout, event);
    case 'owned':
      return owned(rollout, event);
    case 'rescheduled':
      return rescheduled(rollout, event);
    case 'announced':
      return announced(rollout, event);
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

/** Intent before effect: from here on the node counts as begun, and from a changing step on as possibly changed. */
function begun(rollout: Rollout, event: Begun): Rollout {
  const due = dueNode(rollout, event);
  if (due === null) return beginTurn(rollout, event);
  const { state } = due;
  if (state.is !== 'working' && state.is !== 'staging') return rollout;
  if (due.begun !== due.attempt)
    return moveNode(rollout, due, { ...state, since: event.at }, taken(rollout, due, event));
  return state.since === event.at ? rollout : lost(rollout, due, event.at);
}

const taken = (rollout: Rollout, node: NodeRun, event: Begun): Partial<NodeRun> => ({
  ...timedNext(rollout, node, event.at),
  ...intent(node, event),
});

function intent(node: NodeRun, { step, at, attempt }: Begun): Partial<NodeRun> {
  if (drains(step)) return { begun: attempt, drained: true };
  if (!changesService(step)) return { begun: attempt };
  return { begun: attempt, uncertain: true, touched: true, touchedAt: node.touchedAt ?? at };
}

/** The first step of a node: forward when every gate is open, back when it is its turn in a rollback. */
function beginTurn(rollout: Rollout, event: Begun): Rollout {
  const node = rollout.nodes[event.node];
  if (!node || event.run !== rollout.run || event.attempt !== node.attempt) return rollout;
  const here = { attempt: node.attempt, ...intent(node, event) };
  if (toBringBack(rollout, event.at)?.name === node.name) {
    const back = firstBack(rollout, node);
    return event.step === back.step ? toPlace(rollout, node, back, event.at, here) : rollout;
  }
  const mayBegin = rollout.status.is === 'running' && node.state.is === 'ready';
  const place = mayBegin ? firstForward(rollout, node) : null;
  if (place === null || event.step !== place.step) return rollout;
  if (gates(rollout, node.name, event.at).length > 0) return rollout;
  const begunNode = toPlace(rollout, node, place, event.at, { ...timedFirst(rollout, node, event.at), ...here });
  return { ...begunNode, startedAt: rollout.startedAt ?? event.at };
}

function timePassed(rollout: Rollout, event: Ticked): Rollout {
  if (!isOpen(rollout)) return overdue(rollout, event.at);
  const noticed = attended(unanswered(expired(rollout, event.at), event.at), event);
  return askedByClock(
    foretold(reminded(goOnResting(abandoned(noticed, event.at), event.at), event.at), event.at),
    event.at,
  );
}

/** An approval never fires days later: when it expires before the last node was begun, it is asked for again. */
function expired(rollout: Rollout, at: number): Rollout {
  const waits = (id: string) => {
    const phase = phaseOf(rollout, id);
    const states = phase.is === 'nodes' ? phase.nodes.map((name) => nodeOf(rollout, name).state.is) : [];
    return !states.includes('working') && states.some((is) => is !== 'done');
  };
  const isOld = (said: number | null) => said !== null && at - said > rollout.policy.approvalExpires;
  return approvals(rollout).reduce(
    (acc, phase) =>
      isOld(saidAt(phase)) && phase.opens.some(waits) ? changePhase(acc, phase.id, () => unasked(phase)) : acc,
    rollout,
  );
}

/** Nor does a question stand for ever: what nobody answers holds the rollout, and is never taken for a yes. */
function unanswered(rollout: Rollout, at: number): Rollout {
  if (!goesForward(rollout)) return rollout;
  const old = asked(rollout).find((phase) => at - (sinceOf(phase) ?? at) > rollout.policy.approvalExpires);
  if (!old) return rollout;
  const hours = Math.round(rollout.policy.approvalExpires / 3_600_000);
  const no = declineOf(old);
  const why = no === null || no.reason === null ? '' : ` (${no.reason})`;
  const reason =
    no === null
      ? `nobody approved ${old.title} within ${hours} h`
      : `${old.title} was declined${why}, and nobody approved it within ${hours} h`;
  const again = changePhase(rollout, old.id, () => unasked(old));
  return moveStatus(again, { is: 'held', reason, node: null, at, pending: null });
}

/** Every node, in order, with its state in one word; for logs and tests. */
export function summary(rollout: Rollout): string {
  return nodesInOrder(rollout)
    .map(({ name, state }) => `${name}:${state.is}`)
    .join(' ');
}
