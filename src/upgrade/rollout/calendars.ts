import { frozenBy } from '../../windows/index.ts';
import type { Calendar, Freeze } from '../../windows/types.ts';
import type { Rollout } from './types.ts';

export const overridden = ({ override }: Rollout, now: number): boolean => override !== null && now < override.until;

/**
 * The freezes of a region: those that the plan copied, and those that were declared since, as the step `found` them right
 * before the stop, else (null) as the last look did. Those of the settings stay as they were copied; a declared one that
 * is found no more was lifted.
 */
export function freezesNow(rollout: Rollout, region: string, found: Freeze[] | null) {
  const copied = rollout.calendars[region]?.freezes ?? [];
  const now = found ?? rollout.looks[region]?.freezes;
  // A recovery waits for none, whoever declares one meanwhile.
  if (now === undefined || rollout.recovery !== undefined) return { known: copied, since: [] };
  return {
    known: copied.filter((freeze) => freeze.id === undefined || now.some((each) => same(each, freeze))),
    since: now.filter((freeze) => !copied.some((each) => same(each, freeze))),
  };
}

const same = (a: Freeze, b: Freeze): boolean =>
  a.id === b.id && a.start === b.start && a.end === b.end && a.reason === b.reason;

/** When a region may be worked on, as far as is known now; null: it is not of this rollout. */
export function calendarNow(rollout: Rollout, region: string, found: Freeze[] | null = null): Calendar | null {
  const calendar = rollout.calendars[region];
  if (!calendar) return null;
  const { known, since } = freezesNow(rollout, region, found);
  return { ...calendar, freezes: [...known, ...since] };
}

/** The freeze that forbids beginning work there; an override never outlives one that was declared after it. */
export function frozenNow(rollout: Rollout, region: string, now: number, found: Freeze[] | null): Freeze | null {
  const calendar = rollout.calendars[region];
  if (!calendar) return null;
  const { known, since } = freezesNow(rollout, region, found);
  return frozenBy({ ...calendar, freezes: overridden(rollout, now) ? since : [...known, ...since] }, now);
}
