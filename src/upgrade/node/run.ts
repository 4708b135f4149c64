import type { ClientChannel } from 'ssh2';
import { createCapture } from './capture.ts';
import type { Lease } from './pool.ts';
import { commandLine, stdinOf } from './quote.ts';
import { reasonOf, seconds } from './reasons.ts';
import type { Command, Outcome } from './types.ts';

/** How long the output may stay open after the command has ended: a child in the background may hold it. */
const outputGraceMs = 2000;

/**
 * Runs one command on a leased session and says what came of it; never rejects. The session is given back when the
 * node has closed it. An abort or a deadline leaves the node's own `timeout` to end the command.
 */
export function execute(
  lease: Lease,
  command: Command,
  deadlineGraceMs: number,
  signal?: AbortSignal,
): Promise<Outcome> {
  const { connection } = lease;
  const stdout = createCapture();
  const stderr = createCapture();
  let sent = false;

  return new Promise((resolve) => {
    let settled = false;
    let timer: NodeJS.Timeout | null = null;
    const settle = (outcome: Outcome) => {
      if (settled) return;
      settled = true;
      if (timer) clearTimeout(timer);
      clearTimeout(deadline);
      signal?.removeEventListener('abort', abort);
      unsubscribe();
      resolve(outcome);
    };
    const output = () => ({ stdout: stdout.text(), stderr: stderr.text() });
    const fail = (reason: string) => settle(sent ? { is: 'lost', reason, ...output() } : { is: 'unreachable', reason });

    const limitMs = command.timeoutMs + deadlineGraceMs;
    const deadline = setTimeout(() => {
      fail(`no end of ${command.name} within ${seconds(limitMs)}`);
      connection.destroy('a command overran its deadline');
      lease.release();
    }, limitMs);
    const abort = () => {
      fail(sent ? `${command.name} was cancelled while it ran` : 'cancelled before anything was sent');
      lease.retire();
      lease.release();
    };
    const unsubscribe = connection.onEnd(() => {
      fail(connection.reason());
      lease.release();
    });

    const attach = (channel: ClientChannel) => {
      let exit: Outcome | null = null;
      let open = 2;
      const finish = () => {
        if (exit) settle({ ...exit, ...output() });
      };
      const ended = () => {
        open -= 1;
        if (open === 0) finish();
      };
      channel.on('error', () => {});
      channel.on('data', (chunk: Buffer) => stdout.push(chunk)).on('end', ended);
      channel.stderr.on('data', (chunk: Buffer) => stderr.push(chunk)).on('end', ended);
      channel.on('exit', (code: number | null, name?: string) => {
        exit =
          code === null
            ? { is: 'signalled', signal: name ?? 'unknown', stdout: '', stderr: '' }
            : { is: 'exited', code, stdout: '', stderr: '' };
        if (open === 0) finish();
        timer = setTimeout(() => {
          finish();
          channel.close();
        }, outputGraceMs);
      });
      channel.on('close', () => {
        if (exit) finish();
        else fail('the session was closed without a result');
        lease.release();
      });
      sent = true;
      channel.end(stdinOf(command));
    };

    if (signal?.aborted) return abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      connection.client.exec(commandLine(command), (error, channel) => {
        if (error) {
          fail(`no session: ${reasonOf(error)}`);
          lease.release();
        } else if (settled) channel.close();
        else attach(channel);
      });
    } catch (error) {
      fail(reasonOf(error));
      lease.release();
    }
  });
}
