import { Bug } from '../../base/errors.ts';
import type {
  ActionPhase,
  ActionRun,
  ActionState,
  NodeRun,
  NodeState,
  Phase,
  PhaseState,
  Rollout,
  Status,
} from './types.ts';

/** Every way in which a node's state may change, and what makes it: `next` refuses all others. */
export const nodeTransitions = {
  staging: { 'staged and verified': 'ready', 'try again': 'staging', 'cannot be staged': 'failed' },
  ready: { 'its turn': 'working', 'staged again': 'staging' },
  working: {
    'next step, or try again': 'working',
    'gate closed before the stop, or a rollback was asked for': 'ready',
    'proven on the new version, or its rollback was put off': 'done',
    'failed before anything changed': 'failed',
    'failed and not rolled back, or its rollback was put off': 'unproven',
    'proven on the old version': 'rolled-back',
    'unknown for too long, or rollback failed': 'stuck',
  },
  done: { 'rolled back on request': 'working', 'sick since, so proven again': 'ready' },
  failed: { retry: 'staging' },
  unproven: { 'roll back': 'working', retry: 'ready' },
  'rolled-back': { retry: 'staging' },
  stuck: { 'roll back, or its rollback again': 'working', retry: 'ready' },
} as const satisfies Record<NodeState['is'], Record<string, NodeState['is']>>;

export const statusTransitions = {
  running: {
    pause: 'paused',
    'a node failed or fell sick, or nobody approved': 'held',
    'roll back': 'rolling-back',
    stop: 'stopping',
    'every node proven': 'done',
  },
  paused: {
    resume: 'running',
    'a node failed or fell sick, or nobody approved': 'held',
    'roll back': 'rolling-back',
    stop: 'stopping',
    'every node proven': 'done',
  },
  held: {
    'retry, or resume': 'running',
    'another reason': 'held',
    'roll back, or the pending one again': 'rolling-back',
    stop: 'stopping',
  },
  'rolling-back': {
    'another scope': 'rolling-back',
    'scope brought back, or a rollback failed': 'held',
    'everything brought back': 'rolled-back',
    stop: 'stopping',
  },
  stopping: { 'roll back': 'rolling-back', 'node under way finished': 'stopped' },
  done: { 'roll back': 'rolling-back' },
  stopped: { 'roll back': 'rolling-back' },
  'rolled-back': {},
} as const satisfies Record<Status['is'], Record<string, Status['is']>>;

export const phaseTransitions = {
  pending: { 'all before it is over': 'active', 'over when it was reached': 'done' },
  active: { 'all its nodes proven, watched long enough, or approved': 'done', 'to be done anew': 'pending' },
  done: { 'a node went back': 'active', 'to be watched or asked anew': 'pending' },
} as const satisfies Record<PhaseState['is'], Record<string, PhaseState['is']>>;

/** Of the work of a phase that is an action. */
export const actionTransitions = {
  waiting: { 'its turn': 'working' },
  working: {
    'try again, or next on its way back': 'working',
    'gate closed before anything was changed, or let go': 'waiting',
    'seen to be done': 'done',
    'failed before anything changed': 'failed',
    'brought back': 'undone',
    'unknown for too long, failed half-way, or its way back failed': 'stuck',
  },
  done: { 'rolled back on request': 'working' },
  failed: { retry: 'waiting' },
  undone: { retry: 'waiting' },
  stuck: { retry: 'waiting', 'roll back, or its rollback again': 'working' },
} as const satisfies Record<ActionState['is'], Record<string, ActionState['is']>>;

function allowed(table: Record<string, Record<string, string>>, from: string, to: string): boolean {
  return Object.values(table[from] ?? {}).includes(to);
}

/** Puts a node into a state that the table allows; anything else is a bug of ours. */
export function moveNode(rollout: Rollout, node: NodeRun, state: NodeState, changes: Partial<NodeRun> = {}): Rollout {
  if (!allowed(nodeTransitions, node.state.is, state.is)) {
    throw new Bug(`${node.name} cannot go from ${node.state.is} to ${state.is}`);
  }
  return { ...rollout, nodes: { ...rollout.nodes, [node.name]: { ...node, ...changes, state } } };
}

/** The same for an action. */
export function moveAction(
  rollout: Rollout,
  { id, work }: ActionPhase,
  state: ActionState,
  changes: Partial<ActionRun> = {},
): Rollout {
  if (!allowed(actionTransitions, work.state.is, state.is)) {
    throw new Bug(`${id} cannot go from ${work.state.is} to ${state.is}`);
  }
  const phases = rollout.phases.map((phase) =>
    phase.id === id && phase.is === 'action' ? { ...phase, work: { ...phase.work, ...changes, state } } : phase,
  );
  return { ...rollout, phases };
}

export function moveStatus(rollout: Rollout, status: Status): Rollout {
  if (!allowed(statusTransitions, rollout.status.is, status.is)) {
    throw new Bug(`a rollout cannot go from ${rollout.status.is} to ${status.is}`);
  }
  return { ...rollout, status };
}

export function movePhase<P extends Phase>(phase: P, state: PhaseState, changes: Partial<P> = {}): P {
  if (!allowed(phaseTransitions, phase.state.is, state.is)) {
    throw new Bug(`phase ${phase.id} cannot go from ${phase.state.is} to ${state.is}`);
  }
  return { ...phase, ...changes, state };
}

/** The tables as Mermaid state diagrams, for docs/states.md. */
export function transitionDiagrams(): { phase: string; node: string; action: string; status: string } {
  const draw = (table: Record<string, Record<string, string>>) =>
    [
      'stateDiagram-v2',
      ...Object.entries(table).flatMap(([from, ways]) =>
        Object.entries(ways).map(([why, to]) => `  ${id(from)} --> ${id(to)}: ${why}`),
      ),
    ].join('\n');
  return {
    phase: draw(phaseTransitions),
    node: draw(nodeTransitions),
    action: draw(actionTransitions),
    status: draw(statusTransitions),
  };
}

const id = (state: string) => state.replace('-', '_');
