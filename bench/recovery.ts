import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { systemClock } from '../src/app/clock.ts';
import { createControl } from '../src/jobs/index.ts';
import { effects, eventually, quickRollout, silent, slowDown } from '../test/jobs/fixtures/parts.ts';
import { belief } from '../test/support/belief.ts';
import { startTestRedis } from '../test/support/redis.ts';

const clock = systemClock();

const file = join(import.meta.dirname, '../test/jobs/fixtures/worker.js');
const node = 'us-east-op-2';

/** Kills a worker with SIGKILL in the middle of a switch; ms until another one, started then, has taken the node over. */
export async function recoveryTime(): Promise<number> {
  const redis = await startTestRedis();
  const { caller } = redis.handle;
  const control = createControl(redis.handle, 'production', belief('bot'), clock, silent);
  const started: ChildProcess[] = [];
  const startWorker = async (): Promise<ChildProcess> => {
    const child = fork(file, [redis.dir], { stdio: 'inherit' });
    started.push(child);
    await once(child, 'message');
    return child;
  };
  const switched = async () => (await effects(caller)).filter((line) => line === `switch ${node}`).length;
  try {
    await slowDown(caller, node, 'switch', 60_000);
    const first = await startWorker();
    await control.start(quickRollout('r1'));
    await eventually(switched, (times) => times === 1);
    const from = performance.now();
    first.kill('SIGKILL');
    await startWorker();
    await eventually(switched, (times) => times > 1, 60_000);
    return performance.now() - from;
  } finally {
    for (const child of started) child.kill('SIGKILL');
    await control.close();
    await redis.stop();
  }
}
