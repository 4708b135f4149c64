import { DelayedError } from 'bullmq';
import type { Clock } from '../base/clock.ts';
import { bringOver } from './bring-over.ts';
import { createLedger } from './ledger.ts';
import type { Log } from './log.ts';
import { mend } from './mend.ts';
import type { ShowMeter } from './meter.ts';
import { createQueues, queueNames, type WakeJob } from './queues.ts';
import type { RedisHandle } from './redis.ts';
import { showing } from './showing.ts';
import { type Belief, createStore } from './store.ts';
import { everySweep, type Sweeping } from './sweep.ts';
import type { Announcer } from './types.ts';
import { openWorker } from './worker.ts';

export interface PublisherParts {
  redis: RedisHandle;
  belief: Belief;
  /** Whose rollouts are shown. */
  fleet: string;
  announcer: Announcer;
  /** Who counts; absent: nobody. */
  meter?: ShowMeter | undefined;
  clock: Clock;
  log: Log;
  /** Cron expression with seconds; every ten seconds when absent. */
  sweep?: string;
}

/** Shows rollouts, always the newest state. What goes wrong here never touches a rollout. */
export async function startPublisher(parts: PublisherParts): Promise<Sweeping> {
  const { redis, fleet, announcer, meter, clock, log } = parts;
  await bringOver(redis.patient(), fleet, log);
  const store = createStore(redis.patient(), fleet, parts.belief);
  const ledger = createLedger(redis.patient(), fleet, parts.belief);
  const queues = createQueues(redis.patient(), fleet, log);
  const { show, sweep } = showing({ store, ledger, queues, announcer, meter, clock, log });
  const worker = openWorker<WakeJob, void>({
    fleet,
    queue: queueNames.publish,
    redis: redis.patient(),
    clock,
    log,
    concurrency: 4,
    process: async ({ job, token }) => {
      const wait = await show(job.data.id);
      if (wait === null) return;
      // BullMQ judges delays by the real time.
      await job.moveToDelayed(Date.now() + wait, token);
      throw new DelayedError();
    },
  });
  const sweeping = everySweep(parts.sweep, log, async () => {
    await mend(redis.patient(), fleet, [queueNames.advance, queueNames.publish], log);
    await sweep();
  });
  return {
    sweep: sweeping.sweep,
    async close() {
      await sweeping.close();
      await worker.close(5_000);
      await queues.close();
    },
  };
}
