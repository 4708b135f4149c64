import type { Redis } from 'ioredis';
import { answer, type SignedAnswer, signAnswer } from './ask.ts';
import { guardOf } from './guard.ts';
import type { WorkerParts } from './parts.ts';
import { type AskJob, queueNames, type StepEnd, type StepJob } from './queues.ts';
import type { RunTask } from './step.ts';
import { type OpenWorker, openWorker } from './worker.ts';

/** Steps at once on one worker. Staging runs on all nodes together; what must not is never due at the same time. */
const concurrency = 16;

/** What works on, and answers for, the nodes of one region. */
export function regionWorkers(parts: WorkerParts, redis: Redis, region: string, runTask: RunTask): OpenWorker[] {
  const { log } = parts;
  const guard = guardOf(parts.fleet, region);
  const setup = { fleet: parts.fleet.name, redis, log, concurrency };
  return [
    openWorker<StepJob, StepEnd>({
      ...setup,
      queue: queueNames.step(region),
      process: async ({ job, signal }) => {
        const { task } = job.data;
        if (guard.isHere(task)) return runTask(task, signal);
        log.warn({ region, job: job.id, of: task.region, rollout: task.rollout }, 'step of another region refused');
        return 'dropped';
      },
    }),
    openWorker<AskJob, SignedAnswer | null>({
      ...setup,
      queue: queueNames.ask(region),
      process: async ({ job, signal }) => {
        const found = await answer(job.data, { ...parts, guard }, signal);
        return found === null ? null : signAnswer(parts.fleet.name, job.data, found, parts.belief.notary);
      },
    }),
  ];
}
