import { expectedAge } from './expected.ts';
import { isTold, neglected } from './neglected.ts';
import { actionOf } from './phases.ts';
import { inFlight, nodeOf, nodesInOrder, workingActions, workingNodes } from './queries.ts';
import { capped } from './rest.ts';
import { todo } from './todo.ts';
import { moveNode, moveStatus } from './transitions.ts';
import type { ActionPhase, Event, NodeRun, Rollout, Task, Unattended } from './types.ts';

/** Steps smaller than this (ms) are not written down. */
const smallestGap = 5_000;
/** A longer gap between two ticks counts as this much (ms): then it is us who were away. */
const largestGap = 45_000;

/** Every task has an age by which somebody should have taken it up, or told of it; what has not is noted per region. */
export function attended(rollout: Rollout, { at, silent = [] }: Extract<Event, { type: 'ticked' }>): Rollout {
  const due = todo(rollout, at);
  const regions = [...new Set(due.map(({ region }) => region))];
  const unattended = regions.flatMap((region) => {
    const tasks = due.filter((task) => task.region === region);
    const why = silent.includes(region) ? 'no worker' : trouble(rollout, region, tasks, at);
    const [task] = tasks;
    return why === null || !task ? [] : [noted(rollout, region, task, why, at)];
  });
  return isSame(unattended, rollout.unattended) ? rollout : { ...rollout, unattended };
}

function trouble(rollout: Rollout, region: string, tasks: Task[], at: number): Unattended['why'] | null {
  const acting = workingActions(rollout).filter((phase) => phase.region === region && isActing(phase));
  if (acting.some((phase) => isActionOverdue(rollout, phase, at))) return 'no report';
  const flying = nodesInOrder(rollout).filter(
    (node) => node.region === region && inFlight(node) && tasks.some((task) => task.node === node.name),
  );
  if (flying.some((node) => isOverdue(rollout, node, at))) return 'no report';
  return flying.length + acting.length === 0 ? 'not taken up' : null;
}

/**
 * A stop, and a rollback of others, must end although the worker in the middle of a node is gone for good: what it did is
 * a matter for a person then. Its number is used up, so that nothing comes of it late.
 */
export function abandoned(rollout: Rollout, at: number): Rollout {
  return workingNodes(rollout).reduce((acc, { name }) => abandonedOne(acc, nodeOf(acc, name), at), rollout);
}

function abandonedOne(rollout: Rollout, node: NodeRun, at: number): Rollout {
  const { status } = rollout;
  if ((status.is !== 'stopping' && status.is !== 'rolling-back') || node.state.is !== 'working') return rollout;
  const told = neglected(rollout).find(({ region }) => region === node.region);
  if (told === undefined || (inFlight(node) && !isOverdue(rollout, node, at))) return rollout;
  const { direction, step } = node.state;
  const reason = `its worker is gone in the middle of ${step}, and nobody serves ${node.region}`;
  const attempt = node.attempt + 1;
  if (!node.touched && !node.drained) return moveNode(rollout, node, { is: 'ready', notBefore: at }, { attempt });
  const after = moveNode(rollout, node, { is: 'stuck', direction, step, reason, at }, { attempt });
  return status.is === 'stopping' ? after : moveStatus(after, { ...status, after: { node: node.name, reason } });
}

const isActing = ({ work }: ActionPhase): boolean => work.begun === work.attempt;

const isActionOverdue = ({ policy }: Rollout, { work: { state } }: ActionPhase, at: number): boolean =>
  state.is === 'working' && state.since !== null && at - state.since > expectedAge(state.action, policy);

function isOverdue({ policy }: Rollout, { state }: NodeRun, at: number): boolean {
  if (state.is !== 'working' && state.is !== 'staging') return false;
  const step = state.is === 'working' ? state.step : 'stage';
  return state.since !== null && at - state.since > expectedAge(step, policy);
}

function noted(rollout: Rollout, region: string, task: Task, why: Unattended['why'], at: number): Unattended {
  const before = rollout.unattended.find((each) => each.region === region);
  if (before === undefined) return { region, task: task.id, why, since: at, ms: 0, at };
  if (before.why === why && (isTold(before) || Math.abs(at - before.at) < smallestGap)) return before;
  return { ...before, why, ms: before.ms + capped(at - before.at, largestGap), at };
}

const isSame = (a: Unattended[], b: Unattended[]): boolean => JSON.stringify(a) === JSON.stringify(b);

/** A worker of the region gave a sign of life. */
export function takenUp(rollout: Rollout, event: Event): Rollout {
  if (rollout.unattended.length === 0) return rollout;
  const sign = signOf(rollout, event);
  if (sign === null) return rollout;
  const { region, of } = sign;
  // Where one of several does not report, the sign of life of another says nothing of it.
  const isOther = ({ why, task }: Unattended) =>
    why === 'no report' && (of === null || !task.startsWith(`${rollout.id}.${rollout.run}.${of}.`));
  const unattended = rollout.unattended.filter((each) => each.region !== region || isOther(each));
  return unattended.length === rollout.unattended.length ? rollout : { ...rollout, unattended };
}

/** Of which region, and of what there; null of a region as a whole. */
function signOf(rollout: Rollout, event: Event): { region: string | undefined; of: string | null } | null {
  switch (event.type) {
    case 'watched':
      return { region: event.region, of: null };
    case 'begun':
    case 'reported':
      return { region: rollout.nodes[event.node]?.region, of: event.node };
    case 'action-begun':
    case 'action-reported':
      return { region: actionOf(rollout, event.phase)?.region, of: event.phase };
    default:
      return null;
  }
}
