import { isOpen, nodesInOrder } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { fits, nextOpening, openInterval } from '../../windows/index.ts';
import type { Calendar, Interval } from '../../windows/types.ts';

export interface RegionForecast {
  region: string;
  /** Epoch ms when its first open node can be begun at the earliest. */
  begin: number;
  end: number;
}

export interface Forecast {
  /** Regions with work left, in order. */
  regions: RegionForecast[];
  /** Epoch ms when the last node is expected to be proven, not counting the time that approvals take; null when unknown. */
  end: number | null;
}

/** When what is left can happen, from the state alone: windows, expected durations, pauses and bakes. */
export function forecast(rollout: Rollout): Forecast {
  const { policy } = rollout;
  const found: Forecast = { regions: [], end: null };
  if (!isOpen(rollout) || rollout.status.is === 'rolling-back') return found;
  let at = Math.max(rollout.lastNodeAt ?? 0, rollout.startedAt ?? 0, rollout.startAt ?? 0, rollout.createdAt);
  const slots = new Slots(rollout);
  for (const batch of rollout.batches) {
    const left = nodesInOrder(rollout).filter(
      ({ name, state }) => batch.nodes.includes(name) && state.is !== 'done',
    ).length;
    at = Math.max(at, batch.approved?.at ?? 0, batch.askedAt ?? 0);
    let begin: number | null = null;
    for (let i = 0; i < left; i++) {
      const slot = slots.next(batch.region, at);
      if (slot === null) return { ...found, end: null };
      begin ??= slot;
      at = slot + policy.expectedNode + (i < left - 1 ? policy.pause : 0);
    }
    if (begin !== null) found.regions.push({ region: batch.region, begin, end: at });
    if (batch.bakedAt === null) at += batch.bake;
  }
  found.end = found.regions.at(-1)?.end ?? null;
  return found;
}

/** The next instant at which a node fits a region's window; remembers the window, which is costly to find. */
class Slots {
  readonly #rollout: Rollout;
  readonly #known = new Map<string, Interval>();

  constructor(rollout: Rollout) {
    this.#rollout = rollout;
  }

  next(region: string, at: number): number | null {
    const { calendars, override, policy } = this.#rollout;
    const calendar = calendars[region];
    if (calendar === undefined || (override !== null && at < override.until)) return at;
    const needed = policy.expectedNode + policy.rollbackReserve;
    const known = this.#known.get(region);
    if (known !== undefined && fits(known, at, needed)) return at;
    const open = openInterval(calendar, at);
    if (open !== null && fits(open, at, needed)) {
      this.#known.set(region, open);
      return at;
    }
    return this.#opening(region, calendar, at);
  }

  #opening(region: string, calendar: Calendar, at: number): number | null {
    const following = nextOpening(calendar, at);
    if (following.is === 'never') return null;
    this.#known.set(region, following.interval);
    return following.interval.start;
  }
}
