/** Time as an argument: wall clock, monotonic clock, and a wait that an abort ends (by rejecting). */
export interface Clock {
  /** Epoch ms. */
  now(): number;
  /** Milliseconds of a clock that never jumps. */
  monotonic(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}
