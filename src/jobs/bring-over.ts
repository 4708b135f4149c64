import type { Redis } from 'ioredis';
import { keysOf, prefixOf } from './keys.ts';
import type { Log } from './log.ts';

/** How 0.1.0 named its keys: all fleets of a Redis together. */
const formerPrefix = '{zw}';
const former = (...parts: string[]): string => [formerPrefix, ...parts].join(':');

/**
 * KEYS: rollouts, holder, epoch, open, changed as they were; rollouts, holder, epoch, open, unpainted as they are.
 * ARGV: the prefix before, the prefix now. Answers the id that had to be left, or '', then those that were moved.
 */
const script = `
  local epoch, newer = redis.call('GET', KEYS[3]), redis.call('GET', KEYS[8])
  if epoch then
    if not newer or tonumber(newer) < tonumber(epoch) then redis.call('SET', KEYS[8], epoch) end
    redis.call('DEL', KEYS[3])
  end
  local held, holder = redis.call('GET', KEYS[2]), redis.call('GET', KEYS[7])
  local left = held and holder and held ~= holder and held or ''
  local answer = {left}
  local ids = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
  for i = 1, #ids, 2 do
    local id = ids[i]
    if id ~= left and redis.call('EXISTS', ARGV[2] .. ':rollout:' .. id) == 0 then
      for _, kind in ipairs({':rollout:', ':journal:', ':posted:'}) do
        local from = ARGV[1] .. kind .. id
        if redis.call('EXISTS', from) == 1 then redis.call('RENAME', from, ARGV[2] .. kind .. id) end
      end
      redis.call('ZADD', KEYS[6], ids[i + 1], id)
      redis.call('ZREM', KEYS[1], id)
      redis.call('ZREM', KEYS[5], id)
      local open = redis.call('SREM', KEYS[4], id) == 1
      if open then redis.call('SADD', KEYS[9], id) end
      local revision = redis.call('HGET', ARGV[2] .. ':rollout:' .. id, 'revision')
      if revision and (open or i == #ids - 1) then redis.call('ZADD', KEYS[10], revision, id) end
      answer[#answer + 1] = id
    end
  end
  if held and left == '' then redis.call('RENAME', KEYS[2], KEYS[7]) end
  return answer
`;

/**
 * Moves what 0.1.0 stored about `fleet` to where it belongs now: once, all or nothing. Cheap when there is nothing.
 * A program of 0.1.0 that still runs meanwhile no longer finds its rollout and changes nothing.
 */
export async function bringOver(redis: Redis, fleet: string, log: Pick<Log, 'info' | 'error'>): Promise<void> {
  const was = ['fleet', 'holder', 'epoch'].map((name) => former(name, fleet));
  const { rollouts, holder, epoch, open, unpainted } = keysOf(fleet);
  const keys = [...was, former('open'), former('changed'), rollouts, holder, epoch, open, unpainted];
  const answer: unknown = await redis.eval(script, keys.length, ...keys, formerPrefix, prefixOf(fleet));
  const [left, ...moved] = Array.isArray(answer) ? answer.map(String) : [];
  if (moved.length > 0) log.info({ fleet, rollouts: moved }, 'brought over what the version before stored');
  if (left) log.error({ fleet, rollout: left }, 'a program of the version before holds the fleet with another rollout');
}
