import { setMaxListeners } from 'node:events';
import type { Connection } from './connection.ts';
import { forwardFrom } from './forward.ts';
import { createPinFiles } from './pin-files.ts';
import { createPool } from './pool.ts';
import { reasonOf, Unreachable } from './reasons.ts';
import { execute } from './run.ts';
import { createSender } from './transfer.ts';
import type { Command, Forwarding, Host, Outcome, Shell, Transfer } from './types.ts';

/** Durations in milliseconds. */
export interface ShellOptions {
  /** How much later than the node's own `timeout` a command is given up here; default 8,000. */
  deadlineGraceMs?: number;
  /** For address, TCP, key exchange and login together; default 10,000. */
  connectTimeoutMs?: number;
  /** A connection is given up after three of these in silence; default 5,000. */
  keepaliveMs?: number;
  /** Sessions at once per node; default 8, since sshd allows 10. */
  maxSessions?: number;
  /** A connection without work is closed after this; default 300,000. */
  idleMs?: number;
  /** How young a jump host's connection must be to serve what wants a fresh one; default 5,000. */
  jumpFreshMs?: number;
  /** Transfers at once over all nodes; default 8. */
  maxTransfers?: number;
  /** A transfer without progress is given up after this; default 30,000. */
  stallMs?: number;
  /** A transfer is given up after this in any case; default 600,000. */
  transferTimeoutMs?: number;
  /** For encrypted key files. */
  passphrase?: string;
  /** Called for every new connection, e.g. to log what was negotiated. */
  onConnect?: (connected: Connected) => void;
}

/** A connection that was just made, and the algorithms that both sides agreed on. */
export interface Connected {
  node: string;
  kex: string;
  hostKey: string;
  cipher: string;
}

function describe(connection: Connection): Connected {
  const agreed = connection.negotiated();
  return {
    node: connection.host.name,
    kex: agreed?.kex ?? '',
    hostKey: agreed?.serverHostKey ?? '',
    cipher: agreed?.cs.cipher ?? '',
  };
}

function refusal(error: unknown): { is: 'unreachable'; reason: string } {
  if (error instanceof Unreachable) return { is: 'unreachable', reason: error.message };
  return { is: 'unreachable', reason: reasonOf(error) };
}

/** One signal may stop the work on hundreds of nodes, which Node would report as a leak. */
function manyListeners(signal: AbortSignal | undefined): void {
  if (signal) setMaxListeners(0, signal);
}

/** Shorter than anybody waits for an answer, so that a node which cannot be reached is named as such. */
const connectTimeoutMs = 10_000;

/** The door to these nodes, by name. Neither `run` nor `put` throws for a host's fault. */
export function createShell(hosts: Record<string, Host>, options: ShellOptions = {}): Shell & Forwarding {
  const pool = createPool({
    connectTimeoutMs: options.connectTimeoutMs ?? connectTimeoutMs,
    keepaliveMs: options.keepaliveMs ?? 5000,
    maxSessions: options.maxSessions ?? 8,
    idleMs: options.idleMs ?? 300_000,
    jumpFreshMs: options.jumpFreshMs ?? 5_000,
    passphrase: options.passphrase,
    readPins: createPinFiles(),
    onConnect(connection) {
      try {
        options.onConnect?.(describe(connection));
      } catch {
        // Whoever only watches must not break the connection.
      }
    },
  });
  const sender = createSender({
    atOnce: options.maxTransfers ?? 8,
    stallMs: options.stallMs ?? 30_000,
    limitMs: options.transferTimeoutMs ?? 600_000,
  });
  const deadlineGraceMs = options.deadlineGraceMs ?? 8000;
  const hostOf = (node: string): Host => {
    const host = Object.hasOwn(hosts, node) ? hosts[node] : undefined;
    if (!host) throw new Unreachable(`no SSH host is configured for ${node}`);
    return host;
  };

  return {
    async run(node: string, command: Command, signal?: AbortSignal): Promise<Outcome> {
      manyListeners(signal);
      const { sendWithinMs } = command;
      const latest = sendWithinMs === undefined ? Number.POSITIVE_INFINITY : performance.now() + sendWithinMs;
      const isLate = () => performance.now() > latest;
      try {
        const host = hostOf(node);
        if (command.fresh) pool.renew(host);
        const lease = await pool.lease(host, signal);
        const outcome = await execute(lease, command, deadlineGraceMs, signal, isLate);
        const stale = outcome.is === 'unreachable' && lease.reused && !lease.connection.alive();
        if (!stale || signal?.aborted) return outcome;
        // A kept connection had died unnoticed and nothing was sent over it: a fresh one may do.
        return await execute(await pool.lease(host, signal), command, deadlineGraceMs, signal, isLate);
      } catch (error) {
        return refusal(error);
      }
    },
    async put(node: string, from: string | Buffer, remotePath: string, signal?: AbortSignal): Promise<Transfer> {
      manyListeners(signal);
      try {
        const host = hostOf(node);
        return await sender.send(() => pool.lease(host, signal), from, remotePath, signal);
      } catch (error) {
        return refusal(error);
      }
    },
    forward: async (node, host, port) => forwardFrom(await pool.share(hostOf(node)), host, port),
    becomes: (node) => hosts[node]?.become ?? 'sudo',
    close: () => pool.close(),
  };
}
