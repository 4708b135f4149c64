import type { Redis } from 'ioredis';
import { minute } from '../base/duration.ts';
import { type Log, reasonOf, seldom } from './log.ts';
import { within } from './worker.ts';

/** Redis' own clock, so that those of the machines do not matter. */
const now = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
`;

/** KEYS: living. ARGV: ms for which the sign is good, members. */
const beatScript = `
  ${now}
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
  for i = 2, #ARGV do redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[1]), ARGV[i]) end
`;

/** No sign is good for longer (ms): a later end was written by somebody else. */
const longestTtl = 20_000;

/** KEYS: living. */
export const livingScript = `
  ${now}
  return redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%.0f', now), string.format('%.0f', now + ${longestTtl}))
`;

export interface Pulse {
  redis: Redis;
  /** The sorted set of `region worker`, by when the sign expires. */
  key: string;
  /** Another one for every process. */
  worker: string;
  regions: readonly string[];
  log: Log;
  /** Of this machine, also where the product's own clock is set ahead for a trial. */
  clock?: { now(): number };
  /** Called when this machine's clock went wrong, or is right again: evidence is judged by its age. */
  onClock?: (isRight: boolean) => void;
  rate?: PulseRate;
}

/** How often a worker says that it lives, and for how long each time is good, both in ms. */
export interface PulseRate {
  every: number;
  ttl: number;
}

const usual: PulseRate = { every: 5_000, ttl: longestTtl };
const closeLimit = 1_000;
/** Clocks that differ more than this from that of Redis (ms) make fresh evidence look old, and old evidence fresh. */
const clockLimit = 5_000;

/**
 * Says that a worker serves these regions until it is closed; a process that dies falls silent within the ttl, and one
 * whose clock is wrong, or that `serves(false)` was said of, at once.
 */
export async function startPulse({ redis, key, worker, regions, log, clock = Date, onClock, rate = usual }: Pulse) {
  const members = regions.map((region) => `${region} ${worker}`);
  const complain = seldom(minute, (reason) => log.warn({ reason }, 'cannot say that this worker lives'));
  let latest: Promise<unknown> | null = null;
  const beat = async (): Promise<void> => {
    // While Redis is away one sign waits for it, not a queue of them.
    if (latest !== null) return;
    latest = sign().catch((error: unknown) => complain(reasonOf(error)));
    await latest;
    latest = null;
  };
  let wasRight = true;
  let serves = true;
  const sign = async (): Promise<void> => {
    const before = clock.now();
    const [seconds] = await redis.time();
    const now = Number(seconds) * 1000;
    const off = Math.max(0, before - now - 1000, now - clock.now());
    const isRight = off <= clockLimit;
    if (isRight && serves) await redis.eval(beatScript, 1, key, rate.ttl, ...members);
    else if (members.length > 0) await redis.zrem(key, ...members);
    if (isRight === wasRight) return;
    wasRight = isRight;
    if (isRight) log.info({ worker }, 'the clock of this machine is right again: serving');
    else
      log.error(
        { worker, off },
        'the clock of this machine and that of Redis differ too much: not serving; is NTP on?',
      );
    onClock?.(isRight);
  };
  await beat();
  const timer = setInterval(beat, rate.every);
  return {
    /** Whether this process can do at all what it is here for. */
    async serves(may: boolean): Promise<void> {
      if (may === serves) return;
      serves = may;
      await beat();
    },
    async close(): Promise<void> {
      clearInterval(timer);
      await within(
        closeLimit,
        Promise.resolve(latest).then(() => (members.length > 0 ? redis.zrem(key, ...members) : 0)),
      );
    },
  };
}

/** Regions that at least one living worker serves. */
export async function livingRegions(redis: Redis, key: string): Promise<string[]> {
  return [...(await livingWorkers(redis, key)).keys()].sort();
}

/** How many living workers serve each region that any serves. */
export async function livingWorkers(redis: Redis, key: string): Promise<Map<string, number>> {
  const answer: unknown = await redis.eval(livingScript, 1, key);
  const regions = (Array.isArray(answer) ? answer.map(String) : []).map((member) => member.split(' ')[0] ?? '');
  const counted = new Map<string, number>();
  for (const region of regions) counted.set(region, (counted.get(region) ?? 0) + 1);
  return counted;
}
