import { wordsOf } from '../base/errors.ts';
import { openRedis } from '../jobs/index.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const subject = 'redis';

/** Opens Redis as the product does, starting the private one when no address is set; that refuses what is not safe. */
export async function examineRedis(url: string | null, stateDir: string): Promise<Finding[]> {
  const kind = url === null ? 'private, ' : '';
  try {
    const { caller, doubts, stop } = await openRedis(url, stateDir);
    try {
      const version = /^redis_version:(\S+)/m.exec(await caller.info('server'))?.[1] ?? 'unknown version';
      if (doubts.length === 0) return [right(subject, `${kind}${version}, AOF always, noeviction`)];
      return doubts.map((doubt) => note(subject, `${kind}${version}, AOF, noeviction; ${doubt}`));
    } finally {
      await stop();
    }
  } catch (error) {
    return [wrong(subject, `${wordsOf(error)}${url === null ? '' : '; the address is in REDIS_URL'}`)];
  }
}
