import type { Temporal } from 'temporal-polyfill';
import { instantOf, weekdayOf } from './local.ts';
import type { Calendar, Freeze, Interval, Window } from './types.ts';

/**
 * When work may begin, for windows that start on one of `days` local days from `first`: sorted by start, overlapping
 * and touching windows joined, freezes cut out.
 */
export function spans(calendar: Calendar, first: Temporal.PlainDate, days: number): Interval[] {
  return without(join(windowSpans(calendar, first, days)), calendar.freezes);
}

/** Each window by itself, freezes ignored, in no order. */
export function windowSpans(calendar: Calendar, first: Temporal.PlainDate, days: number): Interval[] {
  const dates = Array.from({ length: days }, (_, index) => first.add({ days: index }));
  return dates.flatMap((date) => calendar.windows.flatMap((window) => spanOn(window, date, calendar.zone)));
}

/** Empty on other days, and when a clock change shrinks the window to nothing. */
function spanOn(window: Window, date: Temporal.PlainDate, zone: string): Interval[] {
  const weekday = weekdayOf(date);
  if (weekday === undefined || !window.days.includes(weekday)) return [];
  const endDate = window.to <= window.from ? date.add({ days: 1 }) : date;
  const span = { start: instantOf(date, window.from, zone), end: instantOf(endDate, window.to, zone) };
  return span.start < span.end ? [span] : [];
}

function join(intervals: Interval[]): Interval[] {
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
