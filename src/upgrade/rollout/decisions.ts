import { actAgain, goesBack as actionGoesBack, needsDecisionOn, turnActionsBack } from './actions.ts';
import { declineOf, isGranted } from './approvers.ts';
import { canBePutOff, putOff } from './gated.ts';
import { isSameObserved, observed } from './observed.ts';
import { firstBack } from './path.ts';
import {
  actions,
  changePhase,
  changePhases,
  endOf,
  forgetApprovals,
  isBegun,
  isTurn,
  isWhole,
  over,
  turns,
  unasked,
  unwatched,
  watchBefore,
} from './phases.ts';
import {
  actionsLeadingBack,
  goesForward,
  inScope,
  isLeftOut,
  isOpen,
  isQueued,
  leftOutIn,
  needsDecision,
  nodesInOrder,
  touchedNewestFirst,
} from './queries.ts';
import { outOfService, toPlace } from './reports.ts';
import { isOfWayBack } from './traits.ts';
import { moveNode, moveStatus } from './transitions.ts';
import type { ActionPhase, Event, NodeRun, NodeState, RollbackScope, Rollout } from './types.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;

export function paused(rollout: Rollout, { by, at }: Of<'paused'>): Rollout {
  return rollout.status.is === 'running' ? moveStatus(rollout, { is: 'paused', by, at }) : rollout;
}

/** After a pause; after a hold only when no node waits for a decision, since going on would step over it. */
export function resumed(rollout: Rollout, { at }: Of<'resumed'>): Rollout {
  const { status } = rollout;
  if (rollout.onlyBack) return rollout;
  if (status.is === 'paused') return moveStatus(rollout, { is: 'running' });
  if (status.is !== 'held' || status.pending !== null) return rollout;
  if (nodesInOrder(rollout).some((node) => needsDecision(node) || goesBack(node))) return rollout;
  if (actions(rollout).some((phase) => needsDecisionOn(phase) || actionGoesBack(phase))) return rollout;
  return moveStatus(watchAnew(provenAnew(rollout, at), at), { is: 'running' });
}

/** What was only asked for is let go at once; what is under way is finished, or its automatic rollback, first. */
export function stopped(rollout: Rollout, { by, at }: Of<'stopped'>): Rollout {
  if (!isOpen(rollout) || rollout.status.is === 'stopping') return rollout;
  return moveStatus(
    letGo(rollout, (node) => isQueued(rollout, node), at),
    { is: 'stopping', by, at },
  );
}

/** Only while it is being asked, by somebody who has not said it yet, and never by the requester unless the policy says so. */
export function approved(
  rollout: Rollout,
  { phase: id, by, at, for: of, comment, on, signed }: Of<'approved'>,
): Rollout {
  if (by === rollout.requester && !rollout.policy.selfApproval) return rollout;
  if (!goesForward(rollout)) return rollout;
  return changePhase(rollout, id, (phase) => {
    if (phase.is !== 'approval' || phase.state.is !== 'active' || phase.given.some((each) => each.by === by))
      return phase;
    // What they said yes to has moved since.
    if (on !== undefined && !isSameObserved(on, observed(rollout))) return phase;
    const more = {
      ...(of === undefined ? {} : { for: of }),
      ...(comment === undefined ? {} : { comment }),
      ...(signed === undefined ? {} : { signed }),
    };
    const mine = { by, at, watched: endOf(watchBefore(rollout, phase)), ...more };
    const said = { ...phase, given: [...phase.given, mine] };
    return isGranted(said) ? over(said, at) : said;
  });
}

/** By whoever might approve it. It takes back every yes before it: those were said without knowing of this. */
export function declined(rollout: Rollout, { phase: id, by, at, reason, signed }: Of<'declined'>): Rollout {
  if (by === rollout.requester && !rollout.policy.selfApproval) return rollout;
  if (!goesForward(rollout)) return rollout;
  const no = { by, at, reason, ...(signed === undefined ? {} : { signed }) };
  return changePhase(rollout, id, (phase) =>
    phase.is !== 'approval' || phase.state.is !== 'active' || declineOf(phase) !== null
      ? phase
      : { ...phase, given: [], declined: no },
  );
}

/**
 * A new run over what failed, once an automatic rollback has ended. Rollbacks that failed, or that were cut short by
 * one, are gone on with first; everything else starts again from staging, what was switched is proven again, and what was
 * only taken out of service goes back into it.
 */
export function retried(rollout: Rollout, { at, by, epoch }: Of<'retried'>): Rollout {
  const { status } = rollout;
  if (status.is !== 'held' || nodesInOrder(rollout).some(goesBack)) return rollout;
  if (actions(rollout).some(actionGoesBack)) return rollout;
  const fresh = newRun(rollout, epoch);
  const isStuckBack = ({ state, touched }: NodeRun) => touched && state.is === 'stuck' && state.direction === 'back';
  const stuckBack = nodesInOrder(fresh).filter(isStuckBack);
  const names = stuckBack.map(({ name }) => name);
  const isStuckAction = ({ work: { state, touched } }: ActionPhase) =>
    touched && state.is === 'stuck' && state.direction === 'back';
  const stuckActions = actions(fresh).filter(isStuckAction);
  if (status.pending !== null || names.length + stuckActions.length > 0) {
    const scope = status.pending?.scope ?? { is: 'nodes' as const, nodes: names };
    const queue = [...new Set([...names, ...touchedNewestFirst(fresh, scope)])];
    const going = actionsOf([...stuckActions, ...actionsLeadingBack(fresh, scope)]);
    return moveStatus(fresh, {
      is: 'rolling-back',
      scope,
      queue,
      ...going,
      by: status.pending?.by ?? by,
      at,
      after: null,
    });
  }
  if (rollout.onlyBack) return rollout;
  const after = nodesInOrder(fresh).reduce((acc, node) => startAgain(acc, node, at), actAgain(fresh, at));
  return moveStatus(watchAnew(provenAnew(after, at), at), { is: 'running' });
}

/** A person has seen somebody's work on a node and says what is to become of it; then the node is tried again. */
export function decided(rollout: Rollout, event: Of<'decided'>): Rollout {
  const node = rollout.nodes[event.node];
  const foreign = node?.foreign ?? null;
  if (!node || foreign === null || foreign.sha256 !== event.sha256 || rollout.status.is !== 'held') return rollout;
  const told = { ...node, decided: { foreign, as: event.as, by: event.by } };
  const after = retried({ ...rollout, nodes: { ...rollout.nodes, [node.name]: told } }, { ...event, type: 'retried' });
  return after.run === rollout.run ? rollout : after;
}

function startAgain(rollout: Rollout, node: NodeRun, at: number): Rollout {
  const fresh = { attempt: node.attempt + 1, failure: null, held: null, rolledBackInRun: null };
  const back = outOfService(rollout, node);
  if (node.state.is === 'stuck' && back !== null) return toPlace(rollout, node, back, at, fresh);
  if (rollout.change?.is === 'restart' && node.touched && needsDecision(node))
    return restartAgain(rollout, node, at, fresh);
  if (node.state.is === 'stuck' || node.state.is === 'unproven') {
    return moveNode(rollout, node, { is: 'ready', notBefore: at }, { ...fresh, diagnosis: null, ...doubtOf(node) });
  }
  if (!needsDecision(node)) return rollout;
  return moveNode(rollout, node, stagingAgain(at), { ...fresh, diagnosis: null, proof: null });
}

/** It is looked at anew, as whoever wants it has left it meanwhile, and restarted once more: what was begun is finished, in a window or not. */
const restartAgain = (rollout: Rollout, node: NodeRun, at: number, fresh: Partial<NodeRun>): Rollout =>
  moveNode(
    rollout,
    node,
    { is: 'ready', notBefore: at },
    { ...fresh, diagnosis: null, before: null, proof: null, uncertain: true, again: true },
  );

/** Stuck in a rehearsal: which of the two it runs is looked at, before anything of it is proven. */
const doubtOf = ({ state }: NodeRun): Partial<NodeRun> =>
  state.is === 'stuck' && state.direction === 'forward' && isOfWayBack(state.step) ? { uncertain: true } : {};

const goesBack = ({ state }: NodeRun) => state.is === 'working' && state.direction === 'back';

const stagingAgain = (at: number): NodeState => ({
  is: 'staging',
  failures: 0,
  unknowns: 0,
  notBefore: at,
  since: null,
  lastReason: null,
});

/** What was finished and fell sick is proven again before anything else is begun. */
function provenAnew(rollout: Rollout, at: number): Rollout {
  return nodesInOrder(rollout).reduce(
    (acc, node) =>
      node.state.is === 'done' && node.sick !== null
        ? moveNode(acc, node, { is: 'ready', notBefore: at }, { attempt: node.attempt + 1, sick: null, held: null })
        : acc,
    rollout,
  );
}

/** Misses are counted anew, and a region in which something was sick is watched anew unless the next one was begun. */
function watchAnew(rollout: Rollout, at: number): Rollout {
  const looks = Object.fromEntries(
    Object.entries(rollout.looks).map(([region, { ill, ...each }]) => [
      region,
      { ...each, misses: {}, ...(ill === undefined ? {} : { ill: {} }) },
    ]),
  );
  const after = changePhases({ ...rollout, looks }, (phase, index) => {
    if (phase.is !== 'watch') return phase;
    const then = rollout.phases.slice(index).find(isTurn);
    const whole = isWhole(rollout, phase);
    if (phase.state.is === 'active' && whole) {
      const { unwell: _, compared: __, ...rest } = phase;
      const healthy = Object.fromEntries(phase.regions.map((region) => [region, { ms: 0, at: null }]));
      return { ...rest, healthy, anewAt: at };
    }
    return whole || (then !== undefined && isBegun(rollout, then)) ? phase : unwatched(phase);
  });
  return forgetApprovals(after);
}

/** Works on a finished rollout too: it opens again, if nobody else holds the fleet (the store sees to that). */
export function rollbackAsked(rollout: Rollout, { at, by, scope, epoch }: Of<'rollback-asked'>): Rollout {
  const { status } = rollout;
  if (status.is === 'rolled-back') return rollout;
  const wanted = status.is === 'rolling-back' ? together(rollout, status.scope, scope) : scope;
  const queue = touchedNewestFirst(rollout, wanted);
  const back = actionsLeadingBack(rollout, wanted);
  if (queue.length + back.length === 0 && leftOutIn(rollout, wanted).length === 0) return rollout;
  if (status.is === 'rolling-back' && sameNames(queue, status.queue)) return rollout;
  const after = status.is === 'rolling-back' ? status.after : null;
  return bringBack(
    newRun(rollout, epoch),
    { scope: wanted, queue, ...actionsOf(back), by, at, after },
    (node) => !queue.includes(node.name) && isQueued(rollout, node),
  );
}

/** Absent where there is none. */
const actionsOf = (phases: readonly ActionPhase[]): { actions?: string[] } =>
  phases.length === 0 ? {} : { actions: [...new Set(phases.map(({ id }) => id))] };

type RollingBack = Omit<Extract<Rollout['status'], { is: 'rolling-back' }>, 'is'>;

/** What is on its way forward is let go or turns round. `leaves`: of what goes back already, what is to stay where it is. */
export function bringBack(rollout: Rollout, goal: RollingBack, leaves: (node: NodeRun) => boolean): Rollout {
  const { queue, at } = goal;
  const nodes = queue.reduce((acc, name) => turnBack(acc, name, at), letGo(rollout, leaves, at));
  const turned = turnActionsBack(nodes, goal.actions ?? [], at);
  return moveStatus(forgetApprovals(anew(turned, queue)), { is: 'rolling-back', ...goal });
}

/** Asking for less narrows a rollback that is under way to that; asking for something else adds exactly that. */
function together(rollout: Rollout, now: RollbackScope, asked: RollbackScope): RollbackScope {
  const nodes = nodesInOrder(rollout);
  const isInside = (inner: RollbackScope, outer: RollbackScope) =>
    nodes.filter((node) => inScope(node, inner)).every((node) => inScope(node, outer));
  if (isInside(asked, now) || isInside(now, asked)) return asked;
  const both = nodes.filter((node) => inScope(node, asked) || inScope(node, now));
  return both.length === nodes.length ? { is: 'all' } : { is: 'nodes', nodes: both.map(({ name }) => name) };
}

const sameNames = (a: string[], b: string[]): boolean => a.length === b.length && a.every((name) => b.includes(name));

/**
 * Lets go of what was begun and not touched, and of rollbacks that changed nothing yet, where `which` says so. What is out of
 * service for nothing is put back, also where that had failed; rollouts from before this was so must fold as they did.
 */
export function letGo(rollout: Rollout, which: (node: NodeRun) => boolean, at: number): Rollout {
  return nodesInOrder(rollout).reduce((acc, node) => {
    const { state } = node;
    const aside = rollout.lastWord !== undefined && isLeftOut(node) ? outOfService(acc, node) : null;
    if (aside !== null) return toPlace(acc, node, aside, at, { attempt: node.attempt + 1, failure: null, held: null });
    if (state.is !== 'working') return acc;
    const next = { ...node, attempt: node.attempt + 1 };
    if (state.direction === 'forward' && !node.touched) {
      const back = outOfService(acc, node);
      if (back !== null) return toPlace(acc, node, back, at, { held: null });
      return moveNode(acc, next, { is: 'ready', notBefore: at });
    }
    return which(node) && canBePutOff(node) ? putOff(acc, next, at) : acc;
  }, rollout);
}

/** A node caught on its way forward turns round where it is. */
export function turnBack(rollout: Rollout, name: string, at: number): Rollout {
  const node = rollout.nodes[name];
  if (node?.state.is !== 'working' || node.state.direction === 'back') return rollout;
  return toPlace(rollout, node, firstBack(rollout, node), at, { held: null });
}

/** What comes back must be finished, watched and asked for anew. */
function anew(rollout: Rollout, queue: string[]): Rollout {
  const touched = turns(rollout).filter(({ nodes }) => nodes.some((name) => queue.includes(name)));
  return changePhases(rollout, (phase) => {
    const opens = phase.is === 'approval' && phase.opens.some((id) => touched.some((each) => each.id === id));
    if (opens) return unasked(phase);
    return phase.is === 'watch' && phase.nodes.some((name) => queue.includes(name)) ? unwatched(phase) : phase;
  });
}

export function newRun(rollout: Rollout, epoch: number): Rollout {
  return { ...rollout, run: rollout.run + 1, epoch: Math.max(epoch, rollout.epoch + 1) };
}
