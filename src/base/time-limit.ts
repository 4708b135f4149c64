import type { Clock } from './clock.ts';

/** A limit that runs by a clock: `signal` aborts after it, unless `lift` was called before. */
export interface TimeLimit {
  signal: AbortSignal;
  lift(): void;
}

/** Nobody reads why it was lifted; an error of its own would cost more than the limit did. */
const unread = 'lifted';

/** @param ms from now */
export function timeLimit(clock: Pick<Clock, 'sleep'>, ms: number): TimeLimit {
  const over = new AbortController();
  const lifted = new AbortController();
  clock.sleep(ms, lifted.signal).then(
    () => over.abort(new DOMException('the time is over', 'TimeoutError')),
    () => undefined,
  );
  return { signal: over.signal, lift: () => lifted.abort(unread) };
}
