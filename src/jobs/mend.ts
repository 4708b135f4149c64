import type { Redis } from 'ioredis';
import { keysOf, prefixOf } from './keys.ts';
import type { Log } from './log.ts';

/** What is kept so that things are found and begun, and can be derived anew: of which kind each key is. */
const lists = { holder: 'string', open: 'set', rollouts: 'zset', unpainted: 'zset', living: 'zset', epoch: 'string' };

/** The same of a queue, as BullMQ keeps it. */
const ofQueue = {
  wait: 'list',
  active: 'list',
  paused: 'list',
  delayed: 'zset',
  completed: 'zset',
  failed: 'zset',
  prioritized: 'zset',
  marker: 'zset',
  stalled: 'set',
  meta: 'hash',
  id: 'string',
  pc: 'string',
  'stalled-check': 'string',
  events: 'stream',
};

/** KEYS: keys. ARGV: of which kind each of them is. Takes away those of another kind; answers them. */
const kindsScript = `
  local gone = {}
  for index, key in ipairs(KEYS) do
    local is = redis.call('TYPE', key).ok
    if is ~= 'none' and is ~= ARGV[index] then
      redis.call('DEL', key)
      gone[#gone + 1] = key
    end
  end
  return gone
`;

/**
 * KEYS: meta, limiter, stalled-check, active. ARGV: how the keys of the queue begin. We never hold a queue up, and no lock of
 * ours lasts for ever: whatever does is taken away. Answers what it was.
 */
const heldUpScript = `
  local gone = {}
  for _, field in ipairs({'paused', 'concurrency', 'max', 'duration'}) do
    if redis.call('HDEL', KEYS[1], field) == 1 then gone[#gone + 1] = field end
  end
  local lasting = {KEYS[2], KEYS[3]}
  for _, id in ipairs(redis.call('LRANGE', KEYS[4], 0, -1)) do lasting[#lasting + 1] = ARGV[1] .. id .. ':lock' end
  for _, key in ipairs(lasting) do
    if redis.call('PTTL', key) == -1 then
      redis.call('DEL', key)
      gone[#gone + 1] = key
    end
  end
  return gone
`;

/**
 * Takes away what keeps lists and queues from being filled again: keys of another kind, queues that were paused, locks without an
 * end. We write none of these; somebody who writes to Redis may delay with them no longer than until the next sweep.
 */
export async function mend(redis: Redis, fleet: string, queues: string[], log: Pick<Log, 'error'>): Promise<void> {
  const keys = keysOf(fleet);
  const wanted = new Map<string, string>();
  for (const [name, kind] of Object.entries(lists)) wanted.set(keys[name as keyof typeof lists], kind);
  for (const queue of queues) {
    for (const [name, kind] of Object.entries(ofQueue)) wanted.set(`${prefixOf(fleet)}:${queue}:${name}`, kind);
  }
  const gone = await asked(redis, kindsScript, [...wanted.keys()], [...wanted.values()]);
  for (const queue of queues) {
    const of = `${prefixOf(fleet)}:${queue}:`;
    const touched = ['meta', 'limiter', 'stalled-check', 'active'].map((name) => of + name);
    for (const what of await asked(redis, heldUpScript, touched, [of])) gone.push(`${queue}: ${what}`);
  }
  if (gone.length > 0) log.error({ gone }, 'what kept work waiting and was not ours is taken away');
}

async function asked(redis: Redis, script: string, keys: string[], words: string[]): Promise<string[]> {
  const answer: unknown = await redis.eval(script, keys.length, ...keys, ...words);
  return Array.isArray(answer) ? answer.map(String) : [];
}
