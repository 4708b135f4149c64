import { setMaxListeners } from 'node:events';
import type { Duplex } from 'node:stream';
import { type Connection, ended } from './connection.ts';
import type { DialOptions } from './dial.ts';
import { dial, tcp } from './dial.ts';
import { createLimiter } from './limiter.ts';
import { reasonOf, Unreachable } from './reasons.ts';
import type { Host } from './types.ts';

/** The right to use a shared connection. */
export interface Use {
  connection: Connection;
  /** The connection was open before. */
  reused: boolean;
  /** Calling it twice is harmless. */
  release(): void;
  /** Nobody new may use this connection: something on the node may still hold a session of it. */
  retire(): void;
}

export interface ConnectionsOptions extends DialOptions {
  /** A connection without users is closed after this, ms. */
  idleMs: number;
  /** A jump host's connection that is younger is as good as a new one, ms: many nodes ask at the same time. */
  jumpFreshMs: number;
  onConnect(connection: Connection): void;
}

export interface Connections {
  /** Shares the open connection to this host, or dials. Rejects with Unreachable. */
  share(host: Host): Promise<Use>;
  /** Whoever shares from now on gets a new connection; whoever uses the old one may end what is under way. */
  renew(host: Host): void;
  close(): Promise<void>;
}

interface Shared {
  connection: Connection;
  users: number;
  used: boolean;
  retired: boolean;
  since: number;
  idle: NodeJS.Timeout | null;
}

/** Equal for hosts that may share a connection: everything that decides who is reached, how, and with which proof. */
export function keyOf(host: Host): string {
  const own = [host.name, host.user, host.address, host.port, host.keyFile, host.knownHostsFile, host.become].join(
    '\n',
  );
  return host.jump ? `${own}\nvia\n${keyOf(host.jump)}` : own;
}

function take(shared: Shared, idleMs: number): Use {
  const reused = shared.used;
  let given = false;
  shared.used = true;
  shared.users += 1;
  if (shared.idle) clearTimeout(shared.idle);
  return {
    connection: shared.connection,
    reused,
    retire() {
      shared.retired = true;
    },
    release() {
      if (given) return;
      given = true;
      shared.users -= 1;
      if (shared.users > 0) return;
      if (shared.retired) shared.connection.end();
      else shared.idle = setTimeout(() => shared.connection.end(), idleMs).unref();
    },
  };
}

/** A channel through the jump host, which stays in use as long as the channel's connection lives. */
function forward(through: Use, jump: Host, host: Host): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    through.connection.client.forwardOut('127.0.0.1', 0, host.address, host.port, (error, channel) => {
      if (!error) resolve(channel);
      else if (/open failed/.test(error.message)) {
        reject(new Unreachable(`the jump host ${jump.name} does not allow forwarding (AllowTcpForwarding)`));
      } else reject(new Unreachable(`the jump host ${jump.name} could not connect: ${reasonOf(error)}`));
    });
  });
}

/** More key exchanges at once would only time each other out. */
const dialsAtOnce = 64;

export function createConnections(options: ConnectionsOptions): Connections {
  const dials = createLimiter(dialsAtOnce);
  const dialled = new Map<string, Promise<Shared>>();
  const open = new Set<Connection>();
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);

  const dialOne = async (host: Host, socket: () => Promise<Duplex>): Promise<Connection> => {
    const leave = await dials.acquire(closing.signal);
    try {
      return await dial(host, socket, options, closing.signal);
    } finally {
      leave();
    }
  };

  const viaJump = async (host: Host, jump: Host): Promise<Connection> => {
    const through = await share(jump).catch((error: unknown) => {
      throw new Unreachable(`jump host ${jump.name}: ${reasonOf(error)}`);
    });
    try {
      const connection = await dialOne(host, () => forward(through, jump, host));
      connection.onEnd(through.release);
      return connection;
    } catch (error) {
      through.release();
      throw error;
    }
  };

  const start = async (host: Host): Promise<Shared> => {
    const { jump } = host;
    const connection = await (jump ? viaJump(host, jump) : dialOne(host, () => tcp(host)));
    open.add(connection);
    connection.onEnd(() => open.delete(connection));
    options.onConnect(connection);
    return { connection, users: 0, used: false, retired: false, since: performance.now(), idle: null };
  };

  const share = async (host: Host): Promise<Use> => {
    const key = keyOf(host);
    for (;;) {
      if (closing.signal.aborted) throw new Unreachable('the shell is closed');
      const pending = dialled.get(key) ?? start(host);
      dialled.set(key, pending);
      const forget = () => dialled.get(key) === pending && dialled.delete(key);
      const shared = await pending.catch((error: unknown) => {
        forget();
        throw error;
      });
      if (shared.connection.alive() && !shared.retired) return take(shared, options.idleMs);
      forget();
    }
  };

  const retireOlder = (host: Host, ms: number): void => {
    const retire = (shared: Shared) => {
      if (performance.now() - shared.since < ms) return;
      shared.retired = true;
      if (shared.idle) clearTimeout(shared.idle);
      if (shared.users === 0) shared.connection.end();
    };
    // Heard before whoever shares it next, and who finds it retired then.
    dialled.get(keyOf(host))?.then(retire, () => undefined);
    if (host.jump) retireOlder(host.jump, options.jumpFreshMs);
  };

  return {
    share,
    renew: (host) => retireOlder(host, 0),
    async close() {
      closing.abort();
      await Promise.allSettled(dialled.values());
      await Promise.all([...open].map(ended));
    },
  };
}
