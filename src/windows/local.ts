import { Temporal } from 'temporal-polyfill';
import { type Weekday, weekdays } from './types.ts';

/** Converting local time costs about 30 µs and the same few dates are asked for again and again. */
const known = new Map<string, number>();
const knownLimit = 5_000;

const firstDay = Temporal.PlainDate.from('1970-01-01');
const thursday = 3;
const dayMs = 86_400_000;

/** The local date at `at` (epoch ms), as days since 1970-01-01. @throws RangeError for an unknown zone. */
export function dayAt(at: number, zone: string): number {
  return dayOf(localTime(at, zone));
}

export function dayOf({ year, month, day }: { year: number; month: number; day: number }): number {
  return Date.UTC(year, month - 1, day) / dayMs;
}

export function weekdayOf(day: number): Weekday | undefined {
  return weekdays.at((day + thursday) % weekdays.length);
}

/**
 * The instant (epoch ms) of a wall-clock time on a local day. A time that a clock change skips moves later by the gap;
 * of a time that happens twice, the first one counts ('compatible' disambiguation).
 * @throws RangeError for an unknown zone or time.
 */
export function instantOf(day: number, time: string, zone: string): number {
  const key = `${day} ${time} ${zone}`;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  const zoned = firstDay.add({ days: day }).toZonedDateTime({ timeZone: zone, plainTime: time });
  if (known.size >= knownLimit) known.clear();
  known.set(key, zoned.epochMilliseconds);
  return zoned.epochMilliseconds;
}

/** What the clock on the wall shows at `at` (epoch ms). @throws RangeError for an unknown zone. */
export function localTime(at: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
}
