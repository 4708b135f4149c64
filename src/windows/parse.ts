import { Temporal } from 'temporal-polyfill';
import { dayAt, dayOf, daySpan, instantOf, type Reading } from './local.ts';
import type { Interval } from './types.ts';

const clock = /^\d{2}:\d{2}$/;
const local = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)$/;
const date = /^\d{4}-\d{2}-\d{2}$/;
const instant = /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/i;

/**
 * Reads what a person writes after `--at`, as epoch ms: an ISO 8601 instant, a local date and time, or a local time,
 * which means the next one after `now`. Local times are those of `zone`; `reading` says what a local date and time means
 * where a clock change skips or repeats it.
 * @throws RangeError saying what is accepted, or naming an unknown zone.
 */
export function parseLocalTime(text: string, zone: string, now: number, reading: Reading = 'compatible'): number {
  const written = text.trim();
  const today = dayAt(now, zone);
  try {
    if (clock.test(written)) return nextTime(written, zone, today, now);
    if (instant.test(written)) return Temporal.Instant.from(written.toUpperCase()).epochMilliseconds;
    const [, day, time] = local.exec(written) ?? [];
    if (day !== undefined && time !== undefined) return instantOf(dateOf(day), time, zone, reading);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // A date or time that no calendar has, like 2026-02-30 or 25:00.
  }
  throw new RangeError(
    `"${written}" is not a time: write 02:00, 2026-11-24 02:00 (both in ${zone}) or 2026-11-24T07:00:00Z`,
  );
}

/**
 * Reads a date like 2026-12-20 as that local day, from its first instant to the first of the next day; undefined for
 * what is not written like a date.
 * @throws RangeError for a date that no calendar has, or an unknown zone.
 */
export function parseLocalDate(text: string, zone: string): Interval | undefined {
  return date.test(text) ? daySpan(dateOf(text), zone) : undefined;
}

function dateOf(written: string): number {
  return dayOf(Temporal.PlainDate.from(written));
}

/** Of a time that happens twice, the second one may be next. */
function nextTime(time: string, zone: string, today: number, now: number): number {
  const days = [today, today + 1, today + 2];
  const times = days.flatMap((day) => [instantOf(day, time, zone), instantOf(day, time, zone, 'later')]);
  return Math.min(...times.filter((candidate) => candidate > now));
}
