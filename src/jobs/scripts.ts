/** Lua run inside Redis, so that a check and what follows from it cannot be torn apart. */

/** KEYS: rollout, holder, open, rollouts, journal, unpainted. ARGV: id, open, body, revision, hash, entry, … */
const write = `
  if ARGV[2] == '1' then
    redis.call('SET', KEYS[2], ARGV[1])
    redis.call('SADD', KEYS[3], ARGV[1])
  else
    if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
    redis.call('SREM', KEYS[3], ARGV[1])
  end
  redis.call('HSET', KEYS[1], 'body', ARGV[3], 'revision', ARGV[4], 'hash', ARGV[5])
  redis.call('RPUSH', KEYS[5], ARGV[6])
  redis.call('ZADD', KEYS[6], ARGV[4], ARGV[1])
`;

const refuseHeld = `
  local holder = redis.call('GET', KEYS[2])
  if ARGV[2] == '1' and holder and holder ~= ARGV[1] then return {'held', holder} end
`;

/** ARGV[7]: created at. */
export const createScript = `
  if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists', ''} end
  ${refuseHeld}
  redis.call('ZADD', KEYS[4], ARGV[7], ARGV[1])
  ${write}
  return {'saved', ''}
`;

/** ARGV[7]: the revision that must still be stored. */
export const saveScript = `
  if redis.call('HGET', KEYS[1], 'revision') ~= ARGV[7] then return {'conflict', ''} end
  ${refuseHeld}
  ${write}
  return {'saved', ''}
`;

/** KEYS: ledger, its journal. ARGV: body, revision, hash, entry, the revision that must still be stored. */
export const ledgerScript = `
  if (redis.call('HGET', KEYS[1], 'revision') or '0') ~= ARGV[5] then return 0 end
  redis.call('HSET', KEYS[1], 'body', ARGV[1], 'revision', ARGV[2], 'hash', ARGV[3])
  redis.call('RPUSH', KEYS[2], ARGV[4])
  return 1
`;

/** KEYS: unpainted. ARGV: id, the revision that was painted. */
export const paintedScript = `
  local newest = redis.call('ZSCORE', KEYS[1], ARGV[1])
  if newest and tonumber(newest) <= tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
`;

/** KEYS: epoch. ARGV: now. */
export const epochScript = `
  local last = tonumber(redis.call('GET', KEYS[1]) or '0')
  local epoch = string.format('%.0f', math.max(last + 1, tonumber(ARGV[1])))
  redis.call('SET', KEYS[1], epoch)
  return epoch
`;
