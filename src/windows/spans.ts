import { instantOf, isSkipped, weekdayOf, weeksOf } from './local.ts';
import type { Calendar, Freeze, Interval, Window } from './types.ts';

/**
 * When work may begin, for windows that start on one of `count` local days from `firstDay`: sorted by start, overlapping
 * and touching windows joined, freezes cut out.
 */
export function spans(calendar: Calendar, firstDay: number, count: number): Interval[] {
  return without(join(windowSpans(calendar, firstDay, count)), calendar.freezes);
}

/** The same windows are asked about again and again, by every rule of every node; what they mean on a day never changes. */
const known = new WeakMap<Window[], Map<string, Interval[]>>();
const knownLimit = 200;

/** Each window by itself, freezes ignored, in no order. */
export function windowSpans({ windows, zone }: Calendar, firstDay: number, count: number): readonly Interval[] {
  const of = known.get(windows) ?? new Map<string, Interval[]>();
  known.set(windows, of);
  const key = `${zone} ${firstDay} ${count}`;
  const cached = of.get(key);
  if (cached !== undefined) return cached;
  const days = Array.from({ length: count }, (_, index) => firstDay + index);
  const found = days.flatMap((day) => windows.flatMap((window) => spanOn(window, day, zone)));
  if (of.size >= knownLimit) of.clear();
  of.set(key, found);
  return found;
}

/** Empty on other days and in other weeks, on a day that is skipped, and when a clock change shrinks the window to nothing. */
function spanOn(window: Window, day: number, zone: string): Interval[] {
  if (!startsOn(window, day) || isSkipped(day, zone)) return [];
  const endDay = window.to <= window.from ? day + 1 : day;
  const span = { start: instantOf(day, window.from, zone), end: instantOf(endDay, window.to, zone) };
  return span.start < span.end ? [span] : [];
}

function startsOn({ days, weeks }: Window, day: number): boolean {
  const weekday = weekdayOf(day);
  if (weekday === undefined || !days.includes(weekday)) return false;
  return weeks === undefined || weeksOf(day).some((week) => weeks.includes(week));
}

function join(intervals: readonly Interval[]): Interval[] {
  const joined: Interval[] = [];
  for (const next of intervals.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && next.start <= last.end) last.end = Math.max(last.end, next.end);
    else joined.push({ ...next });
  }
  return joined;
}

function without(intervals: Interval[], freezes: Freeze[]): Interval[] {
  return freezes.reduce((left, freeze) => left.flatMap((interval) => cut(interval, freeze)), intervals);
}

function cut(interval: Interval, freeze: Freeze): Interval[] {
  if (freeze.end <= freeze.start || freeze.end <= interval.start || freeze.start >= interval.end) return [interval];
  const before = { start: interval.start, end: freeze.start };
  const after = { start: freeze.end, end: interval.end };
  return [before, after].filter((piece) => piece.start < piece.end);
}
