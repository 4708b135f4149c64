import { dayAt, localTime } from './local.ts';
import { type Opening, type Week, type Weekday, type Window, weekdays, weeks } from './types.ts';

const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
/** As in `weeks`. */
export const weekNames = ['1st', '2nd', '3rd', '4th', '5th', 'last'] as const;
const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** From here on, a day and a month could be taken for those of another year. */
const yearFromDays = 300;
const weekDays = 7;

type Local = ReturnType<typeof localTime>;

/**
 * `at` (epoch ms) as people there say it, e.g. `Tue 24 Nov 02:00 (America/New_York)`; with the year when it is far from
 * `now` (epoch ms). @throws RangeError for an unknown zone.
 */
export function describeLocal(at: number, zone: string, now = at): string {
  const local = localTime(at, zone);
  return `${weekdayName(local)} ${dateWords(local, daysBetween(at, now, zone))} ${clockOf(local)} (${zone})`;
}

/**
 * What comes next, in words: `opens Wed 02:00 New York`, from a week on `opens Wed 9 Dec 02:00 New York`, else why
 * nothing opens. @throws RangeError for an unknown zone.
 */
export function describeOpening(opening: Opening, zone: string, now: number): string {
  if (opening.is === 'never') return opening.reason;
  const local = localTime(opening.interval.start, zone);
  const days = daysBetween(opening.interval.start, now, zone);
  const date = days < weekDays ? '' : ` ${dateWords(local, days)}`;
  return `opens ${weekdayName(local)}${date} ${clockOf(local)} ${describePlace(zone)}`;
}

/** The place that a zone is named after: `America/New_York` is New York. In `Etc/GMT+5` the sign is turned, so it stays. */
export function describePlace(zone: string): string {
  const [area, ...place] = zone.split('/');
  const name = place.at(-1);
  if (name === undefined || (area === 'Etc' && /\d/.test(name))) return zone;
  return name.replaceAll('_', ' ');
}

function weekdayName({ dayOfWeek }: Local): string | undefined {
  return dayNames[dayOfWeek - 1];
}

function dateWords({ day, month, year }: Local, daysAway: number): string {
  return `${day} ${monthNames[month - 1]}${daysAway < yearFromDays ? '' : ` ${year}`}`;
}

function clockOf(local: Local): string {
  return local.toPlainTime().toString({ smallestUnit: 'minute' });
}

function daysBetween(at: number, now: number, zone: string): number {
  return at === now ? 0 : Math.abs(dayAt(at, zone) - dayAt(now, zone));
}

/**
 * E.g. `Tue-Thu 02:00–06:00`, `Mon, Wed 22:00–02:00`, `daily 01:00–03:00`, `1st and last Tue 02:00–06:00`. The dash is
 * a long one: chat systems read `:00-06:` as an emoji.
 */
export function describeWindow({ weeks: named, days, from, to }: Window): string {
  const words = named === undefined ? describeDays(days) : `${describeWeeks(named)} ${describeDays(days, 'Mon-Sun')}`;
  return `${words} ${from}–${to}`;
}

function describeWeeks(named: Week[]): string {
  const names = weekNames.filter((_, index) => named.some((week) => week === weeks[index]));
  return names.length === 0 ? 'no week of' : new Intl.ListFormat('en-GB').format(names);
}

function describeDays(days: Weekday[], every = 'daily'): string {
  const runs: number[][] = [];
  weekdays.forEach((day, index) => {
    if (!days.includes(day)) return;
    const last = runs.at(-1);
    if (last?.at(-1) === index - 1) last.push(index);
    else runs.push([index]);
  });
  if (runs.length === 0) return 'no day';
  if (runs[0]?.length === weekdays.length) return every;
  return runs.map(describeRun).join(', ');
}

function describeRun(run: number[]): string {
  const names = run.map((index) => dayNames[index]);
  return names.length < 3 ? names.join(', ') : `${names[0]}-${names.at(-1)}`;
}
