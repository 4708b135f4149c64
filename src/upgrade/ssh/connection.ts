import type { Duplex } from 'node:stream';
import type { Client, NegotiatedAlgorithms } from 'ssh2';
import { reasonOf } from './reasons.ts';
import type { Host } from './types.ts';

/** One authenticated SSH connection whose host key was checked. */
export interface Connection {
  readonly client: Client;
  readonly host: Host;
  /** What both sides agreed on; null before the key exchange. */
  negotiated(): NegotiatedAlgorithms | null;
  alive(): boolean;
  /** Why it ended, in words. */
  reason(): string;
  /** Calls back once when it has ended; at once when it has ended already. Returns the function that takes it back. */
  onEnd(listener: () => void): () => void;
  /** Says goodbye. */
  end(): void;
  /** Ends it at once, whatever the peer does. */
  destroy(reason: string): void;
}

/** Watches a client for its whole life: an `error` that nobody hears would end the process. */
export function connectionOf(client: Client, host: Host, sock: Duplex): Connection {
  const listeners = new Set<() => void>();
  let ended = false;
  let reason: string | null = null;
  let negotiated: NegotiatedAlgorithms | null = null;
  const close = () => {
    if (ended) return;
    ended = true;
    for (const listener of [...listeners]) listener();
    listeners.clear();
  };
  client.on('error', (error) => {
    reason ??= reasonOf(error);
  });
  client.on('handshake', (agreed) => {
    negotiated = agreed;
  });
  client.on('close', close);
  return {
    client,
    host,
    negotiated: () => negotiated,
    alive: () => !ended && reason === null && sock.writable,
    reason: () => reason ?? 'the connection was lost',
    onEnd(listener) {
      if (ended) listener();
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end: () => void client.end(),
    destroy(why) {
      reason ??= why;
      client.destroy();
      sock.destroy();
      close();
    },
  };
}

/** Says goodbye and resolves when the connection has ended, after two seconds in any case. */
export function ended(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => connection.destroy('the shell was closed'), 2000);
    connection.onEnd(() => {
      clearTimeout(timer);
      resolve();
    });
    connection.end();
  });
}
