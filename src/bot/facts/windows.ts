import type { DeclaredFreeze } from '../../upgrade/ledger/types.ts';
import { frozenBy, nextOpening, openInterval } from '../../windows/index.ts';
import type { Calendar, Freeze } from '../../windows/types.ts';
import { iso } from './instants.ts';

const frozenFacts = ({ author, reason, end }: Freeze) => ({ by: author, reason, until: iso(end) });

/** What somebody declared with `freeze`; `regions` is null for the whole fleet. */
export function freezeFacts(freeze: DeclaredFreeze) {
  const { id, regions, start, declaredAt } = freeze;
  return { id, regions, ...frozenFacts(freeze), from: iso(start), declaredAt: iso(declaredAt) };
}

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
    frozen: frozen === null ? null : { ...frozenFacts(frozen), id: frozen.id ?? null },
    opensAt: next.is === 'opens' ? iso(next.interval.start) : null,
  };
}
