/** The same wish arrives several times: a terminal sends Ctrl-C to everybody, and npm passes it on once more. */
const sameWishMs = 2_000;

export interface Stopping {
  /** What asks for the end; Ctrl-C and SIGTERM when absent. A closed terminal sends SIGHUP, which a service under nohup must survive. */
  signals?: NodeJS.Signals[];
  /** Told once, when the end is asked for. */
  onAsked?(): void;
}

/**
 * Does something that a signal asks to end early, in order; a second wish, later than the echoes of the first, ends the
 * process at once.
 * @param work undoes what it began before it ends, also when it throws
 * @returns null when `work` ended by throwing the signal's reason
 */
export async function stoppable<T>(work: (asked: AbortSignal) => Promise<T>, options: Stopping = {}) {
  const asked = new AbortController();
  const since = { at: 0 };
  const hear = () => {
    if (!asked.signal.aborted) {
      since.at = performance.now();
      options.onAsked?.();
      asked.abort();
    } else if (performance.now() - since.at > sameWishMs) process.exit(130);
  };
  // Never taken off again: an echo that comes while the process ends must not change how it ends.
  for (const signal of options.signals ?? ['SIGINT', 'SIGTERM']) process.on(signal, hear);
  try {
    return await work(asked.signal);
  } catch (error) {
    if (asked.signal.aborted && error === asked.signal.reason) return null;
    throw error;
  }
}

/**
 * Runs a role until a signal asks for the end, also while it still starts, or until it is `lost`: what that rejects with
 * is thrown. @param start undoes what it began when it throws
 */
export async function live(
  start: (asked: AbortSignal) => Promise<{ close(): Promise<void>; lost?: Promise<never> }>,
  options: Stopping = {},
): Promise<void> {
  await stoppable(async (asked) => {
    const alive = await start(asked);
    try {
      await Promise.race([aborted(asked), ...(alive.lost === undefined ? [] : [alive.lost])]);
    } finally {
      await alive.close();
    }
  }, options);
}

export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
