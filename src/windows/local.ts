import { Temporal } from 'temporal-polyfill';
import { type Weekday, weekdays } from './types.ts';

/** Converting local time costs about 30 µs and the same few dates are asked for again and again. */
const known = new Map<string, number>();
const knownLimit = 5_000;

/**
 * The instant (epoch ms) of a wall-clock time. A time that a clock change skips moves later by the gap;
 * of a time that happens twice, the first one counts ('compatible' disambiguation).
 * @throws RangeError for an unknown zone or a date that does not exist.
 */
export function instantOf(date: Temporal.PlainDate, time: string, zone: string): number {
  const key = `${date.toString()} ${time} ${zone}`;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  const zoned = date.toZonedDateTime({ timeZone: zone, plainTime: Temporal.PlainTime.from(time) });
  if (known.size >= knownLimit) known.clear();
  known.set(key, zoned.epochMilliseconds);
  return zoned.epochMilliseconds;
}

/** What the clock on the wall shows at `at` (epoch ms). @throws RangeError for an unknown zone. */
export function localTime(at: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
}

export function weekdayOf(date: Temporal.PlainDate): Weekday | undefined {
  return weekdays[date.dayOfWeek - 1];
}
