import { backSteps, firstBackStep, forwardSteps, isFirstTryOfSwitch } from './queries.ts';
import { moveNode, moveStatus } from './transitions.ts';
import type { Event, Facts, NodeRun, NodeState, Rollout, StepName } from './types.ts';

type Reported = Extract<Event, { type: 'reported' }>;
type Gated = Extract<Event, { type: 'gated' }>;
type Working = Extract<NodeState, { is: 'working' }>;
type Staging = Extract<NodeState, { is: 'staging' }>;

/** A step's report about a node whose try is due. */
export function reported(rollout: Rollout, before: NodeRun, event: Reported): Rollout {
  const { report, at } = event;
  const node = report.is === 'unknown' ? before : withFacts(before, report.facts);
  const { state } = node;
  if (state.is !== 'staging' && state.is !== 'working') return rollout;
  switch (report.is) {
    case 'succeeded':
      return state.is === 'staging'
        ? moveNode(rollout, node, { is: 'ready', notBefore: at }, { attempt: node.attempt + 1 })
        : succeeded(rollout, node, state, at);
    case 'failed':
      return report.retry && state.failures + 1 < rollout.policy.attempts
        ? again(rollout, node, state, at, { failures: state.failures + 1, lastReason: report.reason })
        : failed(rollout, node, state, report.reason, at);
    case 'unknown':
      return state.unknowns + 1 < rollout.policy.unknownAttempts
        ? again(rollout, node, state, at, { unknowns: state.unknowns + 1, lastReason: report.reason })
        : unknownForTooLong(rollout, node, state, report.reason, at);
  }
}

function withFacts(node: NodeRun, facts: Facts): NodeRun {
  return {
    ...node,
    // What the node was before is written once: a second stage must never record the new image as the old one.
    before: node.touched ? node.before : (facts.before ?? node.before),
    already: node.touched ? node.already : (facts.already ?? node.already),
    proof: facts.proof ?? node.proof,
    diagnosis: facts.diagnosis ?? node.diagnosis,
  };
}

function again(
  rollout: Rollout,
  node: NodeRun,
  state: Working | Staging,
  at: number,
  change: Partial<Pick<Working, 'failures' | 'unknowns' | 'lastReason'>>,
): Rollout {
  const retry = { ...state, ...change, notBefore: at + rollout.policy.retryDelay };
  return moveNode(rollout, node, retry, { attempt: node.attempt + 1 });
}

function succeeded(rollout: Rollout, node: NodeRun, state: Working, at: number): Rollout {
  const path = state.direction === 'forward' ? forwardSteps : backSteps;
  const following = path[path.indexOf(state.step) + 1];
  if (following !== undefined) {
    const stopped = state.step === 'switch' || state.step === 'restore';
    return toStep(rollout, node, state.direction, following, at, stopped ? { held: null } : {});
  }
  return state.direction === 'forward' ? done(rollout, node, at) : rolledBack(rollout, node, at);
}

export function toStep(
  rollout: Rollout,
  node: NodeRun,
  direction: Working['direction'],
  step: StepName,
  at: number,
  changes: Partial<NodeRun> = {},
): Rollout {
  const state: Working = {
    is: 'working',
    direction,
    step,
    failures: 0,
    unknowns: 0,
    notBefore: at,
    since: at,
    lastReason: null,
  };
  return moveNode(rollout, node, state, { attempt: node.attempt + 1, ...changes });
}

function done(rollout: Rollout, node: NodeRun, at: number): Rollout {
  const after = moveNode(rollout, node, { is: 'done', at, already: node.already }, { failure: null });
  return { ...after, lastNodeAt: node.already ? rollout.lastNodeAt : at };
}

function rolledBack(rollout: Rollout, node: NodeRun, at: number): Rollout {
  const reason = node.failure ?? 'asked for';
  const after = moveNode(
    rollout,
    node,
    { is: 'rolled-back', reason, at },
    { touched: false, touchedAt: null, proof: null },
  );
  return { ...after, lastNodeAt: at };
}

function failed(rollout: Rollout, node: NodeRun, state: Working | Staging, reason: string, at: number): Rollout {
  if (state.is === 'staging') return hold(giveUp(rollout, node, 'stage', reason, at), node, reason, at);
  if (state.step === 'cleanup') return succeeded(rollout, node, state, at);
  if (state.step === 'diagnose') return toStep(rollout, node, 'back', 'restore', at);
  if (state.direction === 'back') {
    return hold(stuck(rollout, node, state, reason, at), node, `its rollback failed: ${reason}`, at);
  }
  if (!node.touched) return hold(giveUp(rollout, node, state.step, reason, at), node, reason, at);
  return hold(undo(rollout, node, state.step, reason, at), node, reason, at);
}

function giveUp(rollout: Rollout, node: NodeRun, step: StepName, reason: string, at: number): Rollout {
  return moveNode(rollout, node, { is: 'failed', step, reason, at }, { attempt: node.attempt + 1, failure: reason });
}

/** One automatic rollback per node and run; then a person decides. */
function undo(rollout: Rollout, node: NodeRun, step: StepName, reason: string, at: number): Rollout {
  if (rollout.policy.autoRollback === 'none' || node.rolledBackInRun === rollout.run) {
    const state: NodeState = { is: 'unproven', step, reason, at };
    return moveNode(rollout, node, state, { attempt: node.attempt + 1, failure: reason });
  }
  const back = { ...node, proof: null, diagnosis: null };
  const changes = { failure: reason, rolledBackInRun: rollout.run };
  return toStep(rollout, back, 'back', firstBackStep(back), at, changes);
}

function unknownForTooLong(rollout: Rollout, node: NodeRun, state: Working | Staging, reason: string, at: number) {
  if (state.is === 'staging') return failed(rollout, node, state, reason, at);
  if (state.step === 'cleanup' || state.step === 'diagnose') return failed(rollout, node, state, reason, at);
  if (!node.touched) return failed(rollout, node, state, reason, at);
  const why = `nobody knows what ${node.name} did: ${reason}`;
  return hold(stuck(rollout, node, state, why, at), node, why, at);
}

function stuck(rollout: Rollout, node: NodeRun, state: Working, reason: string, at: number): Rollout {
  const { direction, step } = state;
  return moveNode(rollout, node, { is: 'stuck', direction, step, reason, at }, { attempt: node.attempt + 1 });
}

/** No new node is begun until somebody decides. Somebody's `stop` stays. */
function hold(rollout: Rollout, node: NodeRun, reason: string, at: number): Rollout {
  if (rollout.status.is === 'stopping') return rollout;
  return moveStatus(rollout, { is: 'held', reason: `${node.name}: ${reason}`, node: node.name, at });
}

/** A gate was closed right before the stop: an untouched node waits for its turn again, a touched one tries again. */
export function gated(rollout: Rollout, node: NodeRun, event: Gated): Rollout {
  const { state } = node;
  if (state.is !== 'working') return rollout;
  const times = (node.held?.times ?? 0) + 1;
  const notBefore = event.at + Math.min(rollout.policy.retryDelay * 2 ** (times - 1), 60_000);
  const changes = { attempt: node.attempt + 1, held: { gates: event.gates, at: event.at, times } };
  const untouched = state.direction === 'forward' && (!node.touched || isFirstTryOfSwitch(node));
  if (!untouched) return moveNode(rollout, node, { ...state, notBefore }, changes);
  return moveNode(rollout, node, { is: 'ready', notBefore }, { ...changes, touched: false, touchedAt: null });
}
