import { Temporal } from 'temporal-polyfill';
import { dayAt, dayOf, instantOf } from './local.ts';

const clock = /^\d{2}:\d{2}$/;
const local = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}(?::\d{2})?)$/;
const instant = /^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:?\d{2})$/i;

/**
 * Reads what a person writes after `--at`, as epoch ms: an ISO 8601 instant, a local date and time, or a local time,
 * which means the next one after `now`. Local times are those of `zone`.
 * @throws RangeError saying what is accepted, or naming an unknown zone.
 */
export function parseLocalTime(text: string, zone: string, now: number): number {
  const written = text.trim();
  const today = dayAt(now, zone);
  try {
    if (clock.test(written)) return nextTime(written, zone, today, now);
    if (instant.test(written)) return Temporal.Instant.from(written.toUpperCase()).epochMilliseconds;
    const [, date, time] = local.exec(written) ?? [];
    if (date !== undefined && time !== undefined) return instantOf(dayOf(Temporal.PlainDate.from(date)), time, zone);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // A date or time that no calendar has, like 2026-02-30 or 25:00.
  }
  throw new RangeError(
    `"${written}" is not a time: write 02:00, 2026-11-24 02:00 (both in ${zone}) or 2026-11-24T07:00:00Z`,
  );
}

function nextTime(time: string, zone: string, today: number, now: number): number {
  const candidate = instantOf(today, time, zone);
  return candidate > now ? candidate : instantOf(today + 1, time, zone);
}
