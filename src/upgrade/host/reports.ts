import { short } from '../../base/hash.ts';
import { redact } from '../../base/redact.ts';
import type { Facts, Report, Service } from '../rollout/types.ts';
import type { Answer } from './answer.ts';
import type { Observation } from './observation.ts';

export const succeeded = (facts: Facts = {}): Report => ({ is: 'succeeded', facts });
export const unknown = (reason: string): Report => ({ is: 'unknown', reason });
/** Nothing came back from the node at all. */
export const silent = (reason: string): Report => ({ is: 'unknown', reason, silent: true });
export const failed = (reason: string, facts: Facts = {}): Report => ({ is: 'failed', reason, retry: false, facts });
export const failedForNow = (reason: string): Report => ({ is: 'failed', reason, retry: true, facts: {} });

const gone = (sha: string, word: string) => short(sha) || word;

const refusals: Record<string, (detail: string) => Report> = {
  busy: () => failedForNow(busy),
  fenced: (held) => failed(`a newer ${whose(held)}`),
  missing: (tool) => failed(`${tool} is not installed on the node${tool === 'flock' ? ' (util-linux)' : ''}`),
  lock: (code) => failed(`the lock on the node cannot be taken (flock ended with ${code})`),
  epoch: (path) =>
    failed(`${path} on the node is damaged: nobody can tell which run owns it; write its numbers back or 0`),
  full: () => failed('the disk of the node is full'),
  link: (detail) => failed(linkReason(detail)),
  attributes: (path) => failed(`the extended attributes of ${path} cannot be kept on the new binary`),
  changed: (path) => failedForNow(`${path} was changed while it was put aside`),
  drift: (sha) => failed(`somebody changed what runs on the node since it was staged (now ${gone(sha, 'nothing')})`),
  'drift-disk': (sha) => failed(`somebody replaced the file on disk (now ${gone(sha, 'missing')})`),
  'drift-env': (sha) =>
    failed(`somebody ${sha === '' ? 'removed' : 'changed'} the environment file since the node was staged`),
  'no-order': () => failedForNow('there is no signed order for this node: nobody who may decide opened it'),
  order: (why) => failed(`the node takes no such order: ${why}`),
  policy: (why) =>
    failed(`the helper on the node goes by another policy than the settings: ${why}; see zeitwork doctor`),
  argument: (what) => failed(`the helper on the node does not take this value of ${what}; see zeitwork doctor`),
  verb: () => failed('the helper on the node does not know this; install it anew: zeitwork helper'),
  request: (why) => failedForNow(`the request to the node is no good: ${why}`),
  size: () => failed('the archive is of another size than was announced, or larger than the policy on the node allows'),
  'no-env': (path) => failed(`there is no ${path} on the node, or a link in its place`),
  'env-size': (bytes) => failed(`the environment file has ${bytes} bytes, which is more than is changed by key`),
  'no-environment': () => failed('the new environment file is not staged any more: try again'),
  'no-unit': (unit) =>
    failed(`there is no unit ${unit} on the node: it is put there once, by its owner (docs/blue-green.md)`),
  'not-enabled': (unit) => failed(`systemctl enable ${unit} failed: its unit needs an [Install] section`),
  runs: (unit) => failedForNow(`${unit} still runs after it was stopped`),
  stopped: () => failed('the service does not run'),
  upload: () => failedForNow('the archive arrived damaged: its SHA-256 does not match'),
  'no-upload': () => failedForNow('the archive did not arrive'),
  member: () => failed('the binary in the archive is not the one of this release: its SHA-256 does not match'),
  staged: () => failed('the staged binary was changed: its SHA-256 does not match'),
  'no-staged': (path) => failed(`the staged binary is gone: ${path}`),
  'no-backup': (path) => failed(`no backup at ${path}`),
  damaged: (path) => failed(`the backup is damaged: ${path}`),
};

/** Said when a command of ours holds the node's lock, for instance while a service takes its time to stop. */
export const busy = 'another command still runs on the node';

/** `held`: the numbers of the run and the try that the node saw last, and of the run that was refused. */
function whose(held: string): string {
  const [run, attempt, own] = held.split(' ').map((number) => String(Number(number)));
  return run === own
    ? `try of this run owns this node (its number is ${attempt})`
    : `run owns this node (its number is ${run})`;
}

/** `PATH TARGET` of a symbolic link that stands where a file is expected. */
export function linkReason(detail: string): string {
  const [path = '', ...words] = detail.split(' ');
  const target = redact(words.join(' ')).slice(0, 200);
  return `${path} is a symbolic link to ${target}; this program replaces files by renaming, which would replace the link`;
}

/** Why a file cannot be replaced: it is a link; null when both are files. */
export function linkInPlace({ links }: Observation, { binary, envFile }: Service): string | null {
  if (links.binary !== null) return linkReason(`${binary} ${links.binary}`);
  return links.env !== null && envFile !== null ? linkReason(`${envFile} ${links.env}`) : null;
}

function refusalOf(word: string, detail: string): Report {
  const known = Object.hasOwn(refusals, word) ? refusals[word] : undefined;
  return known?.(detail) ?? failed(redact(`the node refused: ${word} ${detail}`).slice(0, 200));
}

/** The report of a command that did not end well. Without an end, `unsure` decides: the node may have changed, or another try is enough. */
export function reportOf(answer: Exclude<Answer, { is: 'ok' }>, unsure: 'unknown' | 'retry'): Report {
  switch (answer.is) {
    case 'refused':
      return refusalOf(answer.word, answer.detail);
    case 'broken':
      return answer.retry ? failedForNow(answer.reason) : failed(answer.reason);
    case 'unreachable':
    case 'lost':
      return unsure === 'unknown' ? silent(answer.reason) : failedForNow(answer.reason);
  }
}
