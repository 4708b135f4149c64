import type { Facts, Report } from '../rollout/types.ts';
import type { Answer } from './answer.ts';

export const succeeded = (facts: Facts = {}): Report => ({ is: 'succeeded', facts });
export const unknown = (reason: string): Report => ({ is: 'unknown', reason });
export const failed = (reason: string, facts: Facts = {}): Report => ({ is: 'failed', reason, retry: false, facts });
export const failedForNow = (reason: string): Report => ({ is: 'failed', reason, retry: true, facts: {} });

const refusals: Record<string, (detail: string) => Report> = {
  busy: () => failedForNow('another command still runs on the node'),
  fenced: (held) => failed(`a newer run owns this node (its number is ${Number(held)})`),
  epoch: (path) =>
    failed(`${path} on the node is damaged: nobody can tell which run owns it; write its number back or 0`),
  full: () => failed('the disk of the node is full'),
  drift: (sha) =>
    failed(`somebody changed what runs on the node since it was staged (now ${sha.slice(0, 12) || 'nothing'})`),
  'drift-disk': (sha) => failed(`somebody replaced the file on disk (now ${sha.slice(0, 12) || 'missing'})`),
  'drift-env': () => failed('somebody changed the environment file since the node was staged'),
  upload: () => failedForNow('the archive arrived damaged: its SHA-256 does not match'),
  'no-upload': () => failedForNow('the archive did not arrive'),
  member: () => failed('the binary in the archive is not the one of this release: its SHA-256 does not match'),
  staged: () => failed('the staged binary was changed: its SHA-256 does not match'),
  'no-staged': (path) => failed(`the staged binary is gone: ${path}`),
  'no-backup': (path) => failed(`no backup at ${path}`),
  damaged: (path) => failed(`the backup is damaged: ${path}`),
};

/** The report of a command that did not tell. Without an end, `unsure` decides: the node may have changed, or another try is enough. */
export function reportOf(answer: Exclude<Answer, { is: 'told' }>, unsure: 'unknown' | 'retry'): Report {
  switch (answer.is) {
    case 'refused':
      return refusals[answer.word]?.(answer.detail) ?? failed(`the node refused: ${answer.word} ${answer.detail}`);
    case 'broken':
      return answer.retry ? failedForNow(answer.reason) : failed(answer.reason);
    case 'unreachable':
    case 'lost':
      return unsure === 'unknown' ? unknown(answer.reason) : failedForNow(answer.reason);
  }
}
