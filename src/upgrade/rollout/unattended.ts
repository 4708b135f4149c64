import { expectedAge } from './expected.ts';
import { inFlight, nodesInOrder } from './queries.ts';
import { capped } from './rest.ts';
import { todo } from './todo.ts';
import type { Event, NodeRun, Rollout, Task, Unattended } from './types.ts';

/** Milliseconds that it must last before somebody is told: a worker that was restarted in order is back by then. */
const patience: Record<Unattended['why'], number> = { 'no worker': 10_000, 'not taken up': 25_000, 'no report': 0 };
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
  const flying = nodesInOrder(rollout).filter(
    (node) => node.region === region && inFlight(node) && tasks.some((task) => task.node === node.name),
  );
  if (flying.some((node) => isOverdue(rollout, node, at))) return 'no report';
  return flying.length === 0 ? 'not taken up' : null;
}

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
  if (event.type !== 'begun' && event.type !== 'reported' && event.type !== 'watched') return rollout;
  const region = event.type === 'watched' ? event.region : rollout.nodes[event.node]?.region;
  const unattended = rollout.unattended.filter((each) => each.region !== region);
  return unattended.length === rollout.unattended.length ? rollout : { ...rollout, unattended };
}

/** What people are told of. */
export function neglected({ unattended }: Rollout): Unattended[] {
  return unattended.filter(isTold);
}

const isTold = ({ why, ms }: Unattended): boolean => ms >= patience[why];
