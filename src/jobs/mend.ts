import type { Redis } from 'ioredis';
import { minute } from '../base/duration.ts';
import { timerHorizon } from './advance.ts';
import { type Keys, keysOf, prefixOf } from './keys.ts';
import type { Log } from './log.ts';
import { queueNames } from './queues.ts';
import { longestPause } from './showing.ts';

/** Milliseconds. During an update workers of the version before hold locks, too, which lasted so long. */
const longestLock = 6_000;

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

/** What belongs to a queue and may hold it up, in the order in which the script below wants it. */
const holding = [
  ...['meta', 'limiter', 'stalled-check', 'active', 'wait', 'delayed', 'id', 'events'],
  ...['waiting-children', 'prioritized', 'paused'],
];

/**
 * KEYS: `holding`. ARGV: how the keys of the queue begin, for how long a lock of ours is good at most, and how far ahead a job of
 * ours is put off at most, both in ms. Whatever holds a queue or a job up for longer is not ours and is taken away. Answers what it was.
 */
const heldUpScript = `
  local meta, limiter, check, active, wait, delayed, id, events = unpack(KEYS, 1, 8)
  local of, longest, ahead = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local gone = {}
  local function take(key)
    if redis.call('DEL', key) == 1 then gone[#gone + 1] = key end
  end
  local function takeEndless(key)
    local left = redis.call('PTTL', key)
    if left == -1 or left > longest then take(key) end
  end
  for _, field in ipairs({'paused', 'concurrency', 'max', 'duration'}) do
    if redis.call('HDEL', meta, field) == 1 then gone[#gone + 1] = field end
  end
  local kept = redis.call('HGET', meta, 'opts.maxLenEvents')
  if kept and (#kept > 6 or not string.match(kept, '^%d+$')) then
    redis.call('HDEL', meta, 'opts.maxLenEvents')
    gone[#gone + 1] = 'opts.maxLenEvents'
  end
  local last = redis.call('GET', id)
  if last and (#last > 15 or not string.match(last, '^%d+$')) then take(id) end
  if redis.call('EXISTS', events) == 1 then
    local info = redis.call('XINFO', 'STREAM', events)
    for index = 1, #info, 2 do
      if info[index] == 'last-generated-id' and tonumber(string.match(info[index + 1], '^%d+')) > now + 60000 then take(events) end
    end
  end
  for index = 9, #KEYS do take(KEYS[index]) end
  take(limiter)
  takeEndless(check)
  for _, list in ipairs({wait, active}) do
    for _, job in ipairs(redis.call('LRANGE', list, 0, -1)) do
      local is = redis.call('TYPE', of .. job).ok
      if is ~= 'hash' and is ~= 'none' then
        redis.call('LREM', list, 0, job)
        take(of .. job)
      end
      takeEndless(of .. job .. ':lock')
    end
  end
  -- As BullMQ counts them.
  local latest = string.format('(%.0f', (now + ahead) * 0x1000)
  for _, job in ipairs(redis.call('ZRANGEBYSCORE', delayed, latest, '+inf')) do
    redis.call('ZREM', delayed, job)
    gone[#gone + 1] = of .. job
  end
  return gone
`;

/** Clocks of the machines that put jobs off may differ by so much, in ms. */
const skew = minute;

/** How far ahead a job is put off at most, in ms: steps and questions never are. */
const longestDelay: Record<string, number> = {
  [queueNames.publish]: longestPause * 1_000 + skew,
  [queueNames.advance]: timerHorizon + skew,
};

/**
 * KEYS: for each rollout what keeps a second wake from being added while one is on its way, then wait, active, delayed. ARGV: how
 * the keys of the queue begin. Takes away those that keep wakes out for one that is nowhere; answers them.
 */
const deafScript = `
  local wait, active, delayed = unpack(KEYS, #KEYS - 2)
  local gone = {}
  for index = 1, #KEYS - 3 do
    local is, job = redis.call('TYPE', KEYS[index]).ok, false
    if is == 'string' then job = redis.call('GET', KEYS[index]) end
    local comes = job and redis.call('TYPE', ARGV[1] .. job).ok == 'hash' and (redis.call('LPOS', wait, job)
      or redis.call('LPOS', active, job) or redis.call('ZSCORE', delayed, job))
    if is ~= 'none' and not comes then
      redis.call('DEL', KEYS[index])
      gone[#gone + 1] = KEYS[index]
    end
  end
  return gone
`;

/** Of the newest rollouts so many may still have to be shown. */
const newest = 10;

/**
 * Takes away what keeps lists and queues from being filled again: keys of another kind, queues that were paused, locks and delays
 * that last longer than any of ours, names of jobs that are nowhere. We write none of these; somebody who writes to Redis may
 * delay with them no longer than until the next sweep.
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
    const touched = holding.map((name) => of + name);
    const words = [of, String(longestLock), String(longestDelay[queue] ?? 0)];
    for (const what of await asked(redis, heldUpScript, touched, words)) gone.push(`${queue}: ${what}`);
  }
  const ids = await woken(redis, keys);
  for (const queue of queues.filter((each) => each in longestDelay)) {
    const of = `${prefixOf(fleet)}:${queue}:`;
    const touched = [...ids.map((id) => `de:${id}`), 'wait', 'active', 'delayed'].map((name) => of + name);
    gone.push(...(await asked(redis, deafScript, touched, [of])));
  }
  if (gone.length > 0) log.error({ gone }, 'what kept work waiting and was not ours is taken away');
}

/** Ids of the rollouts that anybody is woken for. */
async function woken(redis: Redis, { open, unpainted, rollouts }: Keys): Promise<string[]> {
  const found = await Promise.all([
    redis.smembers(open),
    redis.zrange(unpainted, '0', '-1'),
    redis.zrevrange(rollouts, 0, newest - 1),
  ]);
  return [...new Set(found.flat())].slice(0, 1_000);
}

async function asked(redis: Redis, script: string, keys: string[], words: string[]): Promise<string[]> {
  const answer: unknown = await redis.eval(script, keys.length, ...keys, ...words);
  return Array.isArray(answer) ? answer.map(String) : [];
}
