import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Algorithms, ParsedKey, PublicKeyAuthMethod } from 'ssh2';
import ssh2 from 'ssh2';
import { inSeconds } from '../../base/duration.ts';
import { type Connection, connectionOf } from './connection.ts';
import type { HostKeyCheck } from './host-key.ts';
import { hostKeyCheck } from './host-key.ts';
import { readKey } from './keys.ts';
import type { ReadPins } from './pin-files.ts';
import { Unreachable } from './reasons.ts';
import type { Host } from './types.ts';

export interface DialOptions {
  /** For address, TCP, key exchange and login together, ms. */
  connectTimeoutMs: number;
  /** Pause between two signs of life asked of the node, ms; after three in silence the connection is given up. */
  keepaliveMs: number;
  readPins: ReadPins;
  passphrase?: string | undefined;
}

/** What the library can do, without SHA-1 and CBC; curve25519 and AES-GCM first, since they are the fastest here. */
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

function failure(connection: Connection, check: HostKeyCheck): Unreachable {
  const reason = connection.reason();
  if (/no matching (server )?host key/i.test(reason)) return new Unreachable(check.mismatch());
  return new Unreachable(check.refusal() ?? reason);
}

function login(
  connection: Connection,
  sock: Duplex,
  key: ParsedKey,
  check: HostKeyCheck,
  options: DialOptions,
): Promise<void> {
  const { client, host } = connection;
  const method: PublicKeyAuthMethod = { type: 'publickey', username: host.user, key };
  return new Promise((resolve, reject) => {
    const unsubscribe = connection.onEnd(() => reject(failure(connection, check)));
    client.once('ready', () => {
      unsubscribe();
      resolve();
    });
    client.connect({
      sock,
      username: host.user,
      authHandler: [method],
      algorithms: { ...algorithms, serverHostKey: check.algorithms },
      // Only `false` denies, and a promise would be taken for a yes: this must stay synchronous and strictly boolean.
      hostVerifier: (shown: Buffer) => check.accept(shown) === true,
      // The dial as a whole has its own limit.
      readyTimeout: 0,
      keepaliveInterval: options.keepaliveMs,
      keepaliveCountMax: 2,
    });
  });
}

/** A TCP socket of our own, because the library would leave Nagle's algorithm on: 40 ms per command. */
export function tcp(host: Host): Promise<Duplex> {
  return Promise.resolve(connect({ host: host.address, port: host.port, noDelay: true }));
}

/**
 * Connects over the socket that `open` gives, checks the host key, logs in with the public key. Throws Unreachable
 * with the reason in words; until the host key is accepted nothing but the key exchange is sent.
 */
export async function dial(
  host: Host,
  open: () => Promise<Duplex>,
  options: DialOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const [key, check] = await Promise.all([
    readKey(host.keyFile, options.passphrase),
    hostKeyCheck(host, options.readPins),
  ]);
  const timeoutMs = options.connectTimeoutMs;
  let over: string | null = null;
  let connection: Connection | null = null;
  const work = open().then(async (sock) => {
    connection = connectionOf(new ssh2.Client(), host, sock);
    if (over !== null) connection.destroy(over);
    else await login(connection, sock, key, check, options);
    return connection;
  });
  return new Promise((resolve, reject) => {
    const giveUp = (reason: string) => {
      over = reason;
      reject(new Unreachable(reason));
      connection?.destroy(reason);
    };
    const timer = setTimeout(() => giveUp(`timed out after ${inSeconds(timeoutMs, 1)}`), timeoutMs);
    const close = () => giveUp('the shell is closed');
    signal.addEventListener('abort', close, { once: true });
    work.then(resolve, reject).finally(() => {
      clearTimeout(timer);
      signal.removeEventListener('abort', close);
    });
  });
}
