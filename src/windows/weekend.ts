import { dayAt, instantOf, isSkipped, weekdayOf } from './local.ts';

/** Shorter than this (ms), and somebody who works at weekends works on both sides of it. */
const shortest = 48 * 3_600_000;

/** When people begin to work, on the wall. */
const morning = '09:00';

/** The morning (epoch ms) of the first day after that of `at` that is no Saturday or Sunday there. @throws RangeError for an unknown zone */
export function nextWorkingDay(at: number, zone: string): number {
  let day = dayAt(at, zone) + 1;
  while (isWeekend(day) || isSkipped(day, zone)) day++;
  return instantOf(day, morning, zone);
}

const isWeekend = (day: number): boolean => ['sat', 'sun'].includes(weekdayOf(day) ?? '');

/**
 * Whether somebody who waits from `from` to `until` (epoch ms) waits over a weekend there: for more than two days, with the
 * noon of a Saturday in them. @throws RangeError for an unknown zone
 */
export function spansWeekend(from: number, until: number, zone: string): boolean {
  if (until - from <= shortest) return false;
  const last = dayAt(until, zone);
  for (let day = dayAt(from, zone); day <= last; day++) {
    if (weekdayOf(day) !== 'sat') continue;
    const noon = instantOf(day, '12:00', zone);
    if (from < noon && noon < until) return true;
  }
  return false;
}
