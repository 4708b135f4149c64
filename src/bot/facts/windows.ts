import { frozenBy, nextOpening, openInterval } from '../../windows/index.ts';
import type { Calendar } from '../../windows/types.ts';
import { iso } from './instants.ts';

/** When a region may be worked on. `until` ends what `is` now; null: it is not known, or has no end. */
export function windowFacts(region: string, calendar: Calendar, now: number) {
  const open = openInterval(calendar, now);
  const frozen = frozenBy(calendar, now);
  const next = nextOpening(calendar, now);
  return {
    region,
    zone: calendar.zone,
    windows: calendar.windows.map(({ days, from, to, weeks }) => ({ days, from, to, weeks: weeks ?? null })),
    is: frozen !== null ? 'frozen' : open !== null ? 'open' : 'closed',
    openUntil: iso(open?.end ?? null),
    frozen: frozen === null ? null : { by: frozen.author, reason: frozen.reason, until: iso(frozen.end) },
    opensAt: next.is === 'opens' ? iso(next.interval.start) : null,
  };
}
