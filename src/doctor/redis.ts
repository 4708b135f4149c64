import { openRedis } from '../jobs/index.ts';
import { type Finding, note, right, wordsOf, wrong } from './finding.ts';

const subject = 'redis';

/** Opens Redis as the product does, starting the private one when no address is set; then asks how it syncs. */
export async function examineRedis(url: string | null, stateDir: string): Promise<Finding[]> {
  const kind = url === null ? 'private, ' : '';
  try {
    const { caller, stop } = await openRedis(url, stateDir);
    try {
      const version = /^redis_version:(\S+)/m.exec(await caller.info('server'))?.[1] ?? 'unknown version';
      const sync = await syncOf(() => caller.config('GET', 'appendfsync'));
      if (sync === null) {
        const text = `${kind}${version}, AOF, noeviction; it does not tell its appendfsync, which must be always`;
        return [note(subject, text)];
      }
      if (sync !== 'always') {
        return [wrong(subject, `appendfsync is ${sync}, so a crash forgets finished work: set \`appendfsync always\``)];
      }
      return [right(subject, `${kind}${version}, AOF always, noeviction`)];
    } finally {
      await stop();
    }
  } catch (error) {
    return [wrong(subject, `${wordsOf(error)}${url === null ? '' : '; the address is in REDIS_URL'}`)];
  }
}

/** Hosted servers often refuse CONFIG: then nobody knows. */
async function syncOf(ask: () => Promise<unknown>): Promise<string | null> {
  const answer = await ask().catch(() => null);
  return Array.isArray(answer) && typeof answer[1] === 'string' ? answer[1] : null;
}
