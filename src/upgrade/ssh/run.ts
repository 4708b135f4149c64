import { createReadStream } from 'node:fs';
import type { ClientChannel } from 'ssh2';
import { inSeconds } from '../../base/duration.ts';
import { createCapture } from './capture.ts';
import { type Content, openContent } from './content.ts';
import type { Lease } from './pool.ts';
import { commandLine, stdinOf } from './quote.ts';
import { reasonOf, unheard, unsent } from './reasons.ts';
import type { Command, Outcome } from './types.ts';

/** How long the output may stay open after the command has ended: a child in the background may hold it. */
const outputGraceMs = 2000;

type Exit = { is: 'exited'; code: number } | { is: 'signalled'; signal: string };

interface Followed {
  stdout(): string;
  stderr(): string;
}

/**
 * Drains a channel to its end. `onEnd` hears the exit, or null when the channel closed without one: a lost connection
 * closes it with no code at all, which must never read as 0. `onClosed` comes last; either may come more than once.
 */
function follow(
  channel: ClientChannel,
  onEnd: (exit: Exit | null) => void,
  onClosed: () => void,
  textOf: (chunk: Buffer) => Buffer,
): Followed {
  const stdout = createCapture();
  const stderr = createCapture();
  let exit: Exit | null = null;
  let grace: NodeJS.Timeout | null = null;
  let streams = 2;
  const settle = () => {
    if (exit && streams === 0) onEnd(exit);
  };
  const ended = () => {
    streams -= 1;
    settle();
  };
  channel.on('error', () => {});
  channel.on('data', (chunk: Buffer) => stdout.push(textOf(chunk))).on('end', ended);
  channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk)).on('end', ended);
  channel.on('exit', (code: number | null, signal?: string) => {
    exit = code === null ? { is: 'signalled', signal: signal ?? 'unknown' } : { is: 'exited', code };
    settle();
    grace = setTimeout(() => {
      onEnd(exit);
      channel.close();
    }, outputGraceMs);
  });
  channel.on('close', () => {
    if (grace) clearTimeout(grace);
    onEnd(exit);
    onClosed();
  });
  return { stdout: () => stdout.text(), stderr: () => stderr.text() };
}

/** What half a file leads to is up to the other side, which knows how much was announced. */
function send(channel: ClientChannel, text: string, file: string | undefined): void {
  if (file === undefined) {
    channel.end(text);
    return;
  }
  channel.write(text);
  const content = createReadStream(file);
  content.on('error', () => channel.end());
  channel.on('close', () => content.destroy());
  content.pipe(channel);
}

/**
 * Runs one command on a leased session and says what came of it; never rejects. The session is given back when the
 * node has closed it. An abort or a deadline leaves it to the node's own `timeout` to end the command.
 */
export function execute(
  lease: Lease,
  command: Command,
  deadlineGraceMs: number,
  signal?: AbortSignal,
  isLate: () => boolean = () => false,
): Promise<Outcome> {
  const { connection } = lease;
  const { become } = connection.host;
  return new Promise((resolve) => {
    let settled = false;
    let sent: Followed | null = null;
    let content: Content | null = null;
    const output = () => ({ stdout: sent?.stdout() ?? '', stderr: sent?.stderr() ?? '' });
    const settle = (outcome: Outcome) => {
      settled = true;
      content?.close();
      clearTimeout(deadline);
      signal?.removeEventListener('abort', abort);
      resolve(outcome);
    };
    const fail = (reason: string) => settle(sent ? { is: 'lost', reason, ...output() } : { is: 'unreachable', reason });
    const giveBack = () => {
      unsubscribe();
      lease.release();
    };

    const limitMs = command.timeoutMs + deadlineGraceMs;
    const deadline = setTimeout(() => {
      fail(`${sent ? `no end of ${command.name}` : 'no session'} within ${inSeconds(limitMs, 1)}`);
      connection.destroy(`${command.name} overran its deadline`);
    }, limitMs);
    const abort = () => {
      if (signal) fail(sent ? unheard(signal, command.name) : unsent(signal).message);
      lease.retire();
      giveBack();
    };
    const unsubscribe = connection.onEnd(() => {
      fail(connection.reason());
      lease.release();
    });

    const started = (error: Error | undefined, channel: ClientChannel) => {
      if (error) {
        fail(`no session: ${reasonOf(error)}`);
        return giveBack();
      }
      if (settled) return channel.close();
      if (isLate()) {
        fail(`no session within the ${inSeconds(command.sendWithinMs ?? 0, 1)} in which ${command.name} may be sent`);
        channel.close();
        return giveBack();
      }
      const onEnd = (exit: Exit | null) =>
        exit ? settle({ ...exit, ...output() }) : fail('the session was closed without a result');
      const kept = command.into === undefined ? null : openContent(command.into);
      content = kept;
      sent = follow(channel, onEnd, giveBack, (chunk) => kept?.text(chunk) ?? chunk);
      send(channel, stdinOf(command, become), command.file);
    };

    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      connection.client.exec(commandLine(command, become), started);
    } catch (error) {
      fail(reasonOf(error));
      giveBack();
    }
  });
}
