import { wordsOf } from '../base/errors.ts';
import type { RedisPlace } from '../base/redis-place.ts';
import { openRedis } from '../jobs/index.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const subject = 'redis';

/** Opens Redis as the product does, starting the private one when no address is set; that refuses what is not safe. */
export async function examineRedis(place: RedisPlace | null, stateDir: string): Promise<Finding[]> {
  const kind = place === null ? 'private, ' : '';
  try {
    const { caller, doubts, stop } = await openRedis(place, stateDir);
    try {
      const version = /^redis_version:(\S+)/m.exec(await caller.info('server'))?.[1] ?? 'unknown version';
      if (doubts.length === 0) return [right(subject, `${kind}${version}, AOF always, noeviction`)];
      return doubts.map((doubt) => note(subject, `${kind}${version}, AOF, noeviction; ${doubt}`));
    } finally {
      await stop();
    }
  } catch (error) {
    return [wrong(subject, `${wordsOf(error)}${place === null ? '' : '; the address is in REDIS_URL'}`)];
  }
}
