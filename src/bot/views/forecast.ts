import {
  backMs,
  calendarNow,
  forwardMs,
  isCanary,
  isOpen,
  isTurn,
  mostAtOnce,
  nodeOf,
  noticeExpected,
  saidAt,
  sinceOf,
  stepMs,
  turnOf,
  watchEnd,
} from '../../upgrade/rollout/index.ts';
import type { Duration, NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal, fits, nextOpening, openInterval } from '../../windows/index.ts';
import type { Calendar, Interval } from '../../windows/types.ts';

export interface RegionForecast {
  /** Id of the phase. */
  phase: string;
  region: string;
  /** Epoch ms when its first open node can be begun at the earliest. */
  begin: number;
  end: number;
}

/** Nodes that are begun together. */
interface Group {
  region: string;
  begin: number;
  places: number;
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
  const { lastNodeAt, startedAt, startAt } = rollout;
  let at = Math.max(lastNodeAt ?? 0, startedAt ?? 0, startAt ?? 0, noticeExpected(rollout), stagedAt(rollout));
  const slots = new Slots(rollout);
  for (const phase of rollout.phases) {
    if (phase.is === 'watch' && phase.state.is !== 'done') at = Math.max(at + phase.for, watchEnd(rollout, phase) ?? 0);
    if (phase.is === 'approval') at = Math.max(at, saidAt(phase) ?? 0, sinceOf(phase) ?? 0);
    if (!isTurn(phase)) continue;
    let group = null as Group | null;
    for (const node of phase.nodes.map((name) => nodeOf(rollout, name))) {
      if (node.state.is === 'done') continue;
      if (group?.region !== node.region || group.places === 0) {
        const begin = slots.next(node, group === null ? at : at + policy.pause);
        if (begin === null) return { ...found, end: null };
        // The first node of a region goes alone.
        const places: number = isCanary(rollout, node) ? 1 : mostAtOnce(rollout, node.region);
        group = { region: node.region, begin, places };
        at = begin;
      }
      slots.took(node, group.begin);
      at = Math.max(at, group.begin + turnMs(rollout, node, 'p50'));
      group.places -= 1;
      note(found.regions, { phase: phase.id, region: node.region, begin: group.begin, end: at });
    }
  }
  found.end = found.regions.at(-1)?.end ?? null;
  return found;
}

/** When the first node is begun, in its region's own time; null when that waits for no window and no time, but for staging at most. */
export function beginsLater(rollout: Rollout, now: number): string | null {
  const [first] = forecast(rollout).regions;
  const calendar = rollout.calendars[first?.region ?? ''];
  if (first === undefined || calendar === undefined) return null;
  const { startAt, override } = rollout;
  const open = openInterval(calendar, now);
  const isOut = override === null && (open === null || first.begin >= open.end);
  return isOut || Math.max(startAt ?? 0, noticeExpected(rollout)) > now
    ? describeLocal(first.begin, calendar.zone)
    : null;
}

/** One entry for each region in each phase. */
function note(regions: RegionForecast[], next: RegionForecast): void {
  const known = regions.find(({ phase, region }) => phase === next.phase && region === next.region);
  if (known === undefined) regions.push(next);
  else known.end = next.end;
}

/** When every node has the release, epoch ms. All are staged at once; what was never recorded counts for nothing. */
export function stagedAt(rollout: Rollout): number {
  const staging = Object.values(rollout.nodes).filter(({ state }) => state.is === 'staging');
  return rollout.createdAt + Math.max(0, ...staging.map(({ name }) => stepMs(rollout, name, 'stage', 0, 'p50') ?? 0));
}

function turnMs(rollout: Rollout, node: NodeRun, of: keyof Duration): number {
  const { canarySoak, soak } = rollout.policy;
  return forwardMs(rollout, node.name, turnOf(rollout, node.name), 0, isCanary(rollout, node) ? canarySoak : soak, of);
}

/**
 * The next instant at which a node fits a region's window, with the way back of what was begun since that opened; remembers
 * the window, which is costly to find.
 */
class Slots {
  readonly #rollout: Rollout;
  readonly #known = new Map<string, Interval>();
  readonly #taken: { at: number; back: number }[] = [];

  constructor(rollout: Rollout) {
    this.#rollout = rollout;
    for (const node of Object.values(rollout.nodes)) if (node.touched) this.took(node, node.touchedAt ?? 0);
  }

  took(node: NodeRun, at: number): void {
    this.#taken.push({ at, back: this.#back(node) });
  }

  next(node: NodeRun, at: number): number | null {
    const { override } = this.#rollout;
    const { region } = node;
    const calendar = calendarNow(this.#rollout, region);
    if (calendar === null || (override !== null && at < override.until)) return at;
    const known = this.#known.get(region);
    if (known !== undefined && this.#fits(known, node, at)) return at;
    const open = openInterval(calendar, at);
    if (open !== null && this.#fits(open, node, at)) {
      this.#known.set(region, open);
      return at;
    }
    return this.#opening(region, calendar, at);
  }

  #fits(open: Interval, node: NodeRun, at: number): boolean {
    const { pace, policy } = this.#rollout;
    if (pace === null) return fits(open, at, policy.expectedNode + policy.rollbackReserve);
    const before = this.#taken.filter((each) => each.at >= open.start).reduce((sum, { back }) => sum + back, 0);
    return fits(open, at, turnMs(this.#rollout, node, 'p90') + before + this.#back(node));
  }

  #back(node: NodeRun): number {
    return backMs(this.#rollout, node.name, turnOf(this.#rollout, node.name), 'p90');
  }

  #opening(region: string, calendar: Calendar, at: number): number | null {
    const following = nextOpening(calendar, at);
    if (following.is === 'never') return null;
    this.#known.set(region, following.interval);
    return following.interval.start;
  }
}
