import { instantOf, isSkipped, weekdayOf, weeksOf } from './local.ts';
import type { Calendar, Freeze, Interval, Window } from './types.ts';

/**
 * When work may begin, for windows that start on one of `count` local days from `firstDay`: sorted by start, overlapping
 * and touching windows joined, freezes cut out.
 */
export function spans(calendar: Calendar, firstDay: number, count: number): readonly Interval[] {
  return without(joinedSpans(calendar, firstDay, count), calendar.freezes);
}

/** The one of `spans` that contains `at` (epoch ms). */
export function spanAt(sorted: readonly Interval[], at: number): Interval | undefined {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle]?.start ?? 0) <= at) from = middle + 1;
    else to = middle;
  }
  const last = sorted[from - 1];
  return last !== undefined && at < last.end ? last : undefined;
}

/** What windows mean on some days. */
interface Spans {
  /** Each window by itself, in no order. */
  each: readonly Interval[];
  joined: readonly Interval[];
}

/**
 * The same windows are asked about again and again, by every rule of every node; what they mean on a day never changes.
 * A rollout that is read anew has windows that are equal and not the same.
 */
const known = new WeakMap<Window[], Map<string, Spans>>();
const knownEqual = new Map<string, Map<string, Spans>>();
const knownLimit = 200;

function knownOf(windows: Window[]): Map<string, Spans> {
  const same = known.get(windows);
  if (same !== undefined) return same;
  const name = JSON.stringify(windows);
  const of = knownEqual.get(name) ?? new Map<string, Spans>();
  if (knownEqual.size >= knownLimit) knownEqual.clear();
  knownEqual.set(name, of);
  known.set(windows, of);
  return of;
}

function spansOf({ windows, zone }: Calendar, firstDay: number, count: number): Spans {
  const of = knownOf(windows);
  const key = [zone, firstDay, count].join(' ');
  const cached = of.get(key);
  if (cached !== undefined) return cached;
  const days = Array.from({ length: count }, (_, index) => firstDay + index);
  const each = days.flatMap((day) => windows.flatMap((window) => spanOn(window, day, zone)));
  const found = { each, joined: join(each) };
  if (of.size >= knownLimit) of.clear();
  of.set(key, found);
  return found;
}

/** Each window by itself, freezes ignored, in no order. */
export const windowSpans = (calendar: Calendar, firstDay: number, count: number): readonly Interval[] =>
  spansOf(calendar, firstDay, count).each;

/** As `spans`, freezes ignored. */
export const joinedSpans = (calendar: Calendar, firstDay: number, count: number): readonly Interval[] =>
  spansOf(calendar, firstDay, count).joined;

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

/** What many share is nobody's to change. */
function join(intervals: readonly Interval[]): readonly Interval[] {
  const joined: Interval[] = [];
  for (const next of intervals.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last !== undefined && next.start <= last.end) last.end = Math.max(last.end, next.end);
    else joined.push({ ...next });
  }
  return joined.map((each) => Object.freeze(each));
}

function without(intervals: readonly Interval[], freezes: Freeze[]): readonly Interval[] {
  return freezes.reduce((left, freeze) => left.flatMap((interval) => cut(interval, freeze)), intervals);
}

function cut(interval: Interval, freeze: Freeze): Interval[] {
  if (freeze.end <= freeze.start || freeze.end <= interval.start || freeze.start >= interval.end) return [interval];
  const before = { start: interval.start, end: freeze.start };
  const after = { start: freeze.end, end: interval.end };
  return [before, after].filter((piece) => piece.start < piece.end);
}
