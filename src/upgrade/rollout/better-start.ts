import { day } from '../../base/duration.ts';
import { Refused } from '../../base/errors.ts';
import { openingsUntil, spansWeekend } from '../../windows/index.ts';
import type { Freeze } from '../../windows/types.ts';
import { calendarNow } from './calendars.ts';
import { type Forecast, forecast } from './forecast.ts';
import { plan } from './plan.ts';
import { regionsOf } from './queries.ts';
import type { Duration, PlanInput, Rollout } from './types.ts';

/** Two versions run side by side over something in which nobody goes on. */
export type Straddled =
  | { over: 'weekend'; region: string; from: number; until: number }
  | { over: 'freeze'; region: string; from: number; until: number; freeze: Freeze };

/** What the wait for a later region or window goes over, once a node was begun; null when it goes over nothing. */
export function straddled(rollout: Rollout, { regions }: Forecast): Straddled | null {
  let from: number | null = null;
  for (const { region, begin, end, goesOn } of regions) {
    for (const until of [begin, ...goesOn]) {
      const found = from === null ? null : waitsOver(rollout, region, from, until);
      if (found !== null) return found;
      from = until;
    }
    from = end;
  }
  return null;
}

function waitsOver(rollout: Rollout, region: string, from: number, until: number): Straddled | null {
  const calendar = calendarNow(rollout, region);
  if (calendar === null) return null;
  // Only one that takes a window away keeps anybody waiting.
  const open = openingsUntil({ ...calendar, freezes: [] }, from, Math.min(until, from + longest));
  const freeze = calendar.freezes.find((each) => open.some((span) => each.start < span.end && each.end > span.start));
  if (freeze !== undefined && freeze.start < until && freeze.end > from) {
    return { over: 'freeze', region, from, until, freeze };
  }
  return spansWeekend(from, until, calendar.zone) ? { over: 'weekend', region, from, until } : null;
}

/** How far ahead a better start is looked for, and how many are tried. */
const ahead = 14 * day;
const tries = 8;
const longest = 300 * day;

/** The first start (epoch ms) after the planned one from which the whole goes over neither; null when there is none near. */
export function betterStart(input: PlanInput, of: keyof Duration, already: readonly string[] = []): number | null {
  const from = Math.max(input.now, input.startAt ?? 0);
  const planned = plan(input);
  const openings = regionsOf(planned).flatMap((region) => {
    const calendar = calendarNow(planned, region);
    return calendar === null ? [] : openingsUntil(calendar, from, from + ahead).map(({ start }) => start);
  });
  const later = [...new Set(openings)].filter((start) => start > from).sort((a, b) => a - b);
  return later.slice(0, tries).find((startAt) => goesThrough({ ...input, startAt }, of, already)) ?? null;
}

function goesThrough(input: PlanInput, of: keyof Duration, already: readonly string[]): boolean {
  try {
    const rollout = plan(input);
    const foreseen = forecast(rollout, of, already);
    return foreseen.end !== null && straddled(rollout, foreseen) === null;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}
