import type { Duplex } from 'node:stream';
import type { Presented } from '../../base/helper-request.ts';
import type { DatabaseAddress } from '../checks/types.ts';

/** How a login becomes root: by any command through sudo, or by a helper that knows a few verbs and wants orders. */
export type Become = 'sudo' | 'helper';

/** Where a node's SSH server is and how to prove both sides. Paths are absolute; `~` is already expanded. */
export interface Host {
  name: string;
  address: string;
  port: number;
  user: string;
  keyFile: string;
  knownHostsFile: string;
  /** `sudo` when absent. */
  become?: Become;
  /** Another host of the same shape to go through; its key is verified as well. */
  jump?: Host;
}

/**
 * One remote command as a value. `script` is fixed text fed to `sh -s` on stdin (never built from user input);
 * `args` reach it as `$1…` and are quoted by the shell rim alone.
 */
export interface Command {
  /** What it is called in logs and error messages, e.g. `observe`. */
  name: string;
  script: string;
  args: string[];
  /** Run as root through `sudo -n`. */
  sudo: boolean;
  /** Milliseconds; enforced on the node by `timeout -k` and here by a deadline a little later. */
  timeoutMs: number;
  /** Milliseconds from `run`; what could not be sent by then is not sent: a stop rests on what was seen just before. */
  sendWithinMs?: number;
  /** It changes nothing on the node. */
  looks?: true;
  /** Over a connection made for it, so that the host key is checked now: a kept one would hide that it changed. */
  fresh?: true;
  /** For a node with a helper: what allows it. */
  presented?: Presented;
  /** Local path of a file whose content follows the request. */
  file?: string;
  /** What the node gives away: a line `@@zw content BYTES` of its output, and so much behind it, goes into a file. */
  into?: Into;
}

export interface Into {
  /** Local path of a file that is not there yet. */
  path: string;
  /** Bytes. */
  most: number;
}

/** What came back. Only `exited` with code 0 is success; `lost` means that nobody knows. */
export type Outcome =
  | { is: 'exited'; code: number; stdout: string; stderr: string }
  | { is: 'signalled'; signal: string; stdout: string; stderr: string }
  /** Never reached the node: nothing was sent, so nothing happened there. */
  | { is: 'unreachable'; reason: string }
  /** Sent, but the end was not seen (connection lost, deadline): the effect may or may not have happened. */
  | { is: 'lost'; reason: string; stdout: string; stderr: string };

export type Transfer =
  | { is: 'sent'; bytes: number }
  | { is: 'unreachable'; reason: string }
  /** `reason` in words a person can act on, e.g. "no space left". */
  | { is: 'failed'; reason: string };

/** A way on from a node, as if what connects were there. */
export interface Forwarding {
  /** @throws Declined when the node, or what it reached, said no; Unreachable when nobody could be asked */
  forward(node: string, host: string, port: number): Promise<Duplex>;
}

/** The one door to nodes over SSH; one pooled connection per node. */
export interface Shell {
  run(node: string, command: Command, signal?: AbortSignal): Promise<Outcome>;
  /**
   * Sends a file of this machine, or what is in memory alone, over SFTP (pipelined, fsynced when the server offers it) to `remotePath`, relative to the login
   * directory or absolute; creates the parent directory with mode 0700.
   */
  put(node: string, from: string | Buffer, remotePath: string, signal?: AbortSignal): Promise<Transfer>;
  /** How root is become there: over a helper no file goes by `put`. `sudo` when absent. */
  becomes?(node: string): Become;
  close(): Promise<void>;
}

/** `refused`: it, or its machine, said no. `silent`: nobody can tell. Neither was redacted. */
export type DatabaseAnswer =
  | { is: 'rows'; rows: unknown }
  | { is: 'refused'; detail: string }
  | { is: 'silent'; detail: string };

/** One query, asked from a node's place, in a transaction that may only read. Never throws. */
export type AskDatabase = (
  node: string,
  address: DatabaseAddress,
  query: string,
  withinMs: number,
) => Promise<DatabaseAnswer>;
