import { minute } from '../base/duration.ts';
import type { Census } from '../jobs/index.ts';
import { asked, gates, goesForward, nextNode, sinceOf, startOf, waitingForPeople } from '../upgrade/rollout/index.ts';
import type { NodeState, Rollout, Status } from '../upgrade/rollout/types.ts';

/** The states that an open rollout can be in, with one for what has still to begin. */
export const openStates = ['scheduled', 'running', 'paused', 'held', 'rolling-back', 'stopping'] as const;
export type OpenState = (typeof openStates)[number];

export const waits = ['held', 'start', 'node', 'region', 'approval', 'watch'] as const;
export type Wait = (typeof waits)[number];

export const nodeStates = [
  'staging',
  'ready',
  'working',
  'done',
  'failed',
  'unproven',
  'rolled-back',
  'stuck',
] as const satisfies readonly NodeState['is'][];

/** Of a night: what is not as recorded, what could not be seen, and what a run that nobody knows was at. */
export const driftKinds = ['off', 'unseen', 'unknown-run'] as const;
export type DriftKind = (typeof driftKinds)[number];

/** Numbers of a fleet; each list has all of its names, so that a number that is missing is never taken for none. */
export interface FleetNumbers {
  rollouts: Record<OpenState, number>;
  /** What waits for people, by what it is; and the seconds for which the oldest has. */
  waiting: Record<Wait, { count: number; oldest: number }>;
  nodes: { region: string; state: NodeState['is']; count: number }[];
  workers: Record<string, number>;
  drift: Record<DriftKind, number>;
  unbelieved: number;
}

/** @param regions as the settings have them: whatever else is stored is nobody's label */
export function numbersOf(census: Census, regions: readonly string[], now: number): FleetNumbers {
  const { rollouts, unbelieved, workers, nights } = census;
  const states = rollouts.map((rollout) => stateOf(rollout, now));
  const people = rollouts.flatMap((rollout) => waitingFor(rollout));
  const nodes = rollouts.flatMap((rollout) => Object.values(rollout.nodes));
  const findings = nights.flatMap((night) => night.nodes.map(({ found }) => found.is));
  const ages = (kind: Wait) => people.filter(({ what }) => what === kind).map(({ since }) => (now - since) / 1_000);
  return {
    rollouts: counted(openStates, states),
    waiting: byName(waits, (kind) => ({ count: ages(kind).length, oldest: Math.max(0, ...ages(kind)) })),
    nodes: regions.flatMap((region) =>
      nodeStates.map((state) => ({
        region,
        state,
        count: nodes.filter((node) => node.region === region && node.state.is === state).length,
      })),
    ),
    workers: byName(regions, (region) => workers.get(region) ?? 0),
    drift: counted(driftKinds, findings),
    unbelieved,
  };
}

/** Regions in which nothing but the calendar keeps the next node from beginning. */
export function waitingForWindow(rollouts: readonly Rollout[], regions: readonly string[], now: number): string[] {
  const found = rollouts.flatMap((rollout) => {
    const node = nextNode(rollout);
    if (node === null) return [];
    const names = gates(rollout, node.name, now).map(({ name }) => name);
    const isCalendar = names.every((name) => name === 'window' || name === 'freeze' || name === 'proof');
    return names.includes('window') && isCalendar ? [node.region] : [];
  });
  return [...new Set(found)].filter((region) => regions.includes(region));
}

/** Longer gaps (ms) between two looks are nobody's wait: the machine slept, or Redis was away. */
export const longestGap = minute;

function stateOf(rollout: Rollout, now: number): OpenState | 'over' {
  const { status, startedAt } = rollout;
  if (status.is === 'running') return startedAt === null && (startOf(rollout) ?? 0) > now ? 'scheduled' : 'running';
  return isOver(status) ? 'over' : status.is;
}

const isOver = (status: Status): status is Extract<Status, { is: 'done' | 'rolled-back' | 'stopped' }> =>
  status.is === 'done' || status.is === 'rolled-back' || status.is === 'stopped';

/** A question counts from when it was asked; a no that waits for another answer is a question, too. */
function waitingFor(rollout: Rollout): { what: Wait; since: number }[] {
  const questions = (goesForward(rollout) ? asked(rollout) : []).map((phase) => ({
    what: 'approval' as const,
    since: sinceOf(phase) ?? 0,
  }));
  const others = waitingForPeople(rollout).flatMap(({ what, since }) => {
    const [word = ''] = what.split(/[ /]/);
    const kind = waits.find((each) => each === word);
    return kind === undefined || kind === 'approval' ? [] : [{ what: kind, since }];
  });
  return [...questions, ...others];
}

function counted<Name extends string>(names: readonly Name[], found: readonly string[]): Record<Name, number> {
  return byName(names, (name) => found.filter((each) => each === name).length);
}

function byName<Name extends string, T>(names: readonly Name[], of: (name: Name) => T): Record<Name, T> {
  return Object.fromEntries(names.map((name) => [name, of(name)])) as Record<Name, T>;
}
