import { isMeantBy } from '../../base/sibling.ts';
import type { Freeze } from '../../windows/types.ts';
import type { Fleet } from '../rollout/types.ts';
import { isStanding } from './fold.ts';
import type { DeclaredFreeze, Ledger } from './types.ts';

/** Freezes that hold something at `now` (epoch ms) or later, the first to end first. */
export function standing(ledger: Ledger, now: number): DeclaredFreeze[] {
  return ledger.freezes.filter((freeze) => isStanding(freeze, now)).toSorted((a, b) => a.end - b.end);
}

export const covers = ({ regions }: DeclaredFreeze, region: string): boolean =>
  regions?.some((word) => isMeantBy(region, word)) ?? true;

/** What of them counts in `region`, as its calendar has it. */
export function freezesOf(ledger: Ledger, region: string, now: number): Freeze[] {
  return standing(ledger, now)
    .filter((freeze) => covers(freeze, region))
    .map(({ id, start, end, reason, author }) => ({ id, start, end, reason, author }));
}

/** The fleet with the freezes of the ledger besides those of the settings. */
export function withFreezes(fleet: Fleet, ledger: Ledger, now: number): Fleet {
  const regions = fleet.regions.map((region) => {
    const { calendar, name } = region;
    const freezes = [...calendar.freezes, ...freezesOf(ledger, name, now)];
    return { ...region, calendar: { ...calendar, freezes } };
  });
  return { ...fleet, regions };
}
