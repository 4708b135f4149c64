import { largestGap } from './rest.ts';
import { traits } from './traits.ts';
import type { Facts, NodeRun, NodesPhase, Policy, Rollout, StepName } from './types.ts';

/** A step, or what passes before the first one of a node and `between` its steps: queues, and looks at what is finished. */
export type Timed = StepName | 'between';

/** Milliseconds; of a step that proves without its soak, which is the policy's. */
export type Took = Partial<Record<Timed, number>>;

/** Milliseconds: in the middle, and what nine of ten stay below. */
export interface Duration {
  p50: number;
  p90: number;
}
export type NodePace = Partial<Record<Timed, Duration>>;

/** By node; what is not in it was never recorded often enough. */
export type Pace = Record<string, NodePace>;

/** The first step of a node is begun. What waited longer than a hand-over takes waited for something else. */
export function timedFirst({ lastNodeAt, policy, pace }: Rollout, node: NodeRun, at: number): Partial<NodeRun> {
  if (pace === null) return {};
  const { between: _, ...took } = node.took;
  const waited = lastNodeAt === null ? Number.NaN : at - lastNodeAt - policy.pause;
  return { took: isHandOver(waited) ? { ...took, between: waited } : took };
}

/** A step after the first is begun. What passes on a way back is part of no night that is foreseen. */
export function timedNext({ pace }: Rollout, { state, took }: NodeRun, at: number): Partial<NodeRun> {
  if (pace === null || state.is !== 'working' || state.direction === 'back') return {};
  if (state.since === null || !isFirstTry(state)) return {};
  const { between, ...rest } = took;
  const waited = at - state.since;
  if (between === undefined) return {};
  return { took: isHandOver(waited) ? { ...rest, between: between + waited } : rest };
}

/**
 * A step has succeeded. A node that ran the target already says nothing about those that do not, and a step that was
 * tried again was done in part before.
 */
export function timed({ pace }: Rollout, node: NodeRun, at: number, { proof }: Facts): NodeRun {
  const { state } = node;
  if (pace === null || node.already || (state.is !== 'working' && state.is !== 'staging')) return node;
  const began = state.underWaySince ?? state.since;
  if (began === null || state.failures + state.unknowns > 0) return node;
  const step = state.is === 'staging' ? 'stage' : state.step;
  const ms = at - began - (traits[step].proves ? (proof?.soaked ?? 0) : 0);
  // A clock that was set back tells nothing.
  return ms < 0 ? node : { ...node, took: { ...node.took, [step]: ms } };
}

const isHandOver = (ms: number): boolean => ms >= 0 && ms <= largestGap;
const isFirstTry = ({
  failures,
  unknowns,
  underWaySince,
}: {
  failures: number;
  unknowns: number;
  underWaySince?: number;
}) => failures + unknowns === 0 && underWaySince === undefined;

/** What a plan has frozen of it. */
interface Paced {
  policy: Policy;
  pace: Pace | null;
}
type Quantile = keyof Duration;

/** One step of a node; undefined when that was never recorded. `soak`: of a step that proves. */
export function stepMs({ pace }: Paced, node: string, step: StepName, soak: number, of: Quantile): number | undefined {
  const known = pace?.[node]?.[step]?.[of];
  return known === undefined ? undefined : known + (traits[step].proves ? soak : 0);
}

/** What a node needs from step `index` of its turn on, ms; as the settings say where too little was recorded. */
export function forwardMs(
  paced: Paced,
  node: string,
  { path }: Pick<Way, 'path'>,
  index: number,
  soak: number,
  of: Quantile,
): number {
  const way = wayMs(paced, node, path.slice(index), soak, of);
  if (way === null) return paced.policy.expectedNode * Math.max(1, proofsIn(path.slice(index)));
  return way + (index > 0 ? 0 : (paced.pace?.[node]?.between?.[of] ?? 0));
}

/** A rehearsal is a way there, back, and there again. */
const proofsIn = (path: readonly StepName[]): number => path.filter((step) => traits[step].proves).length;

/** What it takes to bring a node back, ms; nothing where the settings want no reserve for that. */
export function backMs(paced: Paced, node: string, { undo }: Way, of: Quantile): number {
  const { soak, rollbackReserve } = paced.policy;
  return rollbackReserve === 0 ? 0 : (wayMs(paced, node, undo, soak, of) ?? rollbackReserve);
}

type Way = Pick<NodesPhase, 'path' | 'undo'>;

/** All of these steps together; null when one was never recorded that has to succeed. */
export function wayMs(
  paced: Paced,
  node: string,
  steps: readonly StepName[],
  soak: number,
  of: Quantile,
): number | null {
  let sum = 0;
  for (const step of steps) {
    const ms = stepMs(paced, node, step, soak, of);
    if (ms === undefined && traits[step].onFailure !== 'ignore') return null;
    sum += ms ?? 0;
  }
  return sum;
}
