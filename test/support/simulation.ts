import { gates, isOpen, next, nextWake, nodesInOrder, todo } from '../../src/upgrade/rollout/index.ts';
import type { Event, Evidence, Report, Rollout, Task } from '../../src/upgrade/rollout/types.ts';
import { newImage, oldImage, recorded } from './rollouts.ts';

/** How the new build behaves on a node, and how the way there misbehaves. */
export interface World {
  image: Record<string, string>;
  down: Set<string>;
  /** Nodes on which the new build never proves healthy. */
  bad: Set<string>;
  /** Nodes whose rollback does not prove healthy the first n times. */
  badRestore: Map<string, number>;
  starts: { node: string; image: string; at: number; peersLeft: number; wasDown: boolean }[];
  epoch: Record<string, number>;
}

export function worldOf(rollout: Rollout): World {
  const names = Object.values(rollout.peers).flat();
  return {
    image: Object.fromEntries(names.map((name) => [name, oldImage])),
    down: new Set(),
    bad: new Set(),
    badRestore: new Map(),
    starts: [],
    epoch: {},
  };
}

const healthy = (world: World, node: string) =>
  !world.down.has(node) && !(world.image[node] === newImage && world.bad.has(node));

export const evidenceOf = (world: World, names: string[]): Evidence => ({
  healthy: Object.fromEntries(names.map((name) => [name, healthy(world, name)])),
});

/** What an honest worker does for one task, on the simulated nodes; the event that it would report. */
export function perform(rollout: Rollout, task: Task, world: World, now: number): Event {
  const { run, node, step, attempt } = task;
  if (step === 'watch') {
    const names = rollout.peers[task.region] ?? [];
    return {
      type: 'watched',
      at: now,
      run,
      region: task.region,
      unhealthy: names.filter((name) => !healthy(world, name)),
    };
  }
  const common = { at: now, run, node, step, attempt };
  if ((world.epoch[node] ?? 0) > rollout.epoch) {
    return { type: 'reported', ...common, report: failed('a newer run owns this node', false) };
  }
  world.epoch[node] = rollout.epoch;
  if (step === 'switch' || step === 'restore') {
    const image = step === 'switch' ? newImage : oldImage;
    if (world.image[node] === image) return { type: 'reported', ...common, report: succeeded({}) };
    const closed = gates(rollout, node, now, evidenceOf(world, rollout.peers[task.region] ?? []));
    if (closed.length > 0) return { type: 'gated', ...common, gates: closed };
    const peers = (rollout.peers[task.region] ?? []).filter((name) => name !== node);
    const peersLeft = peers.filter((name) => healthy(world, name)).length;
    world.starts.push({ node, image, at: now, peersLeft, wasDown: !healthy(world, node) });
    world.image[node] = image;
    world.down.delete(node);
  }
  return { type: 'reported', ...common, report: reportOf(task, world) };
}

function reportOf({ step, node }: Task, world: World): Report {
  switch (step) {
    case 'stage':
      return succeeded(world.image[node] === newImage ? { already: true, before: recorded } : { before: recorded });
    case 'verify':
      return healthy(world, node) && world.image[node] === newImage
        ? succeeded({ proof: proofOf(newImage) })
        : failed('health stayed 503 starting', false);
    case 'verify-restored': {
      const left = world.badRestore.get(node) ?? 0;
      if (left > 0) world.badRestore.set(node, left - 1);
      return left === 0 && healthy(world, node) ? succeeded({ proof: proofOf(oldImage) }) : failed('still sick', false);
    }
    case 'diagnose':
      return succeeded({ diagnosis: { summary: 'never healthy', evidence: [] } });
    default:
      return succeeded({});
  }
}

const succeeded = (facts: Extract<Report, { is: 'succeeded' }>['facts']): Report => ({ is: 'succeeded', facts });
export const failed = (reason: string, retry: boolean): Report => ({ is: 'failed', reason, retry, facts: {} });
const proofOf = (sha256: string) => ({
  sha256,
  invocation: 'i1',
  mainPid: 1,
  restarts: 0,
  version: null,
  soaked: 30_000,
});

export interface Line {
  event: Event;
  tasks: string[];
}

/** Drives a rollout with an honest worker until nothing is left to do; the clock jumps to what `nextWake` says. */
export function drive(
  start: Rollout,
  world: World,
  options: { from: number; limit?: number },
): { rollout: Rollout; now: number; events: Event[] } {
  let rollout = start;
  let now = options.from;
  const events: Event[] = [];
  for (let step = 0; step < (options.limit ?? 500) && isOpen(rollout); step++) {
    const [task] = todo(rollout, now);
    if (task) {
      now += 100;
      if (task.step !== 'watch') {
        rollout = apply(
          rollout,
          { type: 'begun', at: now, run: task.run, node: task.node, step: task.step, attempt: task.attempt },
          events,
        );
        if (!todo(rollout, now).some(({ id }) => id === task.id)) continue;
      }
      now += 1_000;
      rollout = apply(rollout, perform(rollout, task, world, now), events);
      continue;
    }
    const wake = nextWake(rollout, now);
    if (wake === null) break;
    now = wake;
    rollout = apply(rollout, { type: 'ticked', at: now }, events);
  }
  return { rollout, now, events };
}

function apply(rollout: Rollout, event: Event, events: Event[]): Rollout {
  const after = next(rollout, event);
  if (after !== rollout) events.push(event);
  return after === rollout ? rollout : { ...after, revision: rollout.revision + 1 };
}

export const states = (rollout: Rollout): string[] => nodesInOrder(rollout).map(({ state }) => state.is);
