import type { Rollout, Unattended } from './types.ts';

/** Milliseconds that it must last before somebody is told: a worker that was restarted in order is back by then. */
const patience: Record<Unattended['why'], number> = { 'no worker': 10_000, 'not taken up': 25_000, 'no report': 0 };

export const isTold = ({ why, ms }: Unattended): boolean => ms >= patience[why];

/** What people are told of. */
export function neglected({ unattended }: Rollout): Unattended[] {
  return unattended.filter(isTold);
}
