import type { Outcome } from '../node/types.ts';
import { redact } from './redact.ts';

/** What a script said, line by line, under its keys. */
export type Said = Map<string, string[]>;

/** An outcome, read: `told` is the only success; `lost` means that the effect may or may not have happened. */
export type Answer =
  | { is: 'told'; said: Said }
  /** The script declined by a rule of its own, and changed nothing after it. */
  | { is: 'refused'; word: string; detail: string; said: Said }
  /** It ended badly; `reason` in words. */
  | { is: 'broken'; reason: string; retry: boolean; said: Said }
  | { is: 'unreachable'; reason: string }
  | { is: 'lost'; reason: string };

/** The framed lines of an output; everything else (banners, warnings) is noise. */
export function readLines(stdout: string): Said {
  const said: Said = new Map();
  for (const line of stdout.split('\n')) {
    const match = /^@@zw (\S+) ?(.*)$/.exec(line);
    if (!match) continue;
    const [, key = '', value = ''] = match;
    said.set(key, [...(said.get(key) ?? []), value]);
  }
  return said;
}

/** The last value under a key; null when there is none or it is empty. */
export function last(said: Said, key: string): string | null {
  return said.get(key)?.at(-1) || null;
}

const complaints: [RegExp, string, boolean][] = [
  [
    /sudo:.*(?:password is required|terminal is required|no tty present)/,
    'sudo asks for a password; give this user NOPASSWD in /etc/sudoers.d on the node',
    false,
  ],
  [
    /sudo:.*(?:not allowed|may not run|not in the sudoers)/,
    'sudo refuses this user: allow it in /etc/sudoers.d on the node',
    false,
  ],
  [/sudo: (?:command )?not found|sudo.*No such file/, 'sudo is not installed on the node', false],
  [/No space left on device/, 'the disk of the node is full', false],
  [/Disk quota exceeded/, 'the disk quota of the node is used up', false],
  [/Read-only file system/, 'the file system of the node is read-only', false],
];

function complaintOf(outcome: { code: number; stderr: string }): { reason: string; retry: boolean } {
  const known = complaints.find(([pattern]) => pattern.test(outcome.stderr));
  if (known) return { reason: known[1], retry: known[2] };
  const missing = /(\S+): (?:command )?not found/.exec(outcome.stderr)?.[1];
  if (missing) return { reason: `${missing} is not installed on the node`, retry: false };
  const line = outcome.stderr.trim().split('\n').at(-1) ?? '';
  return { reason: redact(`exit ${outcome.code}${line ? `: ${line.slice(0, 200)}` : ''}`), retry: true };
}

/** Reads an outcome. An end without the script's own last line is not a success, whatever its code. */
export function read(outcome: Outcome): Answer {
  if (outcome.is === 'unreachable') return { is: 'unreachable', reason: redact(outcome.reason) };
  if (outcome.is === 'lost') return { is: 'lost', reason: redact(outcome.reason) };
  if (outcome.is === 'signalled') return { is: 'lost', reason: `the command was killed by ${outcome.signal}` };
  const said = readLines(outcome.stdout);
  const refused = last(said, 'refused');
  if (refused !== null) {
    const [word = '', ...detail] = refused.split(' ');
    return { is: 'refused', word, detail: redact(detail.join(' ')), said };
  }
  if (outcome.code === 0 && last(said, 'end') === 'ok') return { is: 'told', said };
  if (outcome.code === 0) return { is: 'lost', reason: 'the command ended without its last line' };
  if (outcome.code === 124 || outcome.code === 137)
    return { is: 'lost', reason: 'the command ran out of time on the node' };
  return { is: 'broken', ...complaintOf(outcome), said };
}
