import { schedule } from 'node-cron';
import { type Log, reasonOf } from './log.ts';
import { within } from './worker.ts';

export interface Sweeping {
  /** One sweep, now. Never throws. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** Milliseconds that a sweep under way may hold up the end of the program. */
const closeLimit = 2_000;

/**
 * The safety net under all wake-ups: does `work` now and then every ten seconds, so that losing any job costs seconds.
 * @param expression cron with seconds; every ten seconds when undefined
 */
export function everySweep(expression: string | undefined, log: Log, work: () => Promise<void>): Sweeping {
  let latest = Promise.resolve();
  const sweep = (): Promise<void> => {
    latest = work().catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'sweep broke off'));
    return latest;
  };
  const say = (message: string | Error): void => log.warn({ reason: reasonOf(message) }, 'sweep timer');
  const ticking = schedule(expression ?? '*/10 * * * * *', sweep, {
    noOverlap: true,
    suppressMissedWarning: true,
    logger: { info: () => undefined, debug: () => undefined, warn: say, error: say },
  });
  void sweep();
  return {
    sweep,
    async close() {
      await ticking.destroy();
      await within(closeLimit, latest);
    },
  };
}
