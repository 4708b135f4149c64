import { type Job, Worker } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Clock } from '../base/clock.ts';
import { prefixOf } from './keys.ts';
import { createLeases } from './lease.ts';
import { type Log, reasonOf, seldom } from './log.ts';

/** What a processor gets: the job, its lock's token, and a signal that aborts when the lock is gone. */
export interface Held<T> {
  job: Job<T>;
  token: string;
  signal: AbortSignal;
}

export interface OpenWorker {
  /** Takes no more jobs until it may again. */
  serve(may: boolean): Promise<void>;
  /** Takes no more jobs, waits `graceMs` for those under way, then leaves them to whoever takes their locks over. */
  close(graceMs: number): Promise<void>;
}

export interface WorkerSetup<T, R> {
  fleet: string;
  queue: string;
  /** A patient connection. */
  redis: Redis;
  clock: Pick<Clock, 'monotonic' | 'sleep'>;
  log: Log;
  /** Jobs worked on at once. */
  concurrency: number;
  process: (held: Held<T>) => Promise<R>;
}

/**
 * Milliseconds. A killed worker's job is taken over when its lock has run out and somebody looks: within 4 s. A lock is renewed
 * twice in that time, and whoever loses it to a machine that stood still lets go of a step that is then looked at anew.
 */
export const lockDuration = 3_000;
export const stalledInterval = 1_000;
const closeLimit = 2_000;

/** A BullMQ worker with everything handled that it leaves to its user. */
export function openWorker<T, R>(setup: WorkerSetup<T, R>): OpenWorker {
  const { fleet, queue, redis, clock, log, concurrency, process } = setup;
  const leases = createLeases(lockDuration, clock);
  const worker = new Worker<T, R>(
    queue,
    // Not BullMQ's own signal: it says nothing while Redis is away, which is when it matters.
    async (job, token) => {
      try {
        return await leases.hold(job.id ?? '', (signal) => process({ job, token: token ?? '', signal }));
      } catch (error) {
        // DelayedError is BullMQ's own word for "later"; anything else is stored with the job, so it is redacted.
        if (error instanceof Error && error.name === 'DelayedError') throw error;
        throw new Error(reasonOf(error));
      }
    },
    {
      connection: redis,
      prefix: prefixOf(fleet),
      concurrency,
      lockDuration,
      stalledInterval,
      // The count is for a job's whole life and says nothing about the job: a worker was killed, no more.
      maxStalledCount: 1_000,
      drainDelay: 2,
      runRetryDelay: 1_000,
    },
  );
  const complain = seldom(10_000, (reason, heldBack) => log.warn({ queue, reason, heldBack }, 'worker in trouble'));
  worker.on('error', complain);
  worker.on('failed', (job, error) =>
    log.error({ queue, job: job?.id, ...about(job?.data), reason: reasonOf(error) }, 'job failed'),
  );
  worker.on('stalled', (job) => log.warn({ queue, job }, 'job taken over from a worker that fell silent'));
  worker.on('locksRenewed', ({ jobIds }) => leases.renewed(jobIds));
  worker.on('lockRenewalFailed', (jobs) => {
    log.warn({ queue, jobs }, 'lost the lock, letting go');
    leases.lost(jobs);
  });
  return {
    async serve(may) {
      if (may) worker.resume();
      else await worker.pause(true);
    },
    async close(graceMs) {
      await worker.pause(true);
      const idle = await leases.idle(graceMs);
      // A forced close leaves the jobs active: their locks expire and another worker takes them over.
      await within(closeLimit, worker.close(!idle));
      leases.letGoOfAll('this worker is closing');
    },
  };
}

/** Of which rollout and node a job is; what it says was written by somebody, and is only told. */
function about(data: unknown): { rollout?: string; node?: string } {
  const { id, task, node } = asRecord(data);
  const of = asRecord(task);
  const texts = { rollout: of.rollout ?? id, node: of.node ?? node };
  return Object.fromEntries(Object.entries(texts).filter(([, text]) => typeof text === 'string'));
}

const asRecord = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? { ...value } : {};

/** Waits for `work`, but not longer than `ms`; what it throws is nobody's business any more. */
export async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}
