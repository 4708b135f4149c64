import { hour, minute } from '../../base/duration.ts';
import { checkWords } from '../checks/index.ts';
import { finishedNodes } from './freshness.ts';
import { wasIllBefore } from './looks.ts';
import { capped } from './rest.ts';
import type {
  Afterwards,
  AfterwardsEnd,
  Event,
  Fleet,
  Healthy,
  LookTask,
  Rate,
  RegionAfterwards,
  Rollout,
  Seen,
  Unwell,
  Worse,
} from './types.ts';

type LookedAfter = Extract<Event, { type: 'looked-after' }>;

/** Looks in a row that must find something unwell before it is told: one lost probe is nobody's news. */
const looksToTell = 3;
/** What seems unwell is looked at again so soon (ms), until it is told, or was nothing. */
const soon = minute;
/** What gets worse again within this time (ms) after it was well is told with what it was, and not anew. */
const sameWithin = hour;
/** It is over after so many times its length, however it went. */
const longest = 3;
/** Nobody looks: so many times the time between two looks. */
const silentAfter = 3;
/** What got worse is kept up to here; what comes then keeps the time from counting all the same. */
const mostKept = 100;
const usualEvery = 5 * minute;

/** What an upgrade is planned with. */
export function afterwardsFor({ aftercare }: Pick<Fleet, 'aftercare'>): { afterwards?: Afterwards } {
  const { watch = null, every = usualEvery } = aftercare ?? {};
  return watch === null ? {} : { afterwards: { for: watch, every, since: null, regions: {}, worse: [], end: null } };
}

type Watched = Rollout & { afterwards: Afterwards & { since: number } };

/** What it left is still looked at. */
export function isWatchedAfterwards(rollout: Rollout): rollout is Watched {
  const { afterwards, status } = rollout;
  return status.is === 'done' && afterwards !== undefined && afterwards.since !== null && afterwards.end === null;
}

/** Nothing was to be watched, or all was well for as long as was wanted. What was never done has nothing to be watched. */
export const isGoodAfterwards = ({ afterwards }: Rollout): boolean =>
  afterwards === undefined || afterwards.since === null || afterwards.end?.is === 'well';

/** It begins with the end of the upgrade, and ends where that is taken back: there is nothing else to begin it, or to do it twice. */
export function watchedFromHere(before: Rollout, after: Rollout, at: number): Rollout {
  const { afterwards, status } = after;
  if (afterwards === undefined || before.status.is === status.is) return after;
  if (status.is !== 'done') return isWatchedAfterwards(before) ? ended(after, { is: 'brought back', at }) : after;
  const names = [...new Set(finishedNodes(after).map(({ region }) => region))];
  const regions = Object.fromEntries(names.map((name) => [name, unlooked(after, name, status.at)]));
  return { ...after, afterwards: { ...afterwards, since: status.at, regions, worse: [], end: null } };
}

function unlooked(rollout: Rollout, region: string, at: number): RegionAfterwards {
  const of = finishedNodes(rollout, region).length;
  const well = { ms: 0, at };
  return { count: 0, at: null, well, unseen: 0, of, good: of, doubts: {}, runs: {}, rates: {}, highest: {} };
}

const ended = (rollout: Rollout, end: AfterwardsEnd): Rollout =>
  rollout.afterwards === undefined ? rollout : { ...rollout, afterwards: { ...rollout.afterwards, end } };

export const superseded = (rollout: Rollout, { at, rollout: by }: Extract<Event, { type: 'superseded' }>): Rollout =>
  isWatchedAfterwards(rollout) ? ended(rollout, { is: 'superseded', rollout: by, at }) : rollout;

const latestEnd = ({ since, for: wanted }: Watched['afterwards']): number => since + longest * wanted;

/** It comes to an end also where nobody looks. */
export const overdue = (rollout: Rollout, at: number): Rollout =>
  isWatchedAfterwards(rollout) && at >= latestEnd(rollout.afterwards) ? ended(rollout, { is: 'unwell', at }) : rollout;

/** What a look found that is not as the upgrade left it. A service that is not well explains what its checks say. */
export function unwellIn(
  seen: Readonly<Record<string, Seen>>,
  runs: Readonly<Record<string, Unwell['runs']>>,
): Unwell[] {
  return Object.entries(seen).flatMap(([node, { standing, proof, detail, checks }]): Unwell[] => {
    const service = { node, what: 'service', says: detail } as const;
    const restarted = own(runs, node);
    if (proof === 'broken')
      return [{ ...service, is: 'bad', sure: true, ...(restarted === undefined ? {} : { runs: restarted }) }];
    if (standing === 'down') return [{ ...service, is: 'bad' }];
    if (standing === 'unclear' || proof === 'unseen') return [{ ...service, is: 'unknown' }];
    return (checks?.others ?? []).flatMap(({ check, counts, says }) =>
      counts === 'good' ? [] : [{ node, what: { check }, is: counts, says }],
    );
  });
}

const sameThing = (one: Pick<Unwell, 'node' | 'what'>, other: Pick<Unwell, 'node' | 'what'>): boolean =>
  nameOf(one) === nameOf(other);
const nameOf = ({ node, what }: Pick<Unwell, 'node' | 'what'>): string =>
  what === 'service' ? node : `${node} ${what.check}`;

/** One look at what was left in a region, folded in. What was bad before the upgrade is no news. */
export function lookedAfter(rollout: Rollout, event: LookedAfter): Rollout {
  if (!isWatchedAfterwards(rollout) || event.run !== rollout.run) return rollout;
  const { afterwards } = rollout;
  const { region: name, attempt, at } = event;
  const before = Object.hasOwn(afterwards.regions, name) ? afterwards.regions[name] : undefined;
  if (before === undefined || attempt !== before.count + 1) return rollout;
  const nodes = finishedNodes(rollout, name).map((node) => node.name);
  const unwell = event.unwell.filter(
    ({ node, what }) => nodes.includes(node) && (what === 'service' || !wasIllBefore(rollout, node, what.check)),
  );
  const region = lookedAt(before, nodes.length, { ...event, unwell }, afterwards);
  const worse = worseAfter(afterwards.worse, region, unwell, event);
  const after = { ...afterwards, regions: { ...afterwards.regions, [name]: region }, worse };
  const isOver = Object.values(after.regions).every(({ well }) => well.at !== null && well.ms >= after.for);
  const end = isOver ? ({ is: 'well', at } as const) : null;
  return overdue({ ...rollout, afterwards: { ...after, end } }, at);
}

function lookedAt(
  before: RegionAfterwards,
  of: number,
  { at, attempt, unwell, rates = {} }: LookedAfter,
  { since, every }: Watched['afterwards'],
): RegionAfterwards {
  const doubts = unwell.map((each): [string, RegionAfterwards['doubts'][string]] => {
    const { times, since: from } = own(before.doubts, nameOf(each)) ?? { times: 0, since: at };
    return [nameOf(each), { times: times + 1, since: from }];
  });
  const runs = unwell.flatMap((each) => (each.runs === undefined ? [] : [[each.node, each.runs] as const]));
  return {
    count: attempt,
    at,
    well: wellTime(before.well, unwell, at, every),
    unseen: before.unseen + Math.max(0, at - (before.at ?? since) - 2 * every),
    of,
    good: of - new Set(unwell.map(({ node }) => node)).size,
    doubts: Object.fromEntries(doubts),
    runs: { ...before.runs, ...Object.fromEntries(runs) },
    rates,
    highest: higher(before.highest, rates),
  };
}

/** As in a watch: summed over gaps between looks that found all well, so that neither a clock that jumps nor silence adds to it. */
function wellTime({ ms, at: last }: Healthy, unwell: readonly Unwell[], at: number, every: number): Healthy {
  if (unwell.some(({ is }) => is === 'bad')) return { ms: 0, at: null };
  if (unwell.length > 0) return { ms, at: null };
  return { ms: ms + (last === null ? 0 : capped(at - last, 2 * every)), at };
}

function higher(one: Record<string, Rate>, other: Record<string, Rate>): Record<string, Rate> {
  const above = Object.entries(other).filter(([name, { value }]) => !(value <= (own(one, name)?.value ?? -1)));
  return { ...one, ...Object.fromEntries(above) };
}

const own = <T>(all: Record<string, T>, name: string): T | undefined =>
  Object.hasOwn(all, name) ? all[name] : undefined;

function worseAfter(
  before: readonly Worse[],
  { doubts }: RegionAfterwards,
  unwell: readonly Unwell[],
  { region, at }: LookedAfter,
): Worse[] {
  const told = before.map((each) => {
    if (each.region !== region || each.well !== null) return each;
    const now = unwell.find((other) => sameThing(each, other));
    return now === undefined ? { ...each, well: at } : { ...each, is: now.is, says: now.says };
  });
  for (const found of unwell) {
    const { node, what, is, says, sure } = found;
    const { times = 1, since = at } = own(doubts, nameOf(found)) ?? {};
    const index = told.findLastIndex((each) => sameThing(each, found));
    const last = told[index];
    if (last?.well === null || (sure === undefined && times < looksToTell)) continue;
    if (last !== undefined && at - last.well < sameWithin)
      told[index] = { ...last, is, says, times: last.times + 1, well: null };
    else if (told.length < mostKept) told.push({ region, node, what, is, says, since, times: 1, well: null });
  }
  return told;
}

/** The looks that should be in flight now. */
export const looksAfterwards = (rollout: Rollout, now: number): LookTask[] =>
  isWatchedAfterwards(rollout)
    ? Object.entries(rollout.afterwards.regions).flatMap(([region, each]) =>
        dueAt(rollout, each, now) <= now ? [look(rollout, region, each)] : [],
      )
    : [];

function look({ id, run }: Rollout, region: string, { count }: RegionAfterwards): LookTask {
  const attempt = count + 1;
  const step = 'after';
  return { id: `${id}.${run}.${region}.${step}.${attempt}`, rollout: id, run, region, node: region, step, attempt };
}

/** A clock that was set back must not keep anybody from looking. */
function dueAt({ afterwards: { since, every } }: Watched, { at, doubts }: RegionAfterwards, now: number): number {
  const last = at ?? since;
  const isUnsure = Object.values(doubts).some(({ times }) => times < looksToTell);
  const pause = isUnsure ? Math.min(soon, every) : every;
  return last > now + pause ? now : last + pause;
}

/** When the clock alone changes what there is to do for it, after `now` (epoch ms); null: it does not. */
export function nextAfterwards(rollout: Rollout, now: number): number | null {
  if (!isWatchedAfterwards(rollout)) return null;
  const { regions } = rollout.afterwards;
  const looks = Object.values(regions).map((region) => dueAt(rollout, region, now));
  const ahead = [...looks, latestEnd(rollout.afterwards)].filter((at) => at > now);
  return ahead.length === 0 ? null : Math.min(...ahead);
}

/** From when on nobody has looked at each region for too long, if nobody does until then (epoch ms). */
export const silentAfterwardsAt = (rollout: Rollout): number[] =>
  isWatchedAfterwards(rollout)
    ? Object.values(rollout.afterwards.regions).map((region) => silentAt(rollout.afterwards, region))
    : [];

const silentAt = ({ since, every }: Watched['afterwards'], { at }: RegionAfterwards): number =>
  (at ?? since) + silentAfter * every;

/** Regions at which nobody has looked for too long, and since when: of these nobody knows. */
export function silentAfterwards(rollout: Rollout, now: number): { region: string; since: number }[] {
  if (!isWatchedAfterwards(rollout)) return [];
  const { afterwards } = rollout;
  return Object.entries(afterwards.regions).flatMap(([region, each]) =>
    now >= silentAt(afterwards, each) ? [{ region, since: each.at ?? afterwards.since }] : [],
  );
}

/** How long all of it was well by now, ms: as long as the region of which that is known for the shortest time. */
export const wellFor = ({ regions, for: wanted }: Afterwards): number =>
  Math.min(wanted, ...Object.values(regions).map(({ well }) => well.ms));

/** By check: the highest rate of the last looks, or of all. */
export const ratesAfterwards = ({ regions }: Afterwards, of: 'rates' | 'highest'): Record<string, Rate> =>
  Object.values(regions).reduce((all, region) => higher(all, region[of]), {});

/** What got worse, in words; those of a host stand in them. */
export const worseWords = ({ what, is, says }: Pick<Worse, 'what' | 'is' | 'says'>): string =>
  what === 'service' ? says : checkWords({ check: what.check, is, says });
