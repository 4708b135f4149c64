import type { Clock } from '../base/clock.ts';

/** Why a job's signal was aborted although nothing failed: somebody else goes on with it, so nothing may be reported. */
export class LetGo extends Error {
  override readonly name = 'LetGo';
}

interface Run {
  jobId: string;
  renewedAt: number;
  abort: AbortController;
}

/** The jobs that this process holds a lock for, and the moment when it must believe that it does not any more. */
export interface Leases {
  /** Runs `work` with a signal that aborts with LetGo once the lock is, or may be, lost. */
  hold<T>(jobId: string, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  renewed(jobIds: readonly string[]): void;
  lost(jobIds: readonly string[]): void;
  letGoOfAll(reason: string): void;
  /** Resolves when nothing is held, at the latest after `ms`; true when nothing is. */
  idle(ms: number): Promise<boolean>;
}

/** Nobody reads why; an error of its own would cost more than the watch did. */
const unwatched = 'nothing is held any more';

/**
 * While Redis cannot be reached nobody says that a lock is lost; so it counts as lost when its renewal was not
 * confirmed within `duration` ms.
 */
export function createLeases(duration: number, clock: Pick<Clock, 'monotonic' | 'sleep'>): Leases {
  const runs = new Set<Run>();
  let empty: (() => void)[] = [];
  const letGo = (run: Run, reason: string): void => run.abort.abort(new LetGo(reason));
  /** The first look comes late when this process stood still meanwhile, and then sees that it did. */
  const watch = async (run: Run, over: AbortSignal): Promise<void> => {
    for (;;) {
      await clock.sleep(duration / 10, over);
      if (clock.monotonic() - run.renewedAt > duration) letGo(run, 'the lock was not renewed in time');
    }
  };
  const of = (jobIds: readonly string[]): Run[] => [...runs].filter(({ jobId }) => jobIds.includes(jobId));

  return {
    async hold(jobId, work) {
      const run: Run = { jobId, renewedAt: clock.monotonic(), abort: new AbortController() };
      const over = new AbortController();
      watch(run, over.signal).catch(() => undefined);
      runs.add(run);
      try {
        return await orAborted(work(run.abort.signal), run.abort.signal);
      } finally {
        over.abort(unwatched);
        runs.delete(run);
        if (runs.size === 0) for (const resolve of empty.splice(0)) resolve();
      }
    },
    renewed(jobIds) {
      for (const run of of(jobIds)) run.renewedAt = clock.monotonic();
    },
    lost(jobIds) {
      for (const run of of(jobIds)) letGo(run, 'the lock was lost');
    },
    letGoOfAll(reason) {
      for (const run of runs) letGo(run, reason);
    },
    async idle(ms) {
      if (runs.size === 0) return true;
      const over = new AbortController();
      const nothingHeld = new Promise<void>((resolve) => {
        empty = [...empty, resolve];
      });
      const limit = clock.sleep(ms, over.signal).catch(() => undefined);
      await Promise.race([nothingHeld, limit]);
      over.abort();
      return runs.size === 0;
    },
  };
}

/** Settles as `work` does, or rejects with the signal's reason: work that ignores the signal is left to itself. */
export async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop) signal.removeEventListener('abort', stop);
    work.catch(() => undefined);
  }
}
