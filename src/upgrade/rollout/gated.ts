import { inFlight, isQueued, workingNodes } from './queries.ts';
import { outOfService, stuck, succeeded, toPlace } from './reports.ts';
import { changesService, drains, isOfWayBack, putsBack, traits } from './traits.ts';
import { moveNode } from './transitions.ts';
import type { Event, NodeRun, NodeState, Rollout } from './types.ts';

type Gated = Extract<Event, { type: 'gated' }>;
type Working = Extract<NodeState, { is: 'working' }>;

/** A gate that was closed is asked again after this at the latest (ms): soon at first, seldom when it stays shut for long. */
const longestHold = { first: 60_000, later: 300_000 };
const askedOften = 15;
/** Longer than it takes to ask all gates of a node (ms). */
const betweenTwo = 5_000;
/** A node that is half changed and cannot go on for so long (ms) lets a stop end, and needs a person. */
const patienceOfStop = 60_000;

/**
 * A gate was closed right before the stop. What is seen to be unchanged waits for its turn again; what may be changed
 * tries again until it is clear.
 */
export function gated(rollout: Rollout, node: NodeRun, event: Gated): Rollout {
  const { state } = node;
  if (state.is !== 'working' && state.is !== 'staging') return rollout;
  const { at, gates } = event;
  const before = isSameWait(node.held, gates, at) ? node.held : null;
  const times = (before?.times ?? 0) + 1;
  const since = before?.since ?? at;
  const until = askAgain(rollout, since, at, times) + stagger(rollout, node);
  const due = node.attempt + 1;
  const waiting = { attempt: due, held: { gates, since, at, times, until, due }, silentSince: null };
  // Nothing of it is anywhere but on a shelf.
  if (state.is === 'staging') return moveNode(rollout, node, { ...state, notBefore: until }, waiting);
  // In a rehearsal, unchanged is the release: it is not what the node was.
  const isHalfWay = !event.unchanged || (state.direction === 'forward' && isOfWayBack(state.step));
  if (isHalfWay) return goOnOrGiveUp(rollout, { ...node, ...waiting }, { ...state, notBefore: until }, at);
  if (state.direction === 'forward') {
    const isFirst = state.failures + state.unknowns === 0 && state.underWaySince === undefined;
    const drained = node.drained && !(drains(state.step) && isFirst);
    const clean = { ...waiting, touched: false, touchedAt: null, uncertain: false, drained };
    const back = outOfService(rollout, { ...node, ...clean });
    if (back !== null) return toPlace(rollout, { ...node, ...clean }, back, at);
    return moveNode(rollout, node, { is: 'ready', notBefore: until }, clean);
  }
  const back = { ...node, ...waiting, uncertain: false };
  return isFree(rollout, back) ? putOff(rollout, back, at) : moveNode(rollout, back, { ...state, notBefore: until });
}

/** Shut by the same gates as when it was asked last, and asked again in time: else it is another wait. */
function isSameWait(held: NodeRun['held'], gates: Gated['gates'], at: number): held is NonNullable<NodeRun['held']> {
  if (held === null || at > held.until + longestHold.later) return false;
  return gates.some(({ name }) => held.gates.some((gate) => gate.name === name));
}

/** Several that wait ask one after another: together each would find the others in its way again and again. */
function stagger(rollout: Rollout, { name }: NodeRun): number {
  const place = workingNodes(rollout).findIndex((each) => each.name === name);
  return Math.max(0, place) * Math.max(rollout.policy.retryDelay, betweenTwo);
}

/** Later each time; and once right after a minute, when people are told. */
function askAgain({ policy }: Rollout, since: number, at: number, times: number): number {
  const longest = times > askedOften ? longestHold.later : longestHold.first;
  const until = at + Math.min(policy.retryDelay * 2 ** Math.min(times - 1, 20), longest);
  const minute = since + 60_000;
  return at < minute ? Math.min(until, minute) : until;
}

/** Half changed: it cannot be left alone. But a stop must end, and the person who asked for it be told. What is not worth a failure is left undone. */
function goOnOrGiveUp(rollout: Rollout, node: NodeRun, state: Working, at: number): Rollout {
  const waits = at - (node.held?.since ?? at);
  if (rollout.status.is !== 'stopping' || waits < patienceOfStop) return moveNode(rollout, node, state);
  if (traits[state.step].onFailure === 'ignore') return succeeded(rollout, node, state, at);
  const why = node.held?.gates.map(({ reason }) => reason).join('; ');
  return stuck(rollout, node, state, `${leftAs(state)}: ${why}`, at);
}

function leftAs({ step, direction }: Working): string {
  if (putsBack(step)) return 'it is out of service, and could not be put back';
  return isOfWayBack(step) && direction === 'forward'
    ? 'its way back could not be rehearsed'
    : 'it may be changed half, and could not be finished';
}

/** A rollback that the queue, or a stop, may take back from the node; its automatic one stays due. */
function isFree(rollout: Rollout, node: NodeRun): boolean {
  return rollout.status.is === 'stopping' || isQueued(rollout, node);
}

/** A rollback of a node that was not changed by it yet is put off: the node is what it was before. */
export function putOff(rollout: Rollout, node: NodeRun, at: number): Rollout {
  const reason = node.failure ?? 'its rollback was put off';
  const state: NodeState =
    node.proof === null || node.drained
      ? { is: 'unproven', step: 'restore', reason, at }
      : { is: 'done', at, already: node.already };
  return moveNode(rollout, node, state);
}

/** Nothing of it is on its way and nothing was changed: it can be let go. */
export function canBePutOff(node: NodeRun): boolean {
  const { state } = node;
  return (
    state.is === 'working' && state.direction === 'back' && !node.uncertain && !inFlight(node) && !isProvingBack(state)
  );
}

/** The restore was done: what is left is its proof, and the way back into service. */
const isProvingBack = ({ step, index }: Working): boolean => index > 0 && !changesService(step);
