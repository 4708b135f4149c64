import { nextOpening, openInterval } from '../../windows/index.ts';
import { noticeExpected } from './notice.ts';
import { regionsOf } from './queries.ts';
import type { Rollout } from './types.ts';

/**
 * When the first node was to be begun, from what was frozen at the plan; null when its region has no window. Whoever must still be
 * told counts as told at the plan, or at `now` (epoch ms) if that is later.
 */
export function startOf(rollout: Rollout, now = 0): number | null {
  const { startAt, createdAt, override, calendars } = rollout;
  const from = Math.max(startAt ?? createdAt, createdAt, noticeExpected(rollout, now));
  const calendar = calendars[regionsOf(rollout)[0] ?? ''];
  if (override !== null || calendar === undefined || openInterval(calendar, from) !== null) return from;
  const opening = nextOpening(calendar, from);
  return opening.is === 'opens' ? opening.interval.start : null;
}

/**
 * From when on the first approval is asked for (epoch ms): half of the time for which one holds before the start, so that a yes
 * is still one then. null: at once. Rollouts from before this was so must fold as they did.
 */
export function asksFrom(rollout: Rollout): number | null {
  const { startedAt, override, ahead, policy } = rollout;
  if (startedAt !== null || override !== null || ahead === undefined) return null;
  const start = startOf(rollout);
  return start === null ? null : start - policy.approvalExpires / 2;
}
