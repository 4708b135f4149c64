import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';

/** @param ahead milliseconds that the wall clock is put forward; the sandbox jumps to the next window with it */
export function systemClock(ahead: () => number = () => 0): Clock {
  return {
    now: () => Date.now() + ahead(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
  };
}
