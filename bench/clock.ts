import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../src/base/clock.ts';

export const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : {}),
};
