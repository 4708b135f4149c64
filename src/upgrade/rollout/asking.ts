import { hour } from '../../base/duration.ts';
import { openInterval, opensFrom } from '../../windows/index.ts';
import type { Calendar } from '../../windows/types.ts';
import { actionOf, endOf, turns } from './phases.ts';
import { nodeOf } from './queries.ts';
import { startOf } from './start.ts';
import type { ApprovalPhase, Rollout } from './types.ts';

/** Whoever is asked when they get up has at least so long (ms) to answer before the window opens. */
const timeToAnswer = 2 * hour;

/**
 * From when on an approval is asked for (epoch ms), once all before it is over; null: at once. The first one half of the time for
 * which one holds before the start, so that a yes is still one then; each in the hours in which its approvers are awake, where
 * what it opens cannot begin before, and as late as the first one. Rollouts from before this was so must fold as they did.
 * @param now epoch ms; while somebody has still to be told of the start it moves on with the clock, and so does this
 */
export function asksFrom(rollout: Rollout, phase: ApprovalPhase, now = 0): number | null {
  if (rollout.override !== null) return null;
  const [start, reached] = [startAhead(rollout, now), reachedAt(rollout, phase)];
  if (start === null && reached === null) return null;
  const near = start === null ? null : start - rollout.policy.approvalExpires / 2;
  return awakeFrom(rollout, phase, Math.max(near ?? 0, reached ?? 0), start ?? 0) ?? near;
}

function startAhead(rollout: Rollout, now = 0): number | null {
  return rollout.startedAt !== null || rollout.ahead === undefined ? null : startOf(rollout, now);
}

/** When all before it was over; null while something is not. */
function reachedAt({ phases, createdAt }: Rollout, { id }: ApprovalPhase): number | null {
  const index = phases.findIndex((phase) => phase.id === id);
  return index === 0 ? createdAt : endOf(phases[index - 1] ?? null);
}

/** When they are awake, no sooner than that a yes still holds; null when that is at `from`, or when what they open could begin before they have answered. */
function awakeFrom(rollout: Rollout, phase: ApprovalPhase, from: number, start: number): number | null {
  const { waking = [], approvalExpires } = rollout.policy;
  const calendar = waking.length === 0 ? null : calendarOf(rollout, phase);
  const begins = calendar === null ? null : opensFrom(calendar, Math.max(from, start));
  if (calendar === null || begins === null) return null;
  const near = Math.max(from, begins - approvalExpires / 2);
  const wakes = opensFrom({ zone: calendar.zone, windows: waking, freezes: [] }, near) ?? begins;
  const asks = wakes + timeToAnswer <= begins ? wakes : near;
  return asks === from ? null : asks;
}

/**
 * When people are called again for a question that waits since `since` (epoch ms), after `after` (ms): of one that was asked while its
 * approvers were awake the hours in which they are count, unless what it opens would lose its window by that. One that was asked
 * at night could not wait then either.
 */
export function whenAwake(rollout: Rollout, phase: ApprovalPhase, since: number, after: number): number {
  const { waking = [] } = rollout.policy;
  const calendar = waking.length === 0 ? null : calendarOf(rollout, phase);
  const hours: Calendar | null = calendar === null ? null : { zone: calendar.zone, windows: waking, freezes: [] };
  const awake = hours === null ? null : openInterval(hours, since);
  if (calendar === null || hours === null || awake === null || since + after < awake.end) return since + after;
  const wakes = opensFrom(hours, awake.end);
  if (wakes === null || opensOnlyBetween(rollout, calendar, awake.end, wakes)) return since + after;
  return whenAwake(rollout, phase, wakes, since + after - awake.end);
}

/** Whoever answers only when they wake is too late for this night. */
function opensOnlyBetween(rollout: Rollout, calendar: Calendar, from: number, wakes: number): boolean {
  const opens = opensFrom(calendar, Math.max(from, startAhead(rollout) ?? 0));
  return opens !== null && opens < wakes && openInterval(calendar, wakes) === null;
}

/** Of the first region that it opens; without freezes that somebody may lift at any time. */
function calendarOf(rollout: Rollout, { opens }: ApprovalPhase): Calendar | null {
  const [first] = turns(rollout).find(({ id }) => opens.includes(id))?.nodes ?? [];
  const region = first === undefined ? actionOf(rollout, opens[0] ?? '')?.region : nodeOf(rollout, first).region;
  const calendar = rollout.calendars[region ?? ''];
  if (calendar === undefined) return null;
  return { ...calendar, freezes: calendar.freezes.filter(({ id }) => id === undefined) };
}
