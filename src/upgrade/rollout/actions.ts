import { inSeconds } from '../../base/duration.ts';
import { actionGates } from './action-gates.ts';
import { actionOf, actions } from './phases.ts';
import { actionsToBringBack, isOpen, touchedActions } from './queries.ts';
import { actionTraits } from './traits.ts';
import { moveAction, moveStatus } from './transitions.ts';
import type { ActionPhase, ActionRun, ActionState, Event, Rollout } from './types.ts';

type Of<T extends Event['type']> = Extract<Event, { type: T }>;
type Acted = Of<'action-begun' | 'action-reported' | 'action-gated'>;
type Working = Extract<ActionState, { is: 'working' }>;

/** A gate that was closed is asked again after this at the latest, ms. */
const longestHold = 60_000;

export const unbegunAction = (notBefore: number): ActionRun => ({
  state: { is: 'waiting', notBefore },
  attempt: 1,
  begun: null,
  touched: false,
  touchedAt: null,
  held: null,
  failure: null,
  facts: {},
});

/**
 * Rises with every try of any action of a subject: with the rollout's epoch it is what a host compares, so that what comes late of
 * an older try changes nothing there.
 */
export const fenceOf = (rollout: Pick<Rollout, 'phases'>, { subject }: Pick<ActionPhase, 'subject'>): number =>
  actions(rollout).reduce((sum, phase) => (phase.subject === subject ? sum + phase.work.attempt : sum), 0);

export function acted(rollout: Rollout, event: Acted): Rollout {
  const phase = actionOf(rollout, event.phase);
  if (phase === null || !isOpen(rollout) || event.run !== rollout.run || event.attempt !== phase.work.attempt)
    return rollout;
  if (event.type === 'action-begun') return begun(rollout, phase, event);
  const { state } = phase.work;
  if (state.is !== 'working' || state.action !== event.action || phase.work.begun !== event.attempt) return rollout;
  return event.type === 'action-gated' ? gated(rollout, phase, state, event) : reported(rollout, phase, state, event);
}

/** Intent before effect: from here on what it changes counts as possibly changed. */
function begun(rollout: Rollout, phase: ActionPhase, { at, action, attempt }: Of<'action-begun'>): Rollout {
  const { work } = phase;
  const { state } = work;
  if (state.is === 'working') {
    if (state.action !== action) return rollout;
    if (work.begun !== attempt) return moveAction(rollout, phase, { ...state, since: at }, intent(phase, attempt, at));
    return state.since === at ? rollout : unknown(rollout, phase, state, 'its worker fell silent', at, at);
  }
  const back = actionsToBringBack(rollout)[0];
  if (back?.id === phase.id) {
    const [first] = wayBack(phase);
    return first !== action ? rollout : moveAction(rollout, phase, working('back', 0, first, at), { begun: attempt });
  }
  if (state.is !== 'waiting' || rollout.status.is !== 'running' || action !== phase.action) return rollout;
  if (actionGates(rollout, phase, at).length > 0) return rollout;
  const after = moveAction(rollout, phase, working('forward', 0, action, at), intent(phase, attempt, at));
  return { ...after, startedAt: rollout.startedAt ?? at };
}

/** The actions that bring it back, in order; none where nothing does. */
export const wayBack = ({ undo }: ActionPhase): Exclude<ActionPhase['undo'], string> =>
  typeof undo === 'string' ? [] : undo;

function intent({ action, work }: ActionPhase, attempt: number, at: number): Partial<ActionRun> {
  if (actionTraits[action].changes === 'nothing') return { begun: attempt };
  return { begun: attempt, touched: true, touchedAt: work.touchedAt ?? at };
}

const working = (direction: Working['direction'], index: number, action: Working['action'], at: number): Working => ({
  ...{ is: 'working', direction, index, action },
  ...{ failures: 0, unknowns: 0, notBefore: at, since: at, lastReason: null },
});

/** Unchanged it waits for its turn again; else it tries again until it is clear. */
function gated(rollout: Rollout, phase: ActionPhase, state: Working, event: Of<'action-gated'>): Rollout {
  const { at, gates, unchanged } = event;
  const { held, attempt } = phase.work;
  const isSame = held !== null && gates.some(({ name }) => held.gates.some((gate) => gate.name === name));
  const times = (isSame ? held.times : 0) + 1;
  const until = at + Math.min(rollout.policy.retryDelay * 2 ** Math.min(times - 1, 20), longestHold);
  const since = isSame ? held.since : at;
  const waiting = { attempt: attempt + 1, held: { gates, since, at, times, until, due: attempt + 1 } };
  if (unchanged && state.direction === 'forward')
    return moveAction(
      rollout,
      phase,
      { is: 'waiting', notBefore: until },
      { ...waiting, touched: false, touchedAt: null },
    );
  return moveAction(rollout, phase, { ...state, notBefore: until }, waiting);
}

function reported(rollout: Rollout, phase: ActionPhase, state: Working, event: Of<'action-reported'>): Rollout {
  const { report, at } = event;
  switch (report.is) {
    case 'succeeded':
      return succeeded(rollout, phase, state, report.facts, at);
    case 'failed':
      return report.retry && state.failures + 1 < rollout.policy.attempts
        ? again(rollout, phase, { ...state, failures: state.failures + 1, lastReason: report.reason }, at)
        : failed(rollout, phase, state, report.reason, at, report.clean === true);
    case 'unknown':
      return unknown(rollout, phase, state, report.reason, at, at + rollout.policy.retryDelay);
    case 'later': {
      const since = state.underWaySince ?? at;
      const late = at - since > phase.limit;
      if (late) return failed(rollout, phase, state, `not over after ${inSeconds(phase.limit)}: ${report.reason}`, at);
      const next = { ...state, unknowns: 0, underWaySince: since, lastReason: report.reason };
      return moveAction(rollout, phase, { ...next, notBefore: at + report.after }, nextTry(phase));
    }
  }
}

const nextTry = ({ work }: ActionPhase): Partial<ActionRun> => ({ attempt: work.attempt + 1, held: null });

const again = (rollout: Rollout, phase: ActionPhase, state: Working, at: number): Rollout =>
  moveAction(rollout, phase, { ...state, notBefore: at + rollout.policy.retryDelay }, nextTry(phase));

function succeeded(
  rollout: Rollout,
  phase: ActionPhase,
  state: Working,
  facts: ActionRun['facts'],
  at: number,
): Rollout {
  const known = { ...nextTry(phase), facts: { ...phase.work.facts, ...facts } };
  if (state.direction === 'forward') return moveAction(rollout, phase, { is: 'done', at }, { ...known, failure: null });
  const next = wayBack(phase)[state.index + 1];
  if (next !== undefined) return moveAction(rollout, phase, working('back', state.index + 1, next, at), known);
  const reason = phase.work.failure ?? 'asked for';
  return moveAction(rollout, phase, { is: 'undone', reason, at }, { ...known, touched: false, touchedAt: null });
}

function unknown(
  rollout: Rollout,
  phase: ActionPhase,
  state: Working,
  reason: string,
  at: number,
  notBefore: number,
): Rollout {
  if (state.unknowns + 1 < rollout.policy.unknownAttempts)
    return moveAction(
      rollout,
      phase,
      { ...state, unknowns: state.unknowns + 1, lastReason: reason, notBefore },
      nextTry(phase),
    );
  if (!phase.work.touched) return failed(rollout, phase, state, reason, at, true);
  return stuck(rollout, phase, state, `nobody knows what came of it: ${reason}`, at);
}

/** What changed nothing can be tried again; what has a way back goes it, once in a run; all else is for people. */
function failed(
  rollout: Rollout,
  phase: ActionPhase,
  state: Working,
  reason: string,
  at: number,
  clean = false,
): Rollout {
  if (state.direction === 'back') return stuck(rollout, phase, state, `its way back failed: ${reason}`, at);
  if (clean || !phase.work.touched) {
    const untouched = { ...nextTry(phase), touched: false, touchedAt: null, failure: reason };
    return hold(moveAction(rollout, phase, { is: 'failed', reason, at }, untouched), phase, reason, at);
  }
  const [first] = wayBack(phase);
  if (first === undefined || rollout.policy.autoRollback === 'none') return stuck(rollout, phase, state, reason, at);
  const back = moveAction(rollout, phase, working('back', 0, first, at), { ...nextTry(phase), failure: reason });
  return hold(back, phase, reason, at);
}

function stuck(rollout: Rollout, phase: ActionPhase, state: Working, reason: string, at: number): Rollout {
  const { direction, action } = state;
  return hold(
    moveAction(rollout, phase, { is: 'stuck', direction, action, reason, at }, nextTry(phase)),
    phase,
    reason,
    at,
  );
}

/** Nothing new is begun until somebody decides; somebody's `stop` stays. */
function hold(rollout: Rollout, { title }: ActionPhase, why: string, at: number): Rollout {
  const { status } = rollout;
  if (status.is === 'stopping') return rollout;
  const cutShort = status.is === 'rolling-back' ? { scope: status.scope, by: status.by } : null;
  const pending = status.is === 'held' ? status.pending : cutShort;
  const reason = `${status.is === 'held' ? `${status.reason}; ` : ''}${title}: ${why}`;
  return moveStatus(rollout, { is: 'held', reason, node: null, at, pending });
}

export const needsDecisionOn = ({ work }: ActionPhase): boolean =>
  work.state.is === 'failed' || work.state.is === 'stuck' || work.state.is === 'undone';

export const goesBack = ({ work }: ActionPhase): boolean =>
  work.state.is === 'working' && work.state.direction === 'back';

/** What failed is looked at anew: done already is done, and nothing is done twice. */
export function actAgain(rollout: Rollout, at: number): Rollout {
  return actions(rollout).reduce(
    (acc, phase) =>
      needsDecisionOn(phase)
        ? moveAction(acc, phase, { is: 'waiting', notBefore: at }, { ...nextTry(phase), failure: null })
        : acc,
    rollout,
  );
}

/** What was begun and is to go back turns round where it is; what waits for its turn simply does not get it. */
export function turnActionsBack(rollout: Rollout, ids: readonly string[], at: number): Rollout {
  return touchedActions(rollout).reduce((acc, phase) => {
    const [first] = wayBack(phase);
    const { state } = phase.work;
    if (!ids.includes(phase.id) || first === undefined || state.is !== 'working' || state.direction === 'back')
      return acc;
    return moveAction(acc, phase, working('back', 0, first, at), nextTry(phase));
  }, rollout);
}
