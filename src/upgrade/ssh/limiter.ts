import { unsent } from './reasons.ts';

export interface Limiter {
  /** Resolves to the function that gives the place back (calling it twice is harmless). An abort rejects with Unreachable. */
  acquire(signal?: AbortSignal): Promise<() => void>;
}

/** At most `places` holders at once; the others wait in order. */
export function createLimiter(places: number): Limiter {
  const waiting = new Set<() => void>();
  let taken = 0;

  const place = () => {
    taken += 1;
    let given = false;
    return () => {
      if (given) return;
      given = true;
      taken -= 1;
      const next = waiting.values().next().value;
      if (next) next();
    };
  };

  return {
    acquire(signal) {
      if (signal?.aborted) return Promise.reject(unsent(signal));
      if (taken < places) return Promise.resolve(place());
      return new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(enter);
          signal?.removeEventListener('abort', abort);
        };
        const enter = () => {
          leave();
          resolve(place());
        };
        const abort = () => {
          leave();
          if (signal) reject(unsent(signal));
        };
        waiting.add(enter);
        signal?.addEventListener('abort', abort, { once: true });
      });
    },
  };
}
