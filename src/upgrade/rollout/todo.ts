import { gates } from './gates.ts';
import {
  bakingBatch,
  firstBackStep,
  firstForwardStep,
  isOpen,
  nextNode,
  nodeOf,
  nodesInOrder,
  watchDue,
  workingNode,
} from './queries.ts';
import type { NodeRun, Rollout, StepName, Task } from './types.ts';

/** What should be in flight right now, derived from the state alone; empty when settled. `now` is epoch ms. */
export function todo(rollout: Rollout, now: number): Task[] {
  if (!isOpen(rollout)) return [];
  const working = workingNode(rollout);
  return [...staging(rollout, now), ...(working ? underWay(rollout, working, now) : oneMore(rollout, now))];
}

function staging(rollout: Rollout, now: number): Task[] {
  if (!['running', 'paused'].includes(rollout.status.is)) return [];
  return nodesInOrder(rollout)
    .filter(({ state }) => state.is === 'staging' && state.notBefore <= now)
    .map((node) => task(rollout, node, 'stage'));
}

function underWay(rollout: Rollout, node: NodeRun, now: number): Task[] {
  return node.state.is === 'working' && node.state.notBefore <= now ? [task(rollout, node, node.state.step)] : [];
}

function oneMore(rollout: Rollout, now: number): Task[] {
  const { status } = rollout;
  if (status.is === 'rolling-back') {
    const [head] = status.queue;
    if (head === undefined) return [];
    const node = nodeOf(rollout, head);
    return [task(rollout, node, firstBackStep(node))];
  }
  return [...watch(rollout, now), ...begin(rollout, now)];
}

function begin(rollout: Rollout, now: number): Task[] {
  const node = nextNode(rollout);
  if (rollout.status.is !== 'running' || node?.state.is !== 'ready') return [];
  return gates(rollout, node.name, now).length === 0 ? [task(rollout, node, firstForwardStep(node))] : [];
}

function watch(rollout: Rollout, now: number): Task[] {
  const batch = bakingBatch(rollout);
  if (batch === null || watchDue(rollout, batch) > now) return [];
  if (!['running', 'paused'].includes(rollout.status.is)) return [];
  const attempt = batch.watches + 1;
  const { id, run } = rollout;
  const { region } = batch;
  return [
    { id: `${id}.${run}.${region}.watch.${attempt}`, rollout: id, run, region, node: region, step: 'watch', attempt },
  ];
}

function task(rollout: Rollout, node: NodeRun, step: StepName): Task {
  const { id, run } = rollout;
  const { name, region, attempt } = node;
  return { id: `${id}.${run}.${name}.${step}.${attempt}`, rollout: id, run, region, node: name, step, attempt };
}
