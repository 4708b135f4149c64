import { day as dayMs } from '../base/duration.ts';
import { dayAt, instantOf } from './local.ts';

/** Something that is done once a night, in some zone. */
export interface Night {
  /** The local date on which it begins, like 2026-11-30. */
  name: string;
  /** Epoch ms. */
  begins: number;
}

/**
 * The last night that has begun at `now` (epoch ms), where each begins at `time` on the wall. A time that a clock change skips
 * is later by the gap, and of one that happens twice the first counts: each date has one night.
 */
export function nightAt(now: number, time: string, zone: string): Night {
  const today = dayAt(now, zone);
  const begins = instantOf(today, time, zone);
  return begins <= now ? named(today, begins) : named(today - 1, instantOf(today - 1, time, zone));
}

const named = (day: number, begins: number): Night => ({
  name: new Date(day * dayMs).toISOString().slice(0, 10),
  begins,
});
