import { opensFrom } from '../../windows/index.ts';
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
  return override !== null || calendar === undefined ? from : opensFrom(calendar, from);
}
