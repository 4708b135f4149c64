import { Gauge, Registry } from 'prom-client';
import type { Clock } from '../base/clock.ts';
import type { Census } from '../jobs/index.ts';
import type { Meter } from './meter.ts';
import { type FleetNumbers, longestGap, numbersOf, waitingForWindow } from './numbers.ts';

export interface FleetWatchParts {
  look: () => Promise<Census>;
  regions: readonly string[];
  meter: Pick<Meter, 'waitedForWindow'>;
  clock: Pick<Clock, 'now' | 'monotonic'>;
}

/** The numbers of a fleet, as whoever scrapes gets them. */
export interface FleetWatch {
  /** Looks at once, unless somebody just did. Never rejects. */
  refresh(): Promise<void>;
  /** What was seen, as text; nothing once that is old: a number that nobody can see is not the last one. */
  text(): Promise<string>;
}

/** However many scrape, Redis is asked once in this time (ms). */
const restsFor = 4_000;
/** What was seen longer ago (ms) says nothing of now. */
const goodFor = 30_000;

export function watchFleet({ look, regions, meter, clock }: FleetWatchParts): FleetWatch {
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
    async text() {
      if (seen === null || clock.monotonic() - seen.at > goodFor) return '';
      return textOf(numbersOf(seen.census, regions, clock.now()), seen.census.queues);
    },
  };
}

/** A registry of its own each time: what is not there any more leaves nothing behind. */
function textOf(numbers: FleetNumbers, queues: Census['queues']): Promise<string> {
  const registry = new Registry();
  const gauge = <Label extends string = never>(name: string, help: string, labelNames: Label[] = []) =>
    new Gauge<Label>({ name: `zeitwork_${name}`, help, labelNames, registers: [registry] });
  const rollouts = gauge('rollouts', 'Open rollouts by state', ['state']);
  for (const [state, count] of Object.entries(numbers.rollouts)) rollouts.set({ state }, count);
  const waits = gauge('waiting', 'What waits for people, by what it is', ['what']);
  const oldest = gauge('waiting_oldest_seconds', 'For how long the oldest of it has', ['what']);
  for (const [what, { count, oldest: age }] of Object.entries(numbers.waiting)) {
    waits.set({ what }, count);
    oldest.set({ what }, age);
  }
  gauge('approvals_pending', 'Approvals that are asked for').set(numbers.waiting.approval.count);
  gauge('approval_oldest_seconds', 'Since when the oldest of them is').set(numbers.waiting.approval.oldest);
  const nodes = gauge('nodes', 'Nodes of open rollouts by state', ['region', 'state']);
  for (const { region, state, count } of numbers.nodes) nodes.set({ region, state }, count);
  const workers = gauge('workers', 'Living workers by region', ['region']);
  for (const [region, count] of Object.entries(numbers.workers)) workers.set({ region }, count);
  const depth = gauge('queue_jobs', 'Jobs by queue and state', ['queue', 'state']);
  for (const { queue, state, jobs } of queues) depth.set({ queue, state }, jobs);
  const drift = gauge('drift_nodes', 'Nodes that the last night found not to be as recorded', ['kind']);
  for (const [kind, count] of Object.entries(numbers.drift)) drift.set({ kind }, count);
  gauge('rollouts_not_believed', 'Open rollouts that cannot be believed').set(numbers.unbelieved);
  return registry.metrics();
}
