import { describeLocal, describeWindow } from './describe.ts';
import { horizonDays } from './horizon.ts';
import { dayAt } from './local.ts';
import { windowSpans } from './spans.ts';
import type { Calendar, Freeze, Interval } from './types.ts';

/** Why nothing opens while `searched` lasts, for a person who can change it. `open` is what is open at its start. */
export function whyNever(calendar: Calendar, searched: Interval, open: Interval | null): string {
  if (calendar.windows.length === 0) return 'no maintenance window is configured';
  const written = calendar.windows.map(describeWindow).join(', ');
  if (open !== null && open.end > searched.end) {
    return `the window (${written}) is open all the time, so no other one opens`;
  }
  const none = `no ${open === null ? '' : 'other '}window (${written}, ${calendar.zone}) opens within ${horizonDays(calendar)} days`;
  const frozen = covering(calendar, searched).map(
    ({ end, author, reason }) => `until ${describeLocal(end, calendar.zone, searched.start)} by ${author} (${reason})`,
  );
  return frozen.length === 0 ? none : `${none}: frozen ${frozen.join(', then ')}`;
}

/** The freezes that take windows away, each of which ends later than those before it. */
function covering(calendar: Calendar, { start, end }: Interval): Freeze[] {
  const firstDay = dayAt(start, calendar.zone) - 1;
  const lost = windowSpans(calendar, firstDay, dayAt(end, calendar.zone) - firstDay + 1).filter(
    (span) => span.end > start && span.start <= end,
  );
  const found: Freeze[] = [];
  for (const freeze of calendar.freezes.toSorted((a, b) => a.start - b.start || b.end - a.end)) {
    const meets = lost.some((span) => freeze.start < span.end && Math.max(span.start, start) < freeze.end);
    if (meets && freeze.end > (found.at(-1)?.end ?? start)) found.push(freeze);
  }
  return found;
}
