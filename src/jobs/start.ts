import type { Probe, Shell } from '../upgrade/node/types.ts';
import type { Diagnosis, NodeSurvey } from '../upgrade/rollout/types.ts';
import type { Clock, Steps, StillProven } from '../upgrade/steps/types.ts';
import type { Freeze } from '../windows/types.ts';
import { advancer } from './advance.ts';
import { answer, type Lookers } from './ask.ts';
import { type Log, reasonOf } from './log.ts';
import { type AskJob, createQueues, queueNames, type StepEnd, type StepJob, type WakeJob } from './queues.ts';
import { recorder } from './record.ts';
import type { RedisHandle } from './redis.ts';
import { type Archives, taskRunner } from './step.ts';
import { createStore } from './store.ts';
import { everySweep, type Sweeping } from './sweep.ts';
import { type OpenWorker, openWorker } from './worker.ts';

export interface WorkerParts extends Lookers {
  redis: RedisHandle;
  /** Works on the nodes of these regions. */
  regions: readonly string[];
  steps: Steps;
  shell: Shell;
  probe: Probe;
  archives: Archives;
  stillProven: StillProven;
  /** Freezes of a region as the settings of now have them. */
  freezes: (region: string) => Freeze[];
  clock: Clock;
  log: Log;
  /** Cron expression with seconds; every half minute when absent. */
  sweep?: string;
  /** How long `close` waits for steps under way, in ms; then they are left to the next worker. */
  grace?: number;
}

/** Advances rollouts, and works on and answers for the nodes of its regions. Any number of these may run. */
export async function startWorker(parts: WorkerParts): Promise<Sweeping> {
  const { regions, clock, log } = parts;
  const redis = parts.redis.patient();
  const store = createStore(redis);
  const queues = createQueues(redis, log);
  const record = recorder(store, queues.wake);
  const advance = advancer({ record, queues, clock, log });
  const runTask = taskRunner({ ...parts, store, record });

  const perRegion = (region: string): OpenWorker[] => [
    openWorker<StepJob, StepEnd>({
      queue: queueNames.step(region),
      redis,
      log,
      // Staging runs on all nodes at once; what must go one by one is never due at the same time.
      concurrency: 16,
      process: ({ job, signal }) => runTask(job.data.task, signal),
    }),
    openWorker<AskJob, NodeSurvey | Diagnosis | null>({
      queue: queueNames.ask(region),
      redis,
      log,
      concurrency: 16,
      process: ({ job, signal }) => answer(job.data, parts, clock, signal),
    }),
  ];
  const workers = [
    openWorker<WakeJob, void>({
      queue: queueNames.advance,
      redis,
      log,
      concurrency: 4,
      process: ({ job }) => advance(job.data.id),
    }),
    ...regions.flatMap(perRegion),
  ];

  // Not through the queue: a sweep must also help when the queue is what was lost.
  const sweeping = everySweep(parts.sweep, log, async () => {
    for (const id of await store.openIds()) {
      await advance(id).catch((error: unknown) => log.error({ rollout: id, reason: reasonOf(error) }, 'cannot go on'));
    }
  });
  return {
    sweep: sweeping.sweep,
    async close() {
      await sweeping.close();
      await Promise.allSettled(workers.map((worker) => worker.close(parts.grace ?? 10_000)));
      await queues.close();
    },
  };
}
