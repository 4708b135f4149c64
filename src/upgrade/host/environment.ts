import { createHash } from 'node:crypto';
import {
  type EnvironmentSeen,
  type KeyRules,
  type ReadFile,
  type Resolve,
  resolved,
  rewritten,
  type Wanted,
} from '../environment/index.ts';
import type { Service } from '../rollout/types.ts';
import type { Shell } from '../ssh/types.ts';
import { type Answer, read } from './answer.ts';
import * as commands from './commands.ts';
import { reportOf } from './reports.ts';

export type ReadEnvironment =
  | { is: 'read'; text: string; sha256: string }
  | { is: 'refused'; reason: string }
  | { is: 'failed'; answer: Exclude<Answer, { is: 'ok' }> };

/** The environment file of a node, into the memory of this process alone. */
export async function readEnvironment(
  node: string,
  service: Service,
  shell: Shell,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ReadEnvironment> {
  if (shell.becomes?.(node) === 'helper')
    return { is: 'refused', reason: 'a helper keeps the worker from reading the environment file' };
  const answer = read(await shell.run(node, commands.lendEnvironment(service, timeoutMs), signal));
  if (answer.is !== 'ok') return { is: 'failed', answer };
  const bytes = Buffer.from((answer.output.get('text') ?? []).join(''), 'base64');
  const text = bytes.toString('utf8');
  if (!Buffer.from(text, 'utf8').equals(bytes))
    return { is: 'refused', reason: 'the environment file is no UTF-8: mend it by hand' };
  return { is: 'read', text, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** What a change comes to on a node, with no secret in it. Changes nothing there, and never throws for a host's fault. */
export async function seeEnvironment(
  node: string,
  { wanted, resolve, rules }: { wanted: Wanted; resolve: Resolve; rules: KeyRules },
  service: Service,
  shell: Shell,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<EnvironmentSeen> {
  const found = resolve(wanted);
  if (found.is === 'refused') return found;
  const lies = await readEnvironment(node, service, shell, timeoutMs, signal);
  if (lies.is === 'refused') return lies;
  if (lies.is === 'failed') {
    const report = reportOf(lies.answer, 'retry');
    return { is: 'refused', reason: 'reason' in report ? report.reason : '' };
  }
  const after = rewritten(lies.text, wanted, found.changes, rules);
  if (after.is === 'refused') return after;
  if (after.is === 'same') return { is: 'read', before: lies.sha256, after: lies.sha256, differences: [] };
  const sha256 = createHash('sha256').update(after.text).digest('hex');
  return { is: 'read', before: lies.sha256, after: sha256, differences: after.differences };
}

/** Values that nobody typed come from the files of this machine, each time anew: a secret may be replaced at any time. */
export const resolverFor =
  (rules: KeyRules, read: ReadFile): Resolve =>
  (wanted) =>
    resolved(wanted, rules, read);
