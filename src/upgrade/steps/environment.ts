import { createHash } from 'node:crypto';
import { linesToCompare } from '../environment/index.ts';
import type { Answer } from '../host/answer.ts';
import * as commands from '../host/commands.ts';
import { readEnvironment } from '../host/environment.ts';
import { environmentUpload } from '../host/layout.ts';
import { runScript } from '../host/look.ts';
import { failed, failedForNow, reportOf } from '../host/reports.ts';
import type { Configuration, Report } from '../rollout/types.ts';
import type { StepContext } from './types.ts';

/** The environment file of the node, which must be this one. */
export async function textOf(context: StepContext, sha256: string): Promise<{ text: string } | { report: Report }> {
  const { rollout, node, shell, signal } = context;
  const read = await readEnvironment(node.name, rollout.service, shell, rollout.policy.commandTimeout, signal);
  signal.throwIfAborted();
  if (read.is === 'failed') return { report: reportOf(read.answer, 'retry') };
  if (read.is === 'refused') return { report: failed(read.reason) };
  if (read.sha256 !== sha256) return { report: failedForNow('the environment file was changed while it was read') };
  return { text: read.text };
}

/** Sends what holds secrets out of memory: a file of this machine would stay there when this process is killed. */
async function send({ node, shell, signal }: StepContext, text: string, path: string): Promise<Report | null> {
  const sent = await shell.put(node.name, Buffer.from(text), path, signal);
  signal.throwIfAborted();
  return sent.is === 'sent' ? null : failedForNow(`the environment file could not be sent: ${sent.reason}`);
}

/** Has a file taken by a command; what the node did not take is removed there. */
async function handOver(
  context: StepContext,
  text: string,
  what: 'after' | 'compare',
  take: (path: string) => ReturnType<typeof commands.compareEnvironment>,
): Promise<Extract<Answer, { is: 'ok' }> | { report: Report }> {
  const { rollout, attempt } = context;
  const path = environmentUpload(rollout, attempt, what);
  const cut = await send(context, text, path);
  const answer = cut === null ? await runScript(context, take(path)) : null;
  if (answer?.is === 'ok') return answer;
  // The backups stay, and so does what was staged before.
  await runScript(context, commands.cleanup(context, null, false));
  return { report: answer === null ? (cut ?? failed('nothing was sent')) : reportOf(answer, 'retry') };
}

/** Brings the new file onto the node; a report only when that failed. */
export async function stageText(
  context: StepContext,
  text: string,
  { before, after }: { before: string; after: string },
): Promise<Report | null> {
  const taken = await handOver(context, text, 'after', (path) =>
    commands.stageEnvironment(context, before, after, path),
  );
  return 'report' in taken ? taken.report : null;
}

export type Compared =
  /** `keys`: names of those that the process was started with otherwise. */
  { is: 'compared'; invocation: string; keys: string[] } | { is: 'reported'; report: Report };

/** Whether the process that runs was started with what the file says, which must be this one. */
export async function compared(context: StepContext, { wanted }: Configuration, after: string): Promise<Compared> {
  const read = await textOf(context, after);
  if ('report' in read) return { is: 'reported', ...read };
  const lines = linesToCompare(read.text, wanted);
  if (lines === null) return { is: 'reported', report: failed('the environment file has not what was asked for') };
  const { service, policy } = context.rollout;
  const answer = await handOver(context, lines, 'compare', (path) =>
    commands.compareEnvironment(service, path, policy.commandTimeout),
  );
  if ('report' in answer) return { is: 'reported', report: answer.report };
  const known = new Set([...lines.matchAll(/^!?([A-Za-z_][A-Za-z0-9_]*)/gm)].map(([, key]) => key));
  const keys = (answer.output.get('differs') ?? []).filter((key) => known.has(key));
  return { is: 'compared', invocation: answer.output.get('invocation')?.at(-1) ?? '', keys };
}

export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');
