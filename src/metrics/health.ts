import { inSeconds } from '../base/duration.ts';

export type RoleName = 'bot' | 'worker';

/** What a process knows of itself; instants are those of a clock that never jumps, in ms. */
export interface Vitals {
  /** What it is to be. */
  roles: readonly RoleName[];
  /** What of that has started. */
  started: ReadonlySet<RoleName>;
  /** When Redis answered last; null: never. */
  redisAt: number | null;
  slack: { isConnected: boolean; isAccepted: boolean };
  /** Fleets for which its worker takes no jobs. */
  worker: { wrongClock: ReadonlySet<string>; behind: ReadonlySet<string> };
}

/** Something without which it cannot do what it is there for. Fixed words: whoever may ask for it has no key. */
export interface Lack {
  what: 'redis' | RoleName;
  reason: string;
}

/** Redis that did not answer for longer (ms) is away. */
export const redisPatience = 10_000;

export function lacksOf({ roles, started, redisAt, slack, worker }: Vitals, now: number): Lack[] {
  const found: Lack[] = [];
  if (redisAt === null) found.push({ what: 'redis', reason: 'Redis has not answered yet' });
  else if (now - redisAt > redisPatience)
    found.push({ what: 'redis', reason: `Redis has not answered for ${inSeconds(Math.round(now - redisAt))}` });
  for (const role of roles) if (!started.has(role)) found.push({ what: role, reason: 'it has not started yet' });
  if (roles.includes('bot') && started.has('bot')) {
    if (!slack.isConnected) found.push({ what: 'bot', reason: 'Slack is not connected' });
    if (!slack.isAccepted) found.push({ what: 'bot', reason: 'Slack has not taken the token of the bot yet' });
  }
  if (roles.includes('worker')) {
    if (worker.wrongClock.size > 0)
      found.push({ what: 'worker', reason: 'its clock and that of Redis differ too much: it takes no jobs' });
    if (worker.behind.size > 0)
      found.push({ what: 'worker', reason: 'a newer version went on with a rollout: it takes no jobs' });
  }
  return found;
}
