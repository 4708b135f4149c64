import { asksFrom } from './asking.ts';
import { checkedBefore } from './checklists.ts';
import { finishedNodes, looksBeforeBegin, looksBeforePick, type Need, unprovenRegions } from './freshness.ts';
import { isHeldBeforeLooks, opensByLook } from './gates.ts';
import { askable, sinceOf, watchEndOf, watching } from './phases.ts';
import { nextNode } from './places.ts';
import { goesForward, nodeOf, nodesInOrder, workingNodes } from './queries.ts';
import type { LookTask, Rollout } from './types.ts';

/** How often finished nodes are looked at while nothing happens, and whether alerts or a freeze have ended (ms). */
const idleWatch = 60_000;
/** Looks at one region are this far apart (ms); after one that missed something a little further. */
const apart = { usual: 200, missed: 2_000 };

/** A look at a region, due at an instant (epoch ms). */
interface Wanted extends Need {
  at: number;
}

/** The looks that should be in flight now. */
export function looksDue(rollout: Rollout, now: number): LookTask[] {
  return wanted(rollout, now)
    .filter(({ at }) => at <= now)
    .map((need) => look(rollout, need));
}

/** When the next look is due, epoch ms; null when none is. */
export function nextLook(rollout: Rollout, now: number): number | null {
  const later = wanted(rollout, now).map(({ at }) => at);
  return later.length === 0 ? null : Math.min(...later);
}

/** One look per region: the earliest, and of those the one that sees more. */
function wanted(rollout: Rollout, now: number): Wanted[] {
  const byRegion = new Map<string, Wanted>();
  for (const need of [...baking(rollout), ...needed(rollout, now), ...reopening(rollout, now), ...idle(rollout)]) {
    const other = byRegion.get(need.region);
    if (other === undefined || need.at < other.at || (need.at === other.at && need.step === 'prove')) {
      byRegion.set(need.region, need);
    }
  }
  return [...byRegion.values()];
}

/** The regions of a watch that is going on, at its interval and at its earliest end. */
function baking(rollout: Rollout): Wanted[] {
  const phase = goesForward(rollout) ? watching(rollout) : null;
  const since = sinceOf(phase);
  if (phase === null || since === null) return [];
  return phase.regions.map((region) => {
    const end = watchEndOf(phase, region, since);
    const last = Math.max(rollout.looks[region]?.at ?? 0, since);
    const regular = last + rollout.policy.watch;
    // A bake of no length wants one look, and no interval before it.
    const isEnding = end > last || last === since;
    return { region, step: 'prove', at: isEnding ? Math.min(regular, end) : regular };
  });
}

/** What must be looked at before anything else may happen. */
function needed(rollout: Rollout, now: number): Wanted[] {
  return needs(rollout, now).map((need) => ({ ...need, at: soon(rollout, need.region) }));
}

function needs(rollout: Rollout, now: number): Need[] {
  if (rollout.status.is === 'rolling-back') {
    const regions = rollout.status.queue.map((name) => nodeOf(rollout, name).region);
    return workingNodes(rollout).length > 0 ? [] : looksBeforePick(rollout, regions, rollout.status.at, now);
  }
  if (!goesForward(rollout)) return [];
  const over = nodesInOrder(rollout).every(({ state }) => state.is === 'done');
  if (over || askable(rollout).some((phase) => (asksFrom(rollout, phase, now) ?? 0) <= now)) {
    return unprovenRegions(rollout, now).map((region) => ({ region, step: 'prove' }));
  }
  const node = nextNode(rollout);
  if (node?.state.is !== 'ready' || isHeldBeforeLooks(rollout, node.name, now)) return [];
  return looksBeforeBegin(rollout, node, now);
}

/** Nearly at once, unless the last look missed somebody: then a little later. */
function soon({ looks, policy }: Rollout, region: string): number {
  const { at = null, misses = {} } = looks[region] ?? {};
  if (at === null) return 0;
  const missed = Object.values(misses).some((count) => count > 0);
  return at + Math.min(policy.watch, missed ? apart.missed : apart.usual);
}

/** Days may pass between a bake and an approval: somebody looks all the time. */
function idle(rollout: Rollout): Wanted[] {
  if (!goesForward(rollout)) return [];
  const regions = new Set(finishedNodes(rollout).map(({ region }) => region));
  return [...regions].map((region) => {
    const proven = finishedNodes(rollout, region).map(({ provenAt }) => provenAt ?? 0);
    const last = Math.max(rollout.looks[region]?.at ?? 0, Math.min(...proven));
    const missed = Object.values(rollout.looks[region]?.misses ?? {}).some((count) => count > 0);
    const pause = missed ? Math.min(rollout.policy.watch, idleWatch) : Math.max(rollout.policy.watch, idleWatch);
    return { region, step: 'prove', at: last + pause };
  });
}

/** Whoever lifts a freeze, or ends what an alert told of, expects that it goes on: somebody looks. */
function reopening(rollout: Rollout, now: number): Wanted[] {
  const node = goesForward(rollout) ? nextNode(rollout) : null;
  if (node?.state.is !== 'ready' || !opensByLook(rollout, node.name, now)) return [];
  const regions = new Set([node.region, ...checkedBefore(rollout, node)]);
  return [...regions].map((region) => {
    const last = rollout.looks[region]?.at ?? 0;
    return { region, step: 'watch', at: last + Math.max(rollout.policy.watch, idleWatch) };
  });
}

function look({ id, run, looks }: Rollout, { region, step }: Need): LookTask {
  const attempt = (looks[region]?.count ?? 0) + 1;
  return { id: `${id}.${run}.${region}.${step}.${attempt}`, rollout: id, run, region, node: region, step, attempt };
}
