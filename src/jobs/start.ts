import type { Probe, Shell } from '../upgrade/node/types.ts';
import type { Fleet } from '../upgrade/rollout/types.ts';
import type { Clock, Steps } from '../upgrade/steps/types.ts';
import { advancer } from './advance.ts';
import { type Answer, answer, type Lookers } from './ask.ts';
import { bringOver } from './bring-over.ts';
import { guardOf } from './guard.ts';
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
  /** Its name keeps it apart from other fleets on the same Redis; no other node is looked at. */
  fleet: Pick<Fleet, 'name' | 'regions'>;
  /** Works on the nodes of these regions. */
  regions: readonly string[];
  steps: Steps;
  shell: Shell;
  probe: Probe;
  archives: Archives;
  clock: Clock;
  log: Log;
  /** Cron expression with seconds; every half minute when absent. */
  sweep?: string;
  /** How long `close` waits for steps under way, in ms; then they are left to the next worker. */
  grace?: number;
}

/** Advances rollouts, and works on and answers for the nodes of its regions. Any number of these may run. */
export async function startWorker(parts: WorkerParts): Promise<Sweeping> {
  const { regions, steps, shell, probe, archives, clock, log } = parts;
  const redis = parts.redis.patient();
  const fleet = parts.fleet.name;
  await bringOver(redis, fleet, log);
  const store = createStore(redis, fleet, log);
  const queues = createQueues(redis, fleet, log);
  const record = recorder(store, queues.wake);
  const advance = advancer({ record, queues, clock, log });
  const runTask = taskRunner({ store, record, steps, shell, probe, archives, clock, log });

  const perRegion = (region: string): OpenWorker[] => {
    const guard = guardOf(parts.fleet, region);
    return [
      openWorker<StepJob, StepEnd>({
        fleet,
        queue: queueNames.step(region),
        redis,
        log,
        // Staging runs on all nodes at once; what must go one by one is never due at the same time.
        concurrency: 16,
        process: async ({ job, signal }) => {
          const { task } = job.data;
          if (guard.isHere(task)) return runTask(task, signal);
          log.warn({ region, job: job.id, of: task.region, rollout: task.rollout }, 'step of another region refused');
          return 'dropped';
        },
      }),
      openWorker<AskJob, Answer>({
        fleet,
        queue: queueNames.ask(region),
        redis,
        log,
        concurrency: 16,
        process: ({ job, signal }) => answer(job.data, { ...parts, guard }, signal),
      }),
    ];
  };
  const workers = [
    openWorker<WakeJob, void>({
      fleet,
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
    // Again and again: during an update, a program of the version before may start a rollout when we run already.
    await bringOver(redis, fleet, log).catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'not moved'));
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
