import { codeOf, reasonOf as socketReasonOf } from '../../base/reasons.ts';

/** Nothing was sent to the node. `message` says why, in words. */
export class Unreachable extends Error {
  override readonly name = 'Unreachable';
}

const isOutOfTime = ({ reason }: AbortSignal): boolean => reason instanceof Error && reason.name === 'TimeoutError';

/** Why it ended before anything was sent: somebody called it off, or nobody waits any longer for what a silent node says. */
export const unsent = (signal: AbortSignal): Unreachable =>
  new Unreachable(isOutOfTime(signal) ? 'no answer in time' : 'cancelled before anything was sent');

/** The same of a command that was sent. */
export const unheard = (signal: AbortSignal, command: string): string =>
  isOutOfTime(signal) ? `no end of ${command} in time` : `${command} was cancelled while it ran`;

const libraryReasons: [RegExp, string][] = [
  [/All configured authentication methods failed/, 'permission denied (public key)'],
  [/Keepalive timeout/, 'the node stopped answering'],
  [/Connection lost before handshake/, 'the connection was closed before the SSH handshake'],
  [/Invalid identification string|Protocol version/i, 'the port does not speak SSH 2'],
  [/Channel open failure: open failed/, 'the node refused another session'],
  [/Channel open failure: Connection refused/, 'connection refused'],
  [/Not connected|No response from server/, 'the connection was lost'],
];

const fileReasons: Record<string, string> = {
  ENOENT: 'it does not exist',
  EACCES: 'permission denied',
  EISDIR: 'it is a folder',
};

/** An error of a socket or of the SSH library, in words a person can act on. */
export function reasonOf(error: unknown): string {
  return socketReasonOf(error, libraryReasons);
}

/** An error of the local file system, in words. */
export function fileReasonOf(error: unknown): string {
  const code = codeOf(error);
  return fileReasons[code ?? ''] ?? code ?? reasonOf(error);
}
