import { nextWorkingDay } from '../../windows/index.ts';
import { silentAfterwardsAt } from './afterwards.ts';
import { overridden } from './calendars.ts';
import { postMortemAt } from './post-mortem.ts';
import { isOpen, regionsOf } from './queries.ts';
import type { Rollout } from './types.ts';

/**
 * When people are asked what came of a night on which the glass was broken: in the morning of the next working day after its
 * end, in the first region's zone (epoch ms). null while it is open, and where nothing was begun while a window was overridden:
 * what waited for its approvals until that was over began in its window.
 */
export function followUpAt(rollout: Rollout): number | null {
  const { startedAt, status, calendars } = rollout;
  const zone = calendars[regionsOf(rollout)[0] ?? '']?.zone;
  if (isOpen(rollout) || !('at' in status) || startedAt === null || zone === undefined) return null;
  if (!overridden(rollout, startedAt)) return null;
  return nextWorkingDay(status.at, zone);
}

/** The next time at which people are asked or told something of a rollout that is over; null when there is none after `now` (epoch ms). */
export function nextAsk(rollout: Rollout, now: number): number | null {
  const all = [followUpAt(rollout), postMortemAt(rollout), ...silentAfterwardsAt(rollout)];
  const ahead = all.flatMap((at) => (at !== null && at > now ? [at] : []));
  return ahead.length === 0 ? null : Math.min(...ahead);
}
