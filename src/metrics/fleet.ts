import { Gauge, Registry } from 'prom-client';
import type { Clock } from '../base/clock.ts';
import type { Census } from '../jobs/index.ts';
import type { FleetMeter } from './meter.ts';
import { type FleetNumbers, longestGap, numbersOf, waitingForWindow } from './numbers.ts';

export interface FleetWatchParts {
  fleet: string;
  look: () => Promise<Census>;
  regions: readonly string[];
  meter: Pick<FleetMeter, 'waitedForWindow'>;
  clock: Pick<Clock, 'now' | 'monotonic'>;
}

export interface SeenFleet {
  fleet: string;
  numbers: FleetNumbers;
  queues: Census['queues'];
}

/** The numbers of a fleet, as whoever scrapes gets them. */
export interface FleetWatch {
  /** Looks at once, unless somebody just did. Never rejects. */
  refresh(): Promise<void>;
  /** What was seen; null once that is old: a number that nobody can see is not the last one. */
  seen(): SeenFleet | null;
}

/** However many scrape, Redis is asked once in this time (ms). */
const restsFor = 4_000;
/** What was seen longer ago (ms) says nothing of now. */
const goodFor = 30_000;

export function watchFleet({ fleet, look, regions, meter, clock }: FleetWatchParts): FleetWatch {
  let seen: { census: Census; at: number; window: string[] } | null = null;
  let looking: Promise<void> | null = null;
  let triedAt = Number.NEGATIVE_INFINITY;

  const once = async (): Promise<void> => {
    const census = await look();
    const at = clock.monotonic();
    const window = waitingForWindow(census.rollouts, regions, clock.now());
    const since = seen === null ? Number.POSITIVE_INFINITY : at - seen.at;
    // Waited for then and now: so it was in between.
    if (since <= longestGap)
      for (const region of window) if (seen?.window.includes(region)) meter.waitedForWindow(region, since);
    seen = { census, at, window };
  };
  return {
    refresh() {
      if (looking !== null) return looking;
      if (clock.monotonic() - triedAt < restsFor) return Promise.resolve();
      triedAt = clock.monotonic();
      looking = once()
        .catch(() => undefined)
        .finally(() => {
          looking = null;
        });
      return looking;
    },
    seen() {
      if (seen === null || clock.monotonic() - seen.at > goodFor) return null;
      return { fleet, numbers: numbersOf(seen.census, regions, clock.now()), queues: seen.census.queues };
    },
  };
}

/** A registry of its own each time: what is not there any more leaves nothing behind. */
export async function textOf(fleets: readonly (SeenFleet | null)[]): Promise<string> {
  const seen = fleets.filter((each) => each !== null);
  if (seen.length === 0) return '';
  const registry = new Registry();
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge<Label | 'fleet'>({
      name: `zeitwork_${name}`,
      help,
      labelNames: ['fleet', ...labelNames],
      registers: [registry],
    });
  const gauges = {
    rollouts: gauge('rollouts', 'Open rollouts by state', ['state']),
    waits: gauge('waiting', 'What waits for people, by what it is', ['what']),
    oldest: gauge('waiting_oldest_seconds', 'For how long the oldest of it has', ['what']),
    approvals: gauge('approvals_pending', 'Approvals that are asked for'),
    approval: gauge('approval_oldest_seconds', 'Since when the oldest of them is'),
    nodes: gauge('nodes', 'Nodes of open rollouts by state', ['region', 'state']),
    workers: gauge('workers', 'Living workers by region', ['region']),
    depth: gauge('queue_jobs', 'Jobs by queue and state', ['queue', 'state']),
    drift: gauge('drift_nodes', 'Nodes that the last night found not to be as recorded', ['kind']),
    unbelieved: gauge('rollouts_not_believed', 'Open rollouts that cannot be believed'),
  };
  for (const { fleet, numbers, queues } of seen) {
    for (const [state, count] of Object.entries(numbers.rollouts)) gauges.rollouts.set({ fleet, state }, count);
    for (const [what, { count, oldest: age }] of Object.entries(numbers.waiting)) {
      gauges.waits.set({ fleet, what }, count);
      gauges.oldest.set({ fleet, what }, age);
    }
    gauges.approvals.set({ fleet }, numbers.waiting.approval.count);
    gauges.approval.set({ fleet }, numbers.waiting.approval.oldest);
    for (const { region, state, count } of numbers.nodes) gauges.nodes.set({ fleet, region, state }, count);
    for (const [region, count] of Object.entries(numbers.workers)) gauges.workers.set({ fleet, region }, count);
    for (const { queue, state, jobs } of queues) gauges.depth.set({ fleet, queue, state }, jobs);
    for (const [kind, count] of Object.entries(numbers.drift)) gauges.drift.set({ fleet, kind }, count);
    gauges.unbelieved.set({ fleet }, numbers.unbelieved);
  }
  return registry.metrics();
}
