import { wordsOf } from '../../base/errors.ts';
/** Nothing was sent to the node. `message` says why, in words. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

const socketReasons: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'the connection was lost',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'connection timed out',
  EPIPE: 'the connection was lost',
  ENOTFOUND: 'the address cannot be resolved',
  EAI_AGAIN: 'the address cannot be resolved right now',
  UND_ERR_SOCKET: 'the connection was closed',
  UND_ERR_CONNECT_TIMEOUT: 'connection timed out',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'the answer was cut short',
};

const libraryReasons: [RegExp, string][] = [
  [/All configured authentication methods failed/, 'permission denied (public key)'],
  [/Keepalive timeout/, 'the node stopped answering'],
  [/Connection lost before handshake/, 'the connection was closed before the SSH handshake'],
  [/Invalid identification string|Protocol version/i, 'the port does not speak SSH 2'],
  [/Channel open failure: open failed/, 'the node refused another session'],
  [/Channel open failure: Connection refused/, 'connection refused'],
  [/does not match the HTTP/, 'the port does not speak HTTP'],
  [/Not connected|No response from server/, 'the connection was lost'],
];

export function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

const fileReasons: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/** An error of a socket or of the SSH library, in words a person can act on. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0]);
  const known = socketReasons[codeOf(error) ?? ''];
  if (known !== undefined) return known;
  const message = wordsOf(error);
  return libraryReasons.find(([pattern]) => pattern.test(message))?.[1] ?? message;
}

/** An error of the local file system, in words. */
export function fileReasonOf(error: unknown): string {
  const code = codeOf(error);
  return fileReasons[code ?? ''] ?? code ?? reasonOf(error);
}
