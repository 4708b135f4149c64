import { inSeconds, minute } from '../../base/duration.ts';
import { Bug } from '../../base/errors.ts';
import { timed } from './pace.ts';
import { backIntoService, firstBack, following, type Place } from './path.ts';
import { takesNodes, turnOf } from './phases.ts';
import { nodesInOrder } from './queries.ts';
import { broughtTo, releaseOf } from './services.ts';
import { changesService, isOfWayBack, putsBack, traits } from './traits.ts';
import { moveNode, moveStatus } from './transitions.ts';
import type { Event, Facts, NodeRun, NodeState, Rollout, Status, StepName } from './types.ts';

type Reported = Extract<Event, { type: 'reported' }>;
type Working = Extract<NodeState, { is: 'working' }>;
type Staging = Extract<NodeState, { is: 'staging' }>;

/** A step's report about a node whose try is due. */
export function reported(former: Rollout, before: NodeRun, event: Reported): Rollout {
  const { report, at } = event;
  const rollout = 'facts' in report ? withAnswer(former, report.facts) : former;
  const known = 'facts' in report ? withFacts(before, report.facts) : before;
  const node = report.is === 'succeeded' ? timed(rollout, known, at, report.facts) : known;
  const { state } = node;
  if (state.is !== 'staging' && state.is !== 'working') return rollout;
  switch (report.is) {
    case 'succeeded':
      return state.is === 'staging'
        ? moveNode(rollout, node, { is: 'ready', notBefore: at }, { attempt: node.attempt + 1, held: null })
        : succeeded(rollout, node, state, at);
    case 'failed':
      return report.retry && state.failures + 1 < rollout.policy.attempts
        ? again(rollout, node, state, at, { failures: state.failures + 1, lastReason: report.reason })
        : failed(rollout, node, state, report.reason, at, report.facts);
    case 'later':
      return later(rollout, node, state, report, at);
    case 'unknown': {
      const silent = { ...node, silentSince: node.silentSince ?? at };
      const heard = withSilence(state, report.silent === true);
      return unknown(rollout, silent, heard, report.reason, at, at + rollout.policy.retryDelay);
    }
  }
}

/** What the new binary said once holds; that it could not be asked on one node covers up no answer of another. */
function withAnswer(rollout: Rollout, { asked }: Facts): Rollout {
  return asked === undefined || (asked.version === null && rollout.asked !== null) ? rollout : { ...rollout, asked };
}

function withSilence(state: Working | Staging, silent: boolean): Working | Staging {
  if (state.is === 'staging') return state;
  const { silent: _, ...rest } = state;
  return silent ? { ...rest, silent } : rest;
}

/** What a balancer has not done by then it never will: a release that comes up, a check that passes, a slow request that ends. ms */
const balancerLimit = 10 * minute;

/** Many short tries, none of which counts; what is under way for too long has failed. */
function later(
  rollout: Rollout,
  node: NodeRun,
  state: Working | Staging,
  { reason, after }: Extract<Reported['report'], { is: 'later' }>,
  at: number,
): Rollout {
  const since = state.underWaySince ?? at;
  const traffic = broughtTo(rollout, node.name).service.traffic;
  const limit = node.balances === undefined ? (traffic?.limit ?? 0) : balancerLimit;
  if (at - since > limit) return failed(rollout, node, state, `not over after ${inSeconds(limit)}: ${reason}`, at);
  const next = { ...state, underWaySince: since, lastReason: reason, notBefore: at + after };
  return moveNode(rollout, node, next, { attempt: node.attempt + 1, silentSince: null });
}

/** The try was begun before and never reported: its worker was lost. Its number is used up, so that its commands are fenced. */
export function lost(rollout: Rollout, node: NodeRun, at: number): Rollout {
  const { state } = node;
  if (state.is !== 'staging' && state.is !== 'working') return rollout;
  return unknown(rollout, node, state, 'its worker fell silent', at, at);
}

function unknown(
  rollout: Rollout,
  node: NodeRun,
  state: Working | Staging,
  reason: string,
  at: number,
  notBefore: number,
): Rollout {
  if (state.unknowns + 1 >= rollout.policy.unknownAttempts) return unknownForTooLong(rollout, node, state, reason, at);
  return again(rollout, node, state, at, { unknowns: state.unknowns + 1, lastReason: reason, notBefore });
}

/** On its way back into service, unchanged: why its turn ended is still to be decided about. */
const isReturning = ({ state, touched }: NodeRun): boolean =>
  state.is === 'working' && state.direction === 'back' && !touched;

function withFacts(node: NodeRun, facts: Facts): NodeRun {
  return {
    ...node,
    // What the node was before is written once: a second stage must never record the new image as the old one.
    before: node.touched ? (node.before ?? facts.before ?? null) : (facts.before ?? node.before),
    already: node.touched ? node.already : (facts.already ?? node.already),
    ...(facts.gets === undefined || node.touched ? {} : { gets: facts.gets }),
    ...(facts.illBefore === undefined || node.touched ? {} : { illBefore: facts.illBefore }),
    proof: facts.proof ?? node.proof,
    diagnosis: facts.diagnosis ?? node.diagnosis,
    foreign: facts.foreign ?? (isReturning(node) ? node.foreign : null),
    silentSince: null,
  };
}

function again(
  rollout: Rollout,
  node: NodeRun,
  state: Working | Staging,
  at: number,
  change: Partial<Pick<Working, 'failures' | 'unknowns' | 'lastReason' | 'notBefore'>>,
): Rollout {
  const retry = { ...state, notBefore: at + rollout.policy.retryDelay, ...change };
  return moveNode(rollout, node, retry, { attempt: node.attempt + 1 });
}

export function succeeded(rollout: Rollout, node: NodeRun, state: Working, at: number): Rollout {
  const known = learned(state, at);
  if (isRehearsal(state) && traits[state.step].proves) return rehearsed(rollout, { ...node, ...known }, state, at);
  // A turn that was only lost ends as soon as the node serves again: what is staged stays for the next one.
  const isLost = state.direction === 'back' && !node.touched && node.failure === null;
  const next = isLost ? null : following(rollout, { ...node, ...known }, state);
  if (next !== null) return toPlace(rollout, node, next, at, known);
  const after = { ...node, ...known };
  return state.direction === 'forward' ? done(rollout, after, at) : rolledBack(rollout, after, at);
}

/** A way back that is gone on a way forward. */
const isRehearsal = ({ direction, step }: Working): boolean => direction === 'forward' && isOfWayBack(step);

/**
 * It is what it was before anything was done, and known to come back: as any node that was not begun it goes on only while the rollout does.
 */
function rehearsed(rollout: Rollout, known: NodeRun, state: Working, at: number): Rollout {
  const { wayBack: _, ...rest } = known;
  const node: NodeRun = {
    ...rest,
    ...{ touched: false, touchedAt: null, uncertain: false, proof: null, seenAt: null, provenAt: null },
    rehearsedAt: at,
  };
  if (rollout.status.is !== 'running') {
    const back = outOfService(rollout, node);
    const next = { ...node, attempt: node.attempt + 1 };
    return back === null
      ? moveNode(rollout, next, { is: 'ready', notBefore: at })
      : toPlace(rollout, node, back, at, { held: null });
  }
  const next = following(rollout, node, state);
  if (next === null) throw new Bug(`nothing follows the rehearsal of ${node.name}`);
  return toPlace(rollout, node, next, at);
}

/** What the success of a step says of the node, at that moment. */
function learned({ step, direction }: Working, at: number): Partial<NodeRun> {
  if (putsBack(step)) return { drained: false };
  if (changesService(step)) return { held: null, uncertain: false };
  return traits[step].proves && direction === 'forward' && !isOfWayBack(step) ? { seenAt: at, provenAt: at } : {};
}

export function toPlace(
  rollout: Rollout,
  node: NodeRun,
  place: Place,
  at: number,
  changed: Partial<NodeRun> = {},
): Rollout {
  const state: Working = {
    is: 'working',
    ...place,
    failures: 0,
    unknowns: 0,
    notBefore: at,
    since: at,
    lastReason: null,
  };
  return moveNode(rollout, node, state, { attempt: node.attempt + 1, ...changed });
}

/** What `verify` saw counts as the newest look at it; looks from before count for nothing. */
function done(rollout: Rollout, node: NodeRun, at: number): Rollout {
  const state = { is: 'done', at, already: node.already } as const;
  const after = forgetMisses(moveNode(rollout, node, state, { failure: null, sick: null }), node);
  return node.already ? after : { ...after, lastNodeAt: at, rest: { ms: 0, at } };
}

function forgetMisses(rollout: Rollout, { name, region }: NodeRun): Rollout {
  const looks = rollout.looks[region];
  if (!looks?.misses[name]) return rollout;
  return { ...rollout, looks: { ...rollout.looks, [region]: { ...looks, misses: { ...looks.misses, [name]: 0 } } } };
}

/** Back to what it was; a node whose turn was only lost waits for the next one. */
function rolledBack(rollout: Rollout, node: NodeRun, at: number): Rollout {
  if (!node.touched && node.failure === null) {
    return moveNode(rollout, node, { is: 'ready', notBefore: node.held?.until ?? at });
  }
  const reason = node.failure ?? 'asked for';
  const after = moveNode(
    rollout,
    node.touched ? node : withoutBack(node),
    { is: 'rolled-back', reason, at },
    {
      ...provenBack(rollout, node),
      touched: false,
      touchedAt: null,
      uncertain: false,
      proof: null,
      sick: null,
      seenAt: null,
      provenAt: null,
    },
  );
  return { ...after, lastNodeAt: at, rest: { ms: 0, at } };
}

/** How an earlier run brought it back says nothing of this one, which changed nothing. */
function withoutBack({ back: _, ...node }: NodeRun): NodeRun {
  return node;
}

/** Kept for whoever reads how it ended; rollouts from before this was kept must fold as they did. */
function provenBack({ lastWord }: Rollout, { proof, before }: NodeRun): Pick<NodeRun, 'back'> {
  return lastWord === undefined || proof === null || proof.sha256 !== before?.sha256 ? {} : { back: proof };
}

function failed(
  rollout: Rollout,
  node: NodeRun,
  state: Working | Staging,
  reason: string,
  at: number,
  facts: Facts = {},
): Rollout {
  const clean = facts.clean === true;
  if (state.is === 'staging') return hold(giveUp(rollout, node, 'stage', reason, at), node, reason, at);
  if (traits[state.step].onFailure === 'ignore') return succeeded(rollout, node, state, at);
  if (state.direction === 'back') {
    return callPeople(stuck(rollout, node, state, reason, at), node, `its rollback failed: ${reason}`, at);
  }
  if (isRehearsal(state) && node.touched) {
    const why = `the way back does not work: ${reason}`;
    // What was proven of it before says nothing any more: whoever rolls it back wants to know the cause.
    return callPeople(stuck(rollout, { ...node, proof: null }, state, why, at), node, why, at);
  }
  if (traits[state.step].onFailure === 'hold' && node.touched) {
    return callPeople(stuck(rollout, node, state, reason, at), node, `${state.step} failed: ${reason}`, at);
  }
  const untouched = clean ? { ...node, touched: false, touchedAt: null, uncertain: false } : node;
  const back = outOfService(rollout, untouched);
  if (back !== null) {
    return hold(toPlace(rollout, untouched, back, at, { failure: reason, held: null }), node, reason, at);
  }
  if (!node.touched || clean) {
    const why = takesNodes(turnOf(rollout, node.name)) ? reason : `${reason}; ${onlyProven(rollout, node)}`;
    return hold(giveUp(rollout, node, state.step, why, at), node, why, at);
  }
  // Half of it is ours, half somebody's: whoever decides must know, and nothing is brought back over it unasked.
  if (node.foreign !== null) return callPeople(stuck(rollout, node, state, reason, at), node, reason, at);
  const isLeft = facts.stays === true || rollout.policy.autoRollback === 'none' || node.rolledBackInRun === rollout.run;
  const after = isLeft ? leaveUnproven(rollout, node, state.step, reason, at) : undo(rollout, node, reason, at);
  return hold(after, node, reason, at);
}

const onlyProven = (rollout: Rollout, node: NodeRun): string =>
  `${turnOf(rollout, node.name).title} ran ${releaseOf(rollout, node.name).version} when this was planned, so nobody is asked for it and nothing is changed there: to change it, stop this and plan anew`;

/** The way back into service of a node that was taken out and not changed; null when it serves. */
export function outOfService(rollout: Rollout, node: NodeRun): Place | null {
  return node.drained && !node.touched ? backIntoService(rollout, node) : null;
}

/** Nothing of ours is on the node: it was not changed, or it is seen that somebody put something else there since. */
function giveUp(rollout: Rollout, node: NodeRun, step: StepName, reason: string, at: number): Rollout {
  const state: NodeState = { is: 'failed', step, reason, at };
  const clean = { touched: false, touchedAt: null, uncertain: false };
  return moveNode(rollout, node, state, { ...clean, attempt: node.attempt + 1, failure: reason });
}

/** One automatic rollback per node and run; then a person decides. So it is where going back would help nobody. */
function leaveUnproven(rollout: Rollout, node: NodeRun, step: StepName, reason: string, at: number): Rollout {
  const state: NodeState = { is: 'unproven', step, reason, at };
  return moveNode(rollout, node, state, { attempt: node.attempt + 1, failure: reason });
}

function undo(rollout: Rollout, node: NodeRun, reason: string, at: number): Rollout {
  const back = { ...node, proof: null, diagnosis: null };
  const changed = { failure: reason, rolledBackInRun: rollout.run };
  return toPlace(rollout, back, firstBack(rollout, back), at, changed);
}

function unknownForTooLong(rollout: Rollout, node: NodeRun, state: Working | Staging, reason: string, at: number) {
  if (state.is === 'staging') return failed(rollout, node, state, reason, at);
  if (traits[state.step].onFailure === 'ignore' || !node.touched) return failed(rollout, node, state, reason, at);
  const why = `nobody knows what ${node.name} did: ${reason}`;
  return callPeople(stuck(rollout, node, state, why, at), node, why, at);
}

export function stuck(rollout: Rollout, node: NodeRun, state: Working, reason: string, at: number): Rollout {
  const { direction, step } = state;
  return moveNode(rollout, node, { is: 'stuck', direction, step, reason, at }, { attempt: node.attempt + 1 });
}

/** No new node is begun until somebody decides. Somebody's `stop` stays, and a rollback that was asked for goes on first. */
function hold(rollout: Rollout, node: NodeRun, reason: string, at: number): Rollout {
  const { status } = rollout;
  if (status.is === 'stopping') return rollout;
  if (status.is === 'rolling-back') return moveStatus(rollout, { ...status, after: { node: node.name, reason } });
  return moveStatus(rollout, held(rollout, node, reason, at));
}

/** Everything stops, also a rollback: what it had left to do is remembered. */
function callPeople(rollout: Rollout, node: NodeRun, reason: string, at: number): Rollout {
  const { status } = rollout;
  if (status.is === 'stopping') return rollout;
  return moveStatus(rollout, held(rollout, node, reason, at));
}

function held(rollout: Rollout, { name }: NodeRun, reason: string, at: number): Status {
  const { status } = rollout;
  const cutShort = status.is === 'rolling-back' ? { scope: status.scope, by: status.by } : null;
  const pending = status.is === 'held' ? status.pending : cutShort;
  // One of several that are under way does not cover up what another one met.
  const others =
    status.is === 'held' ? nodesInOrder(rollout).flatMap((node) => (node.name === name ? [] : troubleOf(node))) : [];
  return { is: 'held', reason: [...others, `${name}: ${reason}`].join('; '), node: name, at, pending };
}

function troubleOf({ name, failure, state }: NodeRun): string[] {
  const reason = state.is === 'stuck' ? state.reason : failure;
  return reason === null ? [] : [`${name}: ${reason}`];
}
