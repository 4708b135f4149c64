import { localTime } from './local.ts';
import { type Weekday, type Window, weekdays } from './types.ts';

const dayNames = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `at` (epoch ms) as people there say it, e.g. `Tue 24 Nov 02:00 (America/New_York)`. @throws RangeError for an unknown zone. */
export function describeLocal(at: number, zone: string): string {
  const local = localTime(at, zone);
  const clock = local.toPlainTime().toString({ smallestUnit: 'minute' });
  return `${dayNames[local.dayOfWeek - 1]} ${local.day} ${monthNames[local.month - 1]} ${clock} (${zone})`;
}

/**
 * E.g. `Tue-Thu 02:00–06:00`, `Mon, Wed 22:00–02:00`, `daily 01:00–03:00`. The dash is a long one:
 * chat systems read `:00-06:` as an emoji.
 */
export function describeWindow(window: Window): string {
  return `${describeDays(window.days)} ${window.from}–${window.to}`;
}

function describeDays(days: Weekday[]): string {
  const runs: number[][] = [];
  weekdays.forEach((day, index) => {
    if (!days.includes(day)) return;
    const last = runs.at(-1);
    if (last?.at(-1) === index - 1) last.push(index);
    else runs.push([index]);
  });
  if (runs[0]?.length === weekdays.length) return 'daily';
  return runs.map(describeRun).join(', ');
}

function describeRun(run: number[]): string {
  const names = run.map((index) => dayNames[index]);
  return names.length < 3 ? names.join(', ') : `${names[0]}-${names.at(-1)}`;
}
