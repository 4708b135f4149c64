import { wordsOf } from './errors.ts';

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

export function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

/**
 * An error of a socket, or of the library above it, in words a person can act on.
 * @param library what messages of that library mean
 */
export function reasonOf(error: unknown, library: readonly [RegExp, string][] = []): string {
  if (error instanceof AggregateError && error.errors.length > 0) return reasonOf(error.errors[0], library);
  const known = socketReasons[codeOf(error) ?? ''];
  if (known !== undefined) return known;
  const message = wordsOf(error);
  return library.find(([pattern]) => pattern.test(message))?.[1] ?? message;
}
