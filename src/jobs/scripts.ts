/** Lua run inside Redis, so that a check and what follows from it cannot be torn apart. */

/**
 * KEYS: rollout, holder, open, rollouts, journal, unpainted. ARGV: id, open, body, revision, hash, entry, whether the
 * entry says all, created at, and revision and hash that must still be stored.
 */
const write = `
  if ARGV[2] == '1' then
    redis.call('SET', KEYS[2], ARGV[1])
    redis.call('SADD', KEYS[3], ARGV[1])
  else
    if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
    redis.call('SREM', KEYS[3], ARGV[1])
  end
  redis.call('HSET', KEYS[1], 'body', ARGV[3], 'revision', ARGV[4], 'hash', ARGV[5])
  local lines = redis.call('RPUSH', KEYS[5], ARGV[6])
  if ARGV[7] == '1' then redis.call('HSET', KEYS[1], 'whole', lines - 1) end
  redis.call('ZADD', KEYS[6], ARGV[4], ARGV[1])
`;

const refuseHeld = `
  local holder = redis.call('GET', KEYS[2])
  if ARGV[2] == '1' and holder and holder ~= ARGV[1] then return {'held', holder} end
`;

export const createScript = `
  if redis.call('EXISTS', KEYS[1]) == 1 then return {'exists', ''} end
  ${refuseHeld}
  redis.call('ZADD', KEYS[4], ARGV[8], ARGV[1])
  ${write}
  return {'saved', ''}
`;

export const saveScript = `
  if redis.call('HGET', KEYS[1], 'revision') ~= ARGV[9] then return {'conflict', ''} end
  if redis.call('HGET', KEYS[1], 'hash') ~= ARGV[10] then return {'conflict', ''} end
  ${refuseHeld}
  ${write}
  return {'saved', ''}
`;

/** KEYS: holder. ARGV: who is not to hold the fleet any more. */
export const freeScript = `
  if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`;

/** KEYS: ledger, its journal. ARGV: body, revision, hash, entry, and revision and hash that must still be stored. */
export const ledgerScript = `
  if (redis.call('HGET', KEYS[1], 'revision') or '0') ~= ARGV[5] then return 0 end
  if (redis.call('HGET', KEYS[1], 'hash') or 'ledger') ~= ARGV[6] then return 0 end
  redis.call('HSET', KEYS[1], 'body', ARGV[1], 'revision', ARGV[2], 'hash', ARGV[3])
  redis.call('RPUSH', KEYS[2], ARGV[4])
  return 1
`;

/** KEYS: notes, their journal. ARGV: revision and hash that must still be stored, revision, hash, line, how many are kept. */
export const notesScript = `
  local stored = redis.call('HMGET', KEYS[1], 'revision', 'hash')
  if (stored[1] or '') ~= ARGV[1] or (stored[2] or '') ~= ARGV[2] then return 0 end
  redis.call('HSET', KEYS[1], 'revision', ARGV[3], 'hash', ARGV[4])
  redis.call('RPUSH', KEYS[2], ARGV[5])
  redis.call('LTRIM', KEYS[2], -tonumber(ARGV[6]), -1)
  return 1
`;

/**
 * One moment of a hash and its journal: a line that is written meanwhile is in both, or in neither. Not MULTI, which a full
 * Redis refuses. KEYS: the hash, the journal. ARGV: the first line that is wanted. Answers body, revision, hash,
 * the number of lines, and those from there.
 */
export const readScript = `
  local found = redis.call('HMGET', KEYS[1], 'body', 'revision', 'hash')
  return {found[1], found[2], found[3], redis.call('LLEN', KEYS[2]), redis.call('LRANGE', KEYS[2], ARGV[1], -1)}
`;

/** KEYS: who measures a region. ARGV: who wants to, and for how long that is theirs, ms. */
export const measuringScript = `
  local holder = redis.call('GET', KEYS[1])
  if holder and holder ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return 1
`;

/** KEYS: unpainted. ARGV: id, the revision that was painted. */
export const paintedScript = `
  local newest = redis.call('ZSCORE', KEYS[1], ARGV[1])
  if newest and tonumber(newest) <= tonumber(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
`;

/**
 * Every other number at least: the one after a run is that of its orders to go back, which a newer run must end.
 * KEYS: epoch. ARGV: the least that it may be, how much more is believed. What is stored keeps two that ask at once apart, and
 * no more: nodes remember the highest number that they saw, so one that somebody wrote must not reach them.
 */
export const epochScript = `
  local least, last = tonumber(ARGV[1]), tonumber(redis.call('GET', KEYS[1]) or '0') or 0
  local epoch = least
  if last + 2 > least and last < least + tonumber(ARGV[2]) then epoch = last + 2 end
  epoch = string.format('%.0f', epoch)
  redis.call('SET', KEYS[1], epoch)
  return epoch
`;
