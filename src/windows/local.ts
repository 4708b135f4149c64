import { Temporal } from 'temporal-polyfill';
import { day as dayMs, minute } from '../base/duration.ts';
import { type Interval, type Week, type Weekday, weekdays, weeks } from './types.ts';

/** Converting local time costs about 30 µs and the same few dates are asked for again and again. */
const known = new Map<string, number>();
const knownLimit = 5_000;

const firstDay = Temporal.PlainDate.from('1970-01-01');
const thursday = 3;

/** Which instant a wall-clock time means where a clock change skips or repeats it; named as Temporal does. */
export type Reading = 'compatible' | 'earlier' | 'later';

/** Its clock never changes, so it is counted and not looked up. */
const isUtc = (zone: string): boolean => zone === 'UTC' || zone === 'Etc/UTC';

/** Whatever else is refused, by Temporal. */
const isInstant = (at: number): boolean => Number.isInteger(at) && Math.abs(at) <= latestInstant;
const latestInstant = 8.64e15;
const clockTime = /^(?:[01]\d|2[0-3]):[0-5]\d$/;
const msOf = (time: string): number => (60 * Number(time.slice(0, 2)) + Number(time.slice(3))) * minute;

/** By zone and minute: since 1972 no zone changed its date within one. */
const knownDays = new Map<string, number>();
const wholeMinutesSince = Date.UTC(1972, 0, 1);

/** The local date at `at` (epoch ms), as days since 1970-01-01. @throws RangeError for an unknown zone. */
export function dayAt(at: number, zone: string): number {
  if (isUtc(zone) && isInstant(at)) return Math.floor(at / dayMs);
  if (at < wholeMinutesSince) return dayOf(localTime(at, zone));
  const key = `${Math.floor(at / minute)} ${zone}`;
  const cached = knownDays.get(key);
  if (cached !== undefined) return cached;
  const day = dayOf(localTime(at, zone));
  if (knownDays.size >= knownLimit) knownDays.clear();
  knownDays.set(key, day);
  return day;
}

export function dayOf({ year, month, day }: { year: number; month: number; day: number }): number {
  return Date.UTC(year, month - 1, day) / dayMs;
}

export function weekdayOf(day: number): Weekday | undefined {
  return weekdays.at((day + thursday) % weekdays.length);
}

/** Which weeks of its month a day belongs to, by its date: the 1st to the 7th are week 1, the last seven days `last`. */
export function weeksOf(day: number): Week[] {
  const { day: date, daysInMonth } = firstDay.add({ days: day });
  const nth = Math.ceil(date / weekdays.length);
  return weeks.filter((week) => week === nth || (week === 'last' && date > daysInMonth - weekdays.length));
}

/** A day that nobody there lived, like 30 December 2011 in Apia: its end is its start. */
export function isSkipped(day: number, zone: string): boolean {
  const { start, end } = daySpan(day, zone);
  return start === end;
}

/** From the first instant of a local day to that of the next, which is not always 24 hours later. */
export function daySpan(day: number, zone: string): Interval {
  return { start: instantOf(day, '00:00', zone), end: instantOf(day + 1, '00:00', zone) };
}

/**
 * The instant (epoch ms) of a wall-clock time on a local day. As `compatible` reads it, a time that a clock change
 * skips moves later by the gap, and of a time that happens twice the first one counts.
 * @throws RangeError for an unknown zone or time.
 */
export function instantOf(day: number, time: string, zone: string, reading: Reading = 'compatible'): number {
  if (isUtc(zone) && clockTime.test(time)) {
    const counted = day * dayMs + msOf(time);
    if (Number.isInteger(day) && isInstant(counted)) return counted;
  }
  const key = `${day} ${time} ${zone} ${reading}`;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  const local = firstDay.add({ days: day }).toPlainDateTime(time);
  const instant = local.toZonedDateTime(zone, { disambiguation: reading }).epochMilliseconds;
  if (known.size >= knownLimit) known.clear();
  known.set(key, instant);
  return instant;
}

/** The same time on the wall `days` local days after `at` (epoch ms): across a clock change, not `days` times 24 hours. */
export function daysAfter(at: number, days: number, zone: string): number {
  const counted = at + days * dayMs;
  if (isUtc(zone) && isInstant(at) && isInstant(counted)) return counted;
  return localTime(at, zone).add({ days }).epochMilliseconds;
}

/** What the clock on the wall shows at `at` (epoch ms). @throws RangeError for an unknown zone. */
export function localTime(at: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
}
