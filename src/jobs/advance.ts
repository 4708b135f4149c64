import type { Queue } from 'bullmq';
import { minute } from '../base/duration.ts';
import { isAction, isLook, isOpen, nextWake, todo } from '../upgrade/rollout/index.ts';
import type { Event, Task } from '../upgrade/rollout/types.ts';
import { noteLeft } from './ledger.ts';
import { kept, type Queues, type StepEnd, type StepJob } from './queues.ts';
import { type TickParts, ticker } from './tick.ts';
import type { LedgerStore } from './types.ts';

/** A wake that is further away is left to the sweep, which comes by more often than this (ms). */
export const timerHorizon = minute;

export interface AdvanceParts extends TickParts {
  queues: Queues;
  ledger: LedgerStore;
}

/** Lets time pass for one rollout, and makes sure that everything that should be in flight is. Asking twice is harmless. */
export type Advance = (id: string) => Promise<void>;

export function advancer({ store, ledger, record, queues, clock, log }: AdvanceParts): Advance {
  const tick = ticker({ store, record, clock, log });

  return async (id) => {
    const rollout = await tick(id);
    if (!rollout) return;
    if (!isOpen(rollout)) await noteLeft(ledger, rollout);
    for (const task of todo(rollout, clock.now())) await ensure(task);
    const now = clock.now();
    const at = nextWake(rollout, now);
    if (at !== null && at - now <= timerHorizon) await queues.wakeAt(id, at, Math.max(0, at - now));
  };

  async function ensure(task: Task): Promise<void> {
    const queue = queues.step(task.region);
    const state = await queue.getJobState(task.id);
    if (state === 'waiting' || state === 'active') return;
    if ((state === 'failed' || state === 'completed') && (await countsAsTried(queue, task))) return;
    // Whatever else lies under its name would keep it from ever being worked on.
    await queues.free(task.region, task.id);
    await queue.add(task.step, { task }, { ...kept, jobId: task.id });
    const { rollout, region, node, step, id: job } = task;
    log.info({ rollout, region, ...(isLook(task) ? {} : { node }), step, job }, 'step asked for');
  }

  /** A job that is over without its task being over: nobody knows what it did, so this try is counted as unknown. */
  async function countsAsTried(queue: Queue<StepJob, StepEnd>, task: Task): Promise<boolean> {
    if (isLook(task)) return false;
    const { rollout, run, node, attempt } = task;
    const job = await queue.getJob(task.id);
    if (!job) return false;
    if (job.failedReason === undefined && job.returnvalue !== 'reported') return false;
    const reason = `its worker gave up: ${job.failedReason ?? 'no report arrived'}`;
    const told = { at: clock.now(), run, attempt, report: { is: 'unknown', reason } } as const;
    const event: Event = isAction(task)
      ? { type: 'action-reported', phase: node, action: task.step, ...told }
      : { type: 'reported', node, step: task.step, ...told };
    const { changed, rollout: now } = await record(rollout, event);
    // Unchanged and still due: it failed before it was begun, so the same try may simply be made again.
    return changed || !todo(now, clock.now()).some(({ id }) => id === task.id);
  }
}
