import { describeLocal, describeWindow } from './describe.ts';
import { dayAt } from './local.ts';
import { spans, windowSpans } from './spans.ts';
import type { Calendar, Freeze, Interval } from './types.ts';

/** Windows that touch are one. A chain longer than this is open always, so looking further tells nothing new. */
const chainDays = 8;
const horizonDays = 14;
const dayMs = 86_400_000;

export type Opening = { is: 'opens'; interval: Interval } | { is: 'never'; reason: string };

/**
 * The open window that contains `now` (epoch ms), half-open: at its end it is closed. Touching windows count as one,
 * and a freeze ends it; so the interval says how long work may go on. Null when closed or frozen.
 */
export function openInterval(calendar: Calendar, now: number): Interval | null {
  if (frozenBy(calendar, now) !== null || !insideWindow(calendar, now)) return null;
  const firstDay = dayAt(now, calendar.zone) - chainDays;
  return spans(calendar, firstDay, 2 * chainDays + 1).find((span) => contains(span, now)) ?? null;
}

/** The first opening that starts after `after` (epoch ms), within 14 days; freezes removed. Else says why there is none. */
export function nextOpening(calendar: Calendar, after: number): Opening {
  if (calendar.windows.length === 0) return { is: 'never', reason: 'no maintenance window is configured' };
  const firstDay = dayAt(after, calendar.zone) - chainDays;
  const next = spans(calendar, firstDay, chainDays + horizonDays + 2).find((span) => span.start > after);
  const interval = next === undefined ? null : openInterval(calendar, next.start);
  if (interval === null || interval.start > after + horizonDays * dayMs) return never(calendar, after);
  return { is: 'opens', interval };
}

/** The freeze that forbids beginning work at `now` (epoch ms); of several, the one that lasts longest. */
export function frozenBy(calendar: Calendar, now: number): Freeze | null {
  const active = calendar.freezes.filter((freeze) => contains(freeze, now));
  return active.toSorted((a, b) => b.end - a.end)[0] ?? null;
}

/** Whether work that needs `neededMs` and begins at `now` (epoch ms) ends before the interval does. */
export function fits(interval: Interval, now: number, neededMs: number): boolean {
  return contains(interval, now) && now + neededMs <= interval.end;
}

function insideWindow(calendar: Calendar, now: number): boolean {
  const yesterday = dayAt(now, calendar.zone) - 1;
  return windowSpans(calendar, yesterday, 2).some((span) => contains(span, now));
}

function contains(interval: Interval, at: number): boolean {
  return interval.start <= at && at < interval.end;
}

function never(calendar: Calendar, after: number): Opening {
  const written = calendar.windows.map(describeWindow).join(', ');
  const open = openInterval(calendar, after);
  if (open !== null && open.end > after + (chainDays - 1) * dayMs) {
    return { is: 'never', reason: `the window (${written}) is open all the time, so no other one opens` };
  }
  const none = `no window (${written}, ${calendar.zone}) opens within ${horizonDays} days`;
  const end = after + horizonDays * dayMs;
  const longest = calendar.freezes
    .filter((freeze) => freeze.end > after && freeze.start < end)
    .toSorted((a, b) => b.end - a.end)[0];
  if (longest === undefined) return { is: 'never', reason: none };
  const until = describeLocal(longest.end, calendar.zone);
  return { is: 'never', reason: `${none}: frozen until ${until} by ${longest.author} (${longest.reason})` };
}
