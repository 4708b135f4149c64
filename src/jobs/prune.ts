import type { Redis } from 'ioredis';
import { day } from '../base/duration.ts';
import { keysOf, prefixOf } from './keys.ts';

/**
 * Milliseconds for which a rollout is kept, counted from its creation: a year of history for whoever asks "who did that,
 * and when?", and a month more for the yearly look. Without an end Redis, which holds everything in memory, would only grow.
 */
export const retention = 400 * day;
/** Rollouts removed at once: a script holds up everybody else. */
const most = 20;

/** KEYS: rollouts, open, unpainted. ARGV: the prefix, created at the latest, how many. Answers the ids. */
const script = `
  local newest = redis.call('ZREVRANGE', KEYS[1], 0, 0)[1]
  local removed = {}
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[2])) do
    if #removed == tonumber(ARGV[3]) then break end
    if id ~= newest and redis.call('SISMEMBER', KEYS[2], id) == 0 then
      for _, kind in ipairs({':rollout:', ':journal:', ':posted:'}) do redis.call('DEL', ARGV[1] .. kind .. id) end
      redis.call('ZREM', KEYS[1], id)
      redis.call('ZREM', KEYS[3], id)
      removed[#removed + 1] = id
    end
  end
  return removed
`;

/**
 * Removes rollouts that are over and older than the retention, some at a time; never the newest, which can be rolled back.
 * @returns their ids
 */
export async function prune(redis: Redis, fleet: string, now: number): Promise<string[]> {
  const { rollouts, open, unpainted } = keysOf(fleet);
  const before = String(now - retention);
  const answer: unknown = await redis.eval(script, 3, rollouts, open, unpainted, prefixOf(fleet), before, String(most));
  return Array.isArray(answer) ? answer.map(String) : [];
}
