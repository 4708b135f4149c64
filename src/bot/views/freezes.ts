import { standing } from '../../upgrade/ledger/index.ts';
import type { DeclaredFreeze, Ledger } from '../../upgrade/ledger/types.ts';
import type { Fleet } from '../../upgrade/rollout/types.ts';
import type { Freeze } from '../../windows/types.ts';
import { foreign, names, person, when } from './text.ts';

/** Every freeze that has not ended: those that were declared with their id, then those of the settings. */
export function freezeLines(fleet: Fleet, ledger: Ledger, now: number): string[] {
  const declared = standing(ledger, now).map((freeze) => `• ${freezeText(freeze, now)}`);
  const written = writtenIn(fleet, now).map(
    ([freeze, regions]) => `• in the settings: ${names(regions)} ${spanText(freeze, now)}`,
  );
  const lines = [...declared, ...written];
  const shown = lines.length > most ? [...lines.slice(0, most), `… and ${lines.length - most} more`] : lines;
  return lines.length === 0 ? [] : ['*Freezes*:', ...shown];
}

const most = 20;

/** `f-1: us-east until … by … (…)` */
export const freezeText = (freeze: DeclaredFreeze, now: number): string =>
  `${foreign(freeze.id, 40)}: ${whereText(freeze)} ${spanText(freeze, now)}`;

export const whereText = ({ regions }: DeclaredFreeze): string => (regions === null ? 'the fleet' : names(regions));

export function spanText({ start, end, author, reason: why }: Freeze, now: number): string {
  const from = start > now ? `from ${when(start)} ` : '';
  return `${from}until ${when(end)} by ${person(author, 80)} (${foreign(why)})`;
}

/** One of the whole fleet stands in each region's calendar. */
function writtenIn({ regions }: Fleet, now: number): [Freeze, string[]][] {
  const found = new Map<string, [Freeze, string[]]>();
  for (const { name, calendar } of regions) {
    for (const freeze of calendar.freezes.filter(({ end }) => end > now)) {
      const key = JSON.stringify([freeze.start, freeze.end, freeze.reason, freeze.author]);
      found.set(key, [freeze, [...(found.get(key)?.[1] ?? []), name]]);
    }
  }
  return [...found.values()].sort(([a], [b]) => a.end - b.end);
}
