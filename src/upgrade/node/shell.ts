import type { Connection } from './dial.ts';
import { createPool } from './pool.ts';
import { reasonOf, Unreachable } from './reasons.ts';
import { execute } from './run.ts';
import { createSender } from './transfer.ts';
import type { Command, Host, Outcome, Shell, Transfer } from './types.ts';

/** Durations in milliseconds. */
export interface ShellOptions {
  /** How much later than the node's own `timeout` a command is given up here; default 8,000. */
  deadlineGraceMs?: number;
  /** For address, TCP, key exchange and login together; default 15,000. */
  connectTimeoutMs?: number;
  /** Sessions at once per node; default 8, since sshd allows 10. */
  maxSessions?: number;
  /** A connection without work is closed after this; default 300,000. */
  idleMs?: number;
  /** For encrypted key files. */
  passphrase?: string;
  /** Called for every new connection, e.g. to log what was negotiated. */
  onConnect?: (connection: Connection) => void;
}

function refusal(error: unknown): { is: 'unreachable'; reason: string } {
  if (error instanceof Unreachable) return { is: 'unreachable', reason: error.message };
  return { is: 'unreachable', reason: reasonOf(error) };
}

/** The door to these nodes, by name. Neither `run` nor `put` throws for a host's fault. */
export function createShell(hosts: Record<string, Host>, options: ShellOptions = {}): Shell {
  const pool = createPool({
    connectTimeoutMs: options.connectTimeoutMs ?? 15_000,
    maxSessions: options.maxSessions ?? 8,
    idleMs: options.idleMs ?? 300_000,
    passphrase: options.passphrase,
    onConnect: options.onConnect,
  });
  const sender = createSender();
  const hostOf = (node: string): Host => {
    const host = Object.hasOwn(hosts, node) ? hosts[node] : undefined;
    if (!host) throw new Unreachable(`no SSH host is configured for ${node}`);
    return host;
  };

  return {
    async run(node: string, command: Command, signal?: AbortSignal): Promise<Outcome> {
      try {
        const lease = await pool.lease(hostOf(node), signal);
        return await execute(lease, command, options.deadlineGraceMs ?? 8000, signal);
      } catch (error) {
        return refusal(error);
      }
    },
    async put(node: string, localPath: string, remotePath: string, signal?: AbortSignal): Promise<Transfer> {
      try {
        const host = hostOf(node);
        return await sender.send(() => pool.lease(host, signal), localPath, remotePath, signal);
      } catch (error) {
        return refusal(error);
      }
    },
    close: () => pool.close(),
  };
}
