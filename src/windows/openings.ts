import { day as dayMs } from '../base/duration.ts';
import { horizonDays, horizons } from './horizon.ts';
import { dayAt, daysAfter } from './local.ts';
import { whyNever } from './never.ts';
import { joinedSpans, spanAt, spans } from './spans.ts';
import type { Calendar, Freeze, Interval, Opening } from './types.ts';

/**
 * Windows that touch are one. What is closed at all is closed once a week, and a clock change can swallow that once:
 * a chain longer than two weeks counts as never closing, and so does one longer than the other horizon where weeks are
 * named (what closes more seldom, like a 1st Tuesday that follows a 5th Monday, is seen when it is nearer than that).
 * One day more since days begin at midnight, and one because a date may be skipped.
 */
const beyondDays = 2;

/** A window of two dates ago may still be open: the date in between is skipped, or the clock went back over midnight. */
const carryDays = 2;

const longestSpanDays = 400;

/**
 * The open window that contains `now` (epoch ms), half-open: at its end it is closed. Touching windows count as one,
 * and a freeze ends it; so the interval says how long work may go on. One that never closes is cut, two weeks before and
 * after `now` at the nearest, 30 where windows name weeks. Null when closed or frozen.
 * @throws RangeError for an unknown zone
 */
export function openInterval(calendar: Calendar, now: number): Interval | null {
  if (frozenBy(calendar, now) !== null || !insideWindow(calendar, now)) return null;
  return wholeSpan(calendar, now);
}

/**
 * The first opening that starts after `after` (epoch ms) and not later than the same time on the wall 14 local days
 * on, 210 where windows name weeks; freezes removed. Else says why there is none.
 * @throws RangeError for an unknown zone
 */
export function nextOpening(calendar: Calendar, after: number): Opening {
  for (const days of horizons(calendar)) {
    const next = firstWithin(calendar, after, days);
    if (next !== undefined) return { is: 'opens', interval: wholeSpan(calendar, next.start) ?? next };
  }
  const latest = daysAfter(after, horizonDays(calendar), calendar.zone);
  return { is: 'never', reason: whyNever(calendar, { start: after, end: latest }, openInterval(calendar, after)) };
}

/**
 * `from` (epoch ms) where it is open then, else the start of the next opening; null when there is none.
 * @throws RangeError for an unknown zone
 */
export function opensFrom(calendar: Calendar, from: number): number | null {
  if (openInterval(calendar, from) !== null) return from;
  const opening = nextOpening(calendar, from);
  return opening.is === 'opens' ? opening.interval.start : null;
}

/**
 * Whether what is open at `now` (epoch ms) stays open beyond everything that is looked for: its end is a cut then.
 * @throws RangeError for an unknown zone
 */
export function neverCloses(calendar: Calendar, now: number): boolean {
  const open = openInterval(calendar, now);
  return open !== null && open.end > daysAfter(now, horizonDays(calendar), calendar.zone);
}

/**
 * Every opening that has a part in `[from, until)` (epoch ms), in order and whole, also where it begins before `from`
 * or ends after `until`; freezes removed. One that never closes is cut, two weeks outside of the span at the nearest.
 * @throws RangeError for a span of more than 400 days, or an unknown zone
 */
export function openingsUntil(calendar: Calendar, from: number, until: number): Interval[] {
  if (until <= from) return [];
  if (!(until - from <= longestSpanDays * dayMs)) {
    throw new RangeError(`openings are told for at most ${longestSpanDays} days at once`);
  }
  return wholeSpans(calendar, from, until, horizonDays(calendar)).filter(
    ({ start, end }) => start < until && end > from,
  );
}

/** The freeze that forbids beginning work at `now` (epoch ms); of several, the one that lasts longest. */
export function frozenBy(calendar: Calendar, now: number): Freeze | null {
  const active = calendar.freezes.filter((freeze) => contains(freeze, now));
  return active.toSorted((a, b) => b.end - a.end)[0] ?? null;
}

/** Whether work that needs `neededMs` and begins at `now` (epoch ms) ends before the interval does. */
export function fits(interval: Interval, now: number, neededMs: number): boolean {
  return contains(interval, now) && now + neededMs <= interval.end;
}

/**
 * The last instant (epoch ms) at which work that needs `neededMs` still fits; null when it never does. Work that takes
 * no time cannot begin at the end either: the interval is half-open.
 */
export function latestStart(interval: Interval, neededMs: number): number | null {
  const latest = Math.min(Math.floor(interval.end - neededMs), interval.end - 1);
  return fits(interval, latest, neededMs) ? latest : null;
}

function insideWindow(calendar: Calendar, now: number): boolean {
  const today = dayAt(now, calendar.zone);
  return spanAt(joinedSpans(calendar, today - carryDays, 2 * carryDays), now) !== undefined;
}

function firstWithin(calendar: Calendar, after: number, days: number): Interval | undefined {
  const latest = daysAfter(after, days, calendar.zone);
  const near = spans(calendar, dayAt(after, calendar.zone) - carryDays, days + 2 * carryDays);
  return near.find(({ start }) => start > after && start <= latest);
}

function wholeSpan(calendar: Calendar, now: number): Interval | null {
  for (const days of horizons(calendar)) {
    const found = spanAt(wholeSpans(calendar, now, now, days), now);
    if (found === undefined || days === horizonDays(calendar)) return found ?? null;
    if (found.start > daysAfter(now, -days, calendar.zone) && found.end < daysAfter(now, days, calendar.zone))
      return found;
  }
  return null;
}

/** What is open from `from` to `until` (epoch ms), and `days` on both sides to know where each opening begins and ends. */
function wholeSpans(calendar: Calendar, from: number, until: number, days: number): readonly Interval[] {
  const { zone } = calendar;
  const firstDay = dayAt(from, zone) - days - beyondDays;
  return spans(calendar, firstDay, dayAt(until, zone) - firstDay + days + beyondDays + 1);
}

function contains(interval: Interval, at: number): boolean {
  return interval.start <= at && at < interval.end;
}
