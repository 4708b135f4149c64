import { traits } from '../rollout/index.ts';
import { type Duration, type Fleet, type NodePace, type Pace, stepNames, type Timed } from '../rollout/types.ts';
import type { Ledger, Timing } from './types.ts';

/** Fewer timings than these say nothing of what is usual. */
const enough = 3;

const timedNames: readonly Timed[] = [...stepNames, 'between'];

/**
 * How long things take on each node of the fleet, for an archive of so many bytes: from what was recorded of the node
 * itself, else of its region, else of the whole fleet; whatever of these was timed often enough.
 */
export function paceOf(ledger: Ledger, { regions }: Pick<Fleet, 'regions'>, bytes: number): Pace {
  const timingsOf = (names: string[]): Timing[] => names.flatMap((name) => ledger.timings[name] ?? []);
  const namesOf = ({ nodes }: Fleet['regions'][number]): string[] => nodes.map(({ name }) => name);
  const all = durationsOf(timingsOf(regions.flatMap(namesOf)), bytes);
  const paces = regions.flatMap((region) => {
    const near = { ...all, ...durationsOf(timingsOf(namesOf(region)), bytes) };
    return namesOf(region).map((name): [string, NodePace] => [
      name,
      { ...near, ...durationsOf(timingsOf([name]), bytes) },
    ]);
  });
  return Object.fromEntries(paces.filter(([, pace]) => Object.keys(pace).length > 0));
}

function durationsOf(timings: Timing[], bytes: number): NodePace {
  const known = timedNames.flatMap((what): [Timed, Duration][] => {
    const taken = timings.flatMap((timing) => {
      const ms = timing.took[what];
      return ms === undefined ? [] : [ms * growth(what, timing.bytes, bytes)];
    });
    if (taken.length < enough) return [];
    const inOrder = taken.toSorted((a, b) => a - b);
    return [[what, { p50: quantile(inOrder, 0.5), p90: quantile(inOrder, 0.9) }]];
  });
  return Object.fromEntries(known);
}

/** A smaller archive is not promised to be quicker: not all of the time is spent on its bytes. */
function growth(what: Timed, from: number, to: number): number {
  const carries = what !== 'between' && traits[what].carries;
  return carries && from > 0 ? Math.max(1, to / from) : 1;
}

/** The smallest one that so many of them do not exceed. */
function quantile(inOrder: number[], part: number): number {
  return Math.round(inOrder[Math.max(0, Math.ceil(part * inOrder.length) - 1)] ?? 0);
}
