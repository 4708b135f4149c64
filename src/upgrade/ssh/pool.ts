import type { ConnectionsOptions, Use } from './connections.ts';
import { createConnections, keyOf } from './connections.ts';
import type { Limiter } from './limiter.ts';
import { createLimiter } from './limiter.ts';
import { unsent } from './reasons.ts';
import type { Host } from './types.ts';

/** One session on a pooled connection. */
export type Lease = Use;

export interface PoolOptions extends ConnectionsOptions {
  /** Sessions at once per node. */
  maxSessions: number;
}

export interface Pool {
  /** Waits for a free session, dials when needed. Rejects with Unreachable, also on abort. */
  lease(host: Host, signal?: AbortSignal): Promise<Lease>;
  /** For what is no session: sshd counts those alone. */
  share(host: Host): Promise<Use>;
  /** What is leased from now on goes over a connection that is made now. */
  renew(host: Host): void;
  close(): Promise<void>;
}

/** Resolves with a use that nobody waits for any more by giving it back. */
function unlessAborted(wanted: Promise<Use>, signal?: AbortSignal): Promise<Use> {
  if (!signal) return wanted;
  return new Promise((resolve, reject) => {
    const abort = () => {
      reject(unsent(signal));
      wanted.then((use) => use.release()).catch(() => {});
    };
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    const heard = () => signal.removeEventListener('abort', abort);
    wanted.then(resolve, reject).finally(heard);
  });
}

/** Connections with a queue each, since sshd refuses more than ten sessions on one. */
export function createPool(options: PoolOptions): Pool {
  const connections = createConnections(options);
  const limiters = new Map<string, Limiter>();
  const limiterOf = (host: Host): Limiter => {
    const key = keyOf(host);
    const limiter = limiters.get(key) ?? createLimiter(options.maxSessions);
    limiters.set(key, limiter);
    return limiter;
  };

  return {
    async lease(host, signal) {
      const leave = await limiterOf(host).acquire(signal);
      try {
        const use = await unlessAborted(connections.share(host), signal);
        const release = () => {
          use.release();
          leave();
        };
        return { ...use, release };
      } catch (error) {
        leave();
        throw error;
      }
    },
    share: connections.share,
    renew: connections.renew,
    close: connections.close,
  };
}
