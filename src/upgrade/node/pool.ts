import type { Duplex } from 'node:stream';
import type { Connection, DialOptions } from './dial.ts';
import { dial, tcp } from './dial.ts';
import type { Limiter } from './limiter.ts';
import { createLimiter } from './limiter.ts';
import { reasonOf, Unreachable } from './reasons.ts';
import type { Host } from './types.ts';

/** One session on a pooled connection. */
export interface Lease {
  connection: Connection;
  /** Gives the session back; calling it twice is harmless. */
  release(): void;
  /** No new session on this connection: something on the node may still hold one. */
  retire(): void;
}

export interface PoolOptions extends DialOptions {
  maxSessions: number;
  idleMs: number;
  onConnect?: ((connection: Connection) => void) | undefined;
}

export interface Pool {
  /** Waits for a free session, dials when needed. Rejects with Unreachable. */
  lease(host: Host, signal?: AbortSignal): Promise<Lease>;
  close(): Promise<void>;
}

interface Pooled {
  connection: Connection;
  users: number;
  retired: boolean;
  idle: NodeJS.Timeout | null;
}

function keyOf(host: Host): string {
  const own = [host.name, host.user, host.address, host.port, host.keyFile, host.knownHostsFile].join('\n');
  return host.jump ? `${own}\nvia\n${keyOf(host.jump)}` : own;
}

/** Rejects with Unreachable as soon as the signal fires; the promise itself goes on for the others who wait for it. */
function abortable<T>(promise: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(new Unreachable('cancelled before anything was sent'));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

export function createPool(options: PoolOptions): Pool {
  const dialled = new Map<string, Promise<Pooled>>();
  const limiters = new Map<string, Limiter>();
  let closed = false;

  const forget = (key: string, pooled: Promise<Pooled>) => {
    if (dialled.get(key) === pooled) dialled.delete(key);
  };

  const use = (key: string, pooled: Pooled): Lease => {
    pooled.users += 1;
    if (pooled.idle) clearTimeout(pooled.idle);
    let given = false;
    return {
      connection: pooled.connection,
      retire() {
        pooled.retired = true;
        dialled.delete(key);
      },
      release() {
        if (given) return;
        given = true;
        pooled.users -= 1;
        if (pooled.users > 0) return;
        if (pooled.retired) pooled.connection.end();
        else pooled.idle = setTimeout(() => pooled.connection.end(), options.idleMs).unref();
      },
    };
  };

  const throughJump = async (host: Host, jump: Host, leases: Lease[]): Promise<Duplex> => {
    const lease = await connected(jump);
    leases.push(lease);
    return new Promise((resolve, reject) => {
      lease.connection.client.forwardOut('127.0.0.1', 0, host.address, host.port, (error, channel) => {
        if (error) reject(new Unreachable(`the jump host ${jump.name} could not connect: ${reasonOf(error)}`));
        else resolve(channel);
      });
    });
  };

  const dialOne = async (host: Host): Promise<Pooled> => {
    const leases: Lease[] = [];
    const giveBack = () => {
      for (const lease of leases) lease.release();
    };
    try {
      const { jump } = host;
      const connection = await dial(host, () => (jump ? throughJump(host, jump, leases) : tcp(host)), options);
      connection.onEnd(giveBack);
      options.onConnect?.(connection);
      return { connection, users: 0, retired: false, idle: null };
    } catch (error) {
      giveBack();
      throw error;
    }
  };

  const connected = async (host: Host): Promise<Lease> => {
    const key = keyOf(host);
    for (;;) {
      if (closed) throw new Unreachable('the shell is closed');
      let pending = dialled.get(key);
      if (!pending) {
        pending = dialOne(host);
        dialled.set(key, pending);
      }
      const mine = pending;
      const pooled = await mine.catch((error: unknown) => {
        forget(key, mine);
        throw error;
      });
      if (pooled.connection.alive() && !pooled.retired) return use(key, pooled);
      forget(key, mine);
    }
  };

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
        const lease = await abortable(connected(host), signal);
        return {
          ...lease,
          release() {
            lease.release();
            leave();
          },
        };
      } catch (error) {
        leave();
        throw error;
      }
    },
    async close() {
      closed = true;
      const all = await Promise.allSettled(dialled.values());
      dialled.clear();
      const open = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value.connection] : []));
      await Promise.all(open.map((connection) => ended(connection)));
    },
  };
}

function ended(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => connection.destroy('the shell was closed'), 2000);
    connection.onEnd(() => {
      clearTimeout(timer);
      resolve();
    });
    connection.end();
  });
}
