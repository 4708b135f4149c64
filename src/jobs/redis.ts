import { Redis, type RedisOptions, ReplyError } from 'ioredis';
import type { RedisPlace } from '../base/redis-place.ts';
import { openPrivateRedis } from './private-redis.ts';
import { addressOf, type RedisAddress, reasonWhy } from './redis-address.ts';

/** A checked Redis with the two kinds of connection that this program needs. */
export interface RedisHandle {
  /** Fails within seconds when Redis is away: for whoever answers a person. */
  caller: Redis;
  /** Waits for Redis as long as it takes: for workers. The same connection each time. */
  patient(): Redis;
  /** What could not be checked, each a line that says what must hold. */
  doubts: readonly string[];
  /** Closes all connections and ends a private server that this process started. */
  stop(): Promise<void>;
}

/** ioredis keeps the old shape of replies under this setting; its types want it said. */
type Options = RedisOptions & { replyMapping?: 'legacy' };

/** Milliseconds after which a caller is told that Redis does not answer. */
const callerTimeout = 4_000;

/**
 * Opens the Redis at `place`, or a private one in `stateDir` when it is null.
 * @param troubled told of each connection and command that failed; must not throw
 * @throws Error saying what to set or to install when it cannot be used safely.
 */
export async function openRedis(
  place: RedisPlace | null,
  stateDir: string,
  troubled: (error: unknown) => void = () => undefined,
): Promise<RedisHandle> {
  const server = place === null ? await openPrivateRedis(stateDir) : null;
  const address: RedisAddress = place === null ? { path: server?.socket ?? '' } : addressOf(place);
  const opened: Redis[] = [];
  const dial = (options: Options): Redis => {
    const redis = new Redis({ ...options, ...address });
    // Every failed command tells its caller; without a listener ioredis prints each reconnect as well.
    redis.on('error', troubled);
    tellingFailures(redis, troubled);
    opened.push(redis);
    return redis;
  };
  const stop = async (): Promise<void> => {
    for (const redis of opened) redis.disconnect();
    await server?.stop();
  };
  try {
    const caller = await dialCaller(dial);
    const sync = await syncOf(caller);
    checkServer(await caller.info(), sync);
    let patient: Redis | null = null;
    return {
      caller,
      patient: () => {
        patient ??= dial({ maxRetriesPerRequest: null, retryStrategy });
        return patient;
      },
      doubts: sync === null ? [untoldSync] : [],
      stop,
    };
  } catch (error) {
    await stop();
    throw new Error(`${whereabouts(address)}: ${reasonWhy(error, address)}`);
  }
}

/** With each connection ioredis tells of itself, in words that an older Redis does not know; nothing hangs on it. */
const isGreeting = (name: string): boolean => /^(?:client|hello)$/i.test(name);

/** The command's own promise is left as it is: whoever sent it is told as before. */
function tellingFailures(redis: Redis, troubled: (error: unknown) => void): void {
  const send = redis.sendCommand.bind(redis);
  // What waited for a connection comes by again.
  const known = new WeakSet<object>();
  redis.sendCommand = (command, stream) => {
    if (!known.has(command) && !isGreeting(command.name)) command.promise.catch(troubled);
    known.add(command);
    return send(command, stream);
  };
}

const retryStrategy = (times: number): number => Math.min(50 * 2 ** Math.min(times, 5), 1_000);

async function dialCaller(dial: (options: Options) => Redis): Promise<Redis> {
  const caller = dial({
    lazyConnect: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: callerTimeout,
    connectTimeout: callerTimeout,
    retryStrategy,
  });
  let reason: Error | null = null;
  caller.once('error', (error) => {
    reason = error;
  });
  await caller.connect().catch((error: unknown) => {
    throw reason ?? error;
  });
  return caller;
}

/** Never the URL itself: it may hold a password. */
function whereabouts({ path, host, port }: RedisAddress): string {
  return `Redis at ${path ?? `${host}:${port}`}`;
}

const untoldSync =
  'it does not let CONFIG GET be asked, so nobody knows its appendfsync: it must be `always`, else a crash forgets finished work';

/** Its `appendfsync`; null when it is not told: hosted servers often refuse CONFIG. INFO does not say it. */
async function syncOf(redis: Redis): Promise<string | null> {
  const answer: unknown = await redis.config('GET', 'appendfsync').catch((error: unknown) => {
    if (error instanceof ReplyError) return null;
    throw error;
  });
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
}

/**
 * A store that forgets acknowledged writes, or evicts them, would restart nodes twice.
 * @param info the answer to INFO
 * @param sync its `appendfsync`; null when it is not known, which is not held against it
 * @throws Error naming each setting to change
 */
export function checkServer(info: string, sync: string | null): void {
  const fields = new Map(
    info.split(/\r?\n/).map((line): [string, string] => [line.split(':')[0] ?? '', line.slice(line.indexOf(':') + 1)]),
  );
  const wrong: string[] = [];
  const [major = 0, minor = 0] = (fields.get('redis_version') ?? '').split('.').map(Number);
  if (major < 6 || (major === 6 && minor < 2)) {
    wrong.push(`version ${fields.get('redis_version') ?? 'unknown'} is too old, 6.2 or newer is needed`);
  }
  if (fields.get('aof_enabled') !== '1') {
    wrong.push('it loses writes when it stops: set `appendonly yes` and `appendfsync always`');
  } else if (sync !== null && sync !== 'always') {
    wrong.push(`appendfsync is ${sync}, so a crash forgets finished work: set \`appendfsync always\``);
  }
  const policy = fields.get('maxmemory_policy') ?? 'unknown';
  if (policy !== 'noeviction') wrong.push(`it may drop data (${policy}): set \`maxmemory-policy noeviction\``);
  if (wrong.length > 0) throw new Error(wrong.join('; '));
}
