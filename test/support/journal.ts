import type { Line } from '../../src/upgrade/report/index.ts';
import { format } from '../../src/upgrade/rollout/index.ts';
import type { Event, Rollout } from '../../src/upgrade/rollout/types.ts';

/** A journal of what was planned and what came of it, without signatures that anybody could check. */
export function journalOf(planned: Rollout, events: readonly Event[]): Line[] {
  const created = { type: 'created', at: planned.createdAt, by: planned.requester, format, rollout: planned } as const;
  return [created, ...events].map((event, index) => ({
    at: event.at,
    revision: planned.revision + index,
    event,
    hash: `${index}`.padStart(64, '0'),
    key: event.type === 'begun' || event.type === 'reported' || event.type === 'watched' ? 'worker' : 'bot',
  }));
}
