import { schedule } from 'node-cron';
import { type Log, reasonOf } from './log.ts';

export interface Sweeping {
  /** One sweep, now. Never throws. */
  sweep(): Promise<void>;
  close(): Promise<void>;
}

/** The safety net under all wake-ups: does `work` now and then every half minute, so that losing any job costs seconds. */
export function everySweep(expression: string | undefined, log: Log, work: () => Promise<void>): Sweeping {
  const sweep = async (): Promise<void> => {
    try {
      await work();
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, 'sweep broke off');
    }
  };
  const ticking = schedule(expression ?? '*/30 * * * * *', sweep, { noOverlap: true, suppressMissedWarning: true });
  void sweep();
  return {
    sweep,
    async close() {
      await ticking.destroy();
    },
  };
}
