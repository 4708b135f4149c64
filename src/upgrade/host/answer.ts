import { firstOf, lastOf } from '../../base/cut.ts';
import { redact } from '../../base/redact.ts';
import type { Outcome } from '../ssh/types.ts';

/** What a script said, line by line, under its keys. */
export type Output = Map<string, string[]>;

/** An outcome, read: `ok` is the only success; `lost` means that the effect may or may not have happened. */
export type Answer =
  | { is: 'ok'; output: Output }
  /** The script declined by a rule of its own, and changed nothing after it. */
  | { is: 'refused'; word: string; detail: string; output: Output }
  /** It ended badly; `reason` in words. */
  | { is: 'broken'; reason: string; retry: boolean; output: Output }
  | { is: 'unreachable'; reason: string }
  | { is: 'lost'; reason: string };

/** More than any script of ours says: a host that answers more is not listened to any further. */
const limits = { lines: 2000, total: 64 * 1024, line: 4096 };

const frame = '@@zw ';

/** The framed lines of an output; everything else (banners, warnings) is noise. `cut`: there were too many. */
function listen(stdout: string): { output: Output; cut: boolean } {
  const output: Output = new Map();
  let lines = 0;
  let total = 0;
  for (let at = 0; at < stdout.length; ) {
    const end = stdout.indexOf('\n', at);
    const next = end === -1 ? stdout.length : end;
    if (stdout.startsWith(frame, at)) {
      const line = firstOf(stdout.slice(at + frame.length, next), limits.line);
      lines += 1;
      total += line.length;
      if (lines > limits.lines || total > limits.total) return { output, cut: true };
      keep(output, line);
    }
    at = next + 1;
  }
  return { output, cut: false };
}

function keep(output: Output, line: string): void {
  const [, key, value = ''] = /^(\S+) ?(.*)$/.exec(line) ?? [];
  if (key === undefined) return;
  const values = output.get(key);
  if (values === undefined) output.set(key, [value]);
  else values.push(value);
}

export const readLines = (stdout: string): Output => listen(stdout).output;

/** The last value under a key; null when there is none or it is empty. */
export function last(output: Output, key: string): string | null {
  return output.get(key)?.at(-1) || null;
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

/** The last lines of what a command complained about; each no longer than a pattern may safely go over. */
const complaintsIn = (text: string): string[] =>
  text
    .split('\n')
    .slice(-50)
    .map((line) => line.slice(0, 500));

function complaintOf(outcome: { code: number; stderr: string }): { reason: string; retry: boolean } {
  const written = lastOf(outcome.stderr, limits.total);
  const lines = complaintsIn(written);
  const known = complaints.find(([pattern]) => lines.some((line) => pattern.test(line)));
  if (known) return { reason: known[1], retry: known[2] };
  const shown = redact(written);
  const missing = complaintsIn(shown)
    .map((line) => /(?:^|\s)(\S{1,100}): (?:command )?not found/.exec(line)?.[1])
    .find(Boolean);
  if (missing !== undefined) return { reason: `${missing} is not installed on the node`, retry: false };
  const line = shown.trim().split('\n').at(-1) ?? '';
  return { reason: `exit ${outcome.code}${line ? `: ${line.slice(0, 200)}` : ''}`, retry: true };
}

/** Reads an outcome. An end without the script's own last line is not a success, whatever its code. */
export function read(outcome: Outcome): Answer {
  if (outcome.is === 'unreachable') return { is: 'unreachable', reason: redact(outcome.reason) };
  if (outcome.is === 'lost') return { is: 'lost', reason: redact(outcome.reason) };
  if (outcome.is === 'signalled') return { is: 'lost', reason: `the command was killed by ${outcome.signal}` };
  const { output, cut } = listen(outcome.stdout);
  if (cut) return { is: 'lost', reason: 'the node answered more than any command of ours does' };
  const refused = last(output, 'refused');
  if (refused !== null) {
    const [word = '', ...detail] = refused.split(' ');
    return { is: 'refused', word, detail: redact(detail.join(' ')), output };
  }
  if (outcome.code === 0 && last(output, 'end') === 'ok') return { is: 'ok', output };
  if (outcome.code === 0) return { is: 'lost', reason: 'the command ended without its last line' };
  if (outcome.code === 124 || outcome.code === 137)
    return { is: 'lost', reason: 'the command ran out of time on the node' };
  return { is: 'broken', ...complaintOf(outcome), output };
}
