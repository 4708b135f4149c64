import type { Redis } from 'ioredis';
import type { SignedAnswer } from './ask.ts';
import type { WorkerDuties } from './duties.ts';
import type { WorkerParts } from './parts.ts';
import { type AskJob, queueNames, type StepEnd, type StepJob } from './queues.ts';
import { type OpenWorker, openWorker } from './worker.ts';

/** Steps at once on one worker. Staging runs on all nodes together; what must not is never due at the same time. */
const concurrency = 16;

/** What works on, and answers for, the nodes of one region. */
export function regionWorkers(parts: WorkerParts, redis: Redis, region: string, duties: WorkerDuties): OpenWorker[] {
  const { clock, log } = parts;
  const setup = { fleet: parts.fleet.name, redis, clock, log, concurrency };
  return [
    openWorker<StepJob, StepEnd>({
      ...setup,
      queue: queueNames.step(region),
      process: ({ job, signal }) => duties.work(region, job.data.task, signal),
    }),
    openWorker<AskJob, SignedAnswer | null>({
      ...setup,
      queue: queueNames.ask(region),
      process: ({ job, signal }) => duties.answer(region, job.data, signal),
    }),
  ];
}
