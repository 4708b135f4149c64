import { inSeconds } from '../../base/duration.ts';
import { wordsOf } from '../../base/errors.ts';
import { timeLimit } from '../../base/time-limit.ts';
import * as commands from '../host/commands.ts';
import { uploadPath } from '../host/layout.ts';
import { runScript } from '../host/look.ts';
import { failed, failedForNow, reportOf } from '../host/reports.ts';
import type { Report } from '../rollout/types.ts';
import type { Transfer } from '../ssh/types.ts';
import type { StepContext } from './types.ts';

/** Sends the archive into the rollout's own folder; a report only when that failed. What half arrived is removed. */
export async function upload(context: StepContext): Promise<Report | null> {
  const { rollout, node, attempt, shell } = context;
  if (shell.becomes?.(node.name) === 'helper') return handOver(context);
  const sent = await within(context, async (signal) => {
    const path = await archiveOf(context);
    return path.is === 'failed' ? path : shell.put(node.name, path.path, uploadPath(rollout, attempt), signal);
  });
  if (sent.is === 'sent') return null;
  await runScript(context, commands.cleanup(context, null, false));
  const noRoom = /no space|disk is full|quota/i.test(sent.reason);
  return noRoom
    ? failed('the disk of the node is full')
    : failedForNow(`the archive could not be sent: ${sent.reason}`);
}

/** A helper takes it on stdin, and only what it was announced to be. */
async function handOver(context: StepContext): Promise<Report | null> {
  const archive = await archiveOf(context);
  if (archive.is === 'failed') return failedForNow(`the archive could not be sent: ${archive.reason}`);
  const answer = await runScript(context, { ...commands.receive(context), file: archive.path });
  return answer.is === 'ok' ? null : reportOf(answer, 'retry');
}

async function archiveOf(
  context: StepContext,
): Promise<{ is: 'there'; path: string } | { is: 'failed'; reason: string }> {
  try {
    return { is: 'there', path: await context.archive() };
  } catch (error) {
    return { is: 'failed', reason: wordsOf(error) };
  }
}

/** Gives the transfer its time and no more. */
async function within(context: StepContext, send: (signal: AbortSignal) => Promise<Transfer>): Promise<Transfer> {
  const limit = context.rollout.policy.transferTimeout;
  const over = timeLimit(context.clock, limit);
  const sent = await send(AbortSignal.any([context.signal, over.signal])).finally(over.lift);
  context.signal.throwIfAborted();
  if (sent.is === 'sent' || !over.signal.aborted) return sent;
  return { is: 'failed', reason: `it took longer than ${inSeconds(limit)}` };
}
