import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Algorithms, Client, NegotiatedAlgorithms, ParsedKey, PublicKeyAuthMethod } from 'ssh2';
import ssh2 from 'ssh2';
import type { HostKeyCheck } from './host-key.ts';
import { hostKeyCheck } from './host-key.ts';
import { readKey } from './keys.ts';
import { reasonOf, seconds, Unreachable } from './reasons.ts';
import type { Host } from './types.ts';

/** One authenticated SSH connection whose host key was checked. */
export interface Connection {
  readonly client: Client;
  readonly host: Host;
  readonly negotiated: NegotiatedAlgorithms | null;
  alive(): boolean;
  /** Why it ended, in words. */
  reason(): string;
  /** Runs once when it has ended; at once when it has ended already. Returns the function that takes it back. */
  onEnd(listener: () => void): () => void;
  end(): void;
  destroy(reason: string): void;
}

export interface DialOptions {
  connectTimeoutMs: number;
  passphrase?: string | undefined;
}

const algorithms = {
  kex: [
    'curve25519-sha256',
    'curve25519-sha256@libssh.org',
    'ecdh-sha2-nistp256',
    'ecdh-sha2-nistp384',
    'ecdh-sha2-nistp521',
    'diffie-hellman-group-exchange-sha256',
    'diffie-hellman-group16-sha512',
    'diffie-hellman-group14-sha256',
  ],
  cipher: ['aes128-gcm@openssh.com', 'aes256-gcm@openssh.com', 'aes128-ctr', 'aes192-ctr', 'aes256-ctr'],
  hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
  compress: ['none'],
} satisfies Algorithms;

function connectionOf(client: Client, host: Host): Connection & { negotiated: NegotiatedAlgorithms | null } {
  const listeners = new Set<() => void>();
  let ended: string | null = null;
  let heard: string | null = null;
  client.on('error', (error) => {
    heard ??= reasonOf(error);
  });
  const close = () => {
    if (ended !== null) return;
    ended = heard ?? 'the connection was lost';
    for (const listener of [...listeners]) listener();
    listeners.clear();
  };
  client.on('close', close);
  return {
    client,
    host,
    negotiated: null,
    alive: () => ended === null && heard === null,
    reason: () => ended ?? heard ?? 'the connection was lost',
    onEnd(listener) {
      if (ended !== null) listener();
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end: () => {
      client.end();
    },
    destroy(reason) {
      heard ??= reason;
      client.destroy();
    },
  };
}

function failure(connection: Connection, check: HostKeyCheck): Unreachable {
  const refusal = check.refusal();
  if (refusal !== null) return new Unreachable(refusal);
  const reason = connection.reason();
  return new Unreachable(/no matching host key/i.test(reason) ? check.mismatch() : reason);
}

function handshake(
  connection: Connection & { negotiated: NegotiatedAlgorithms | null },
  sock: Duplex,
  key: ParsedKey,
  check: HostKeyCheck,
  timeoutMs: number,
): Promise<void> {
  const { client, host } = connection;
  const login: PublicKeyAuthMethod = { type: 'publickey', username: host.user, key };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => connection.destroy(`timed out after ${seconds(timeoutMs)}`), timeoutMs);
    const unsubscribe = connection.onEnd(() => {
      clearTimeout(timer);
      sock.destroy();
      reject(failure(connection, check));
    });
    client.on('handshake', (negotiated) => {
      connection.negotiated ??= negotiated;
    });
    client.once('ready', () => {
      clearTimeout(timer);
      unsubscribe();
      resolve();
    });
    client.connect({
      sock,
      username: host.user,
      authHandler: [login],
      algorithms: { ...algorithms, serverHostKey: check.algorithms },
      // Only `false` denies, and a promise would be taken for a yes: this must stay synchronous and strictly boolean.
      hostVerifier: (shown: Buffer) => check.accept(shown) === true,
      readyTimeout: timeoutMs,
      keepaliveInterval: 5000,
      keepaliveCountMax: 3,
    });
  });
}

/** A TCP socket of our own, because the library would leave Nagle's algorithm on: 40 ms per command. */
export function tcp(host: Host): Duplex {
  return connect({ host: host.address, port: host.port, noDelay: true });
}

/**
 * Connects, checks the host key, logs in with the public key. Throws Unreachable with the reason in words; until the
 * host key is accepted nothing but the key exchange is sent.
 */
export async function dial(
  host: Host,
  open: () => Duplex | Promise<Duplex>,
  options: DialOptions,
): Promise<Connection> {
  const [key, check] = await Promise.all([readKey(host.keyFile, options.passphrase), hostKeyCheck(host)]);
  const sock = await open();
  const connection = connectionOf(new ssh2.Client(), host);
  await handshake(connection, sock, key, check, options.connectTimeoutMs);
  return connection;
}
