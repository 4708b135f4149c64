import { startOf } from '../src/upgrade/rollout/index.ts';
import type { Rollout } from '../src/upgrade/rollout/types.ts';
import { nextOpening } from '../src/windows/index.ts';
import type { Calendar } from '../src/windows/types.ts';

/** Where a clock that jumps forward has to stop: nothing may be leapt over that somebody wants to see. */
export interface Stop {
  /** Epoch ms. */
  at: number;
  what: string;
}

/** The next opening of any window, or when what is scheduled begins, whichever comes first; null when there is neither. */
export function nextStop(calendars: readonly Calendar[], open: Rollout | null, now: number): Stop | null {
  const openings = calendars
    .map((calendar) => nextOpening(calendar, now))
    .flatMap((opening) => (opening.is === 'opens' ? [{ at: opening.interval.start, what: 'the next window' }] : []));
  const begins = open === null || open.startedAt !== null ? null : startOf(open);
  const scheduled = begins === null || begins <= now ? [] : [{ at: begins, what: 'the time that is scheduled' }];
  const [first] = [...scheduled, ...openings].toSorted((a, b) => a.at - b.at);
  return first ?? null;
}
