import { helperPath, helperRequest } from '../../base/helper-request.ts';
import type { Become, Command } from './types.ts';

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const clean = `env -i PATH=${path} LC_ALL=C`;

/** One word for a POSIX shell. Throws a TypeError for a NUL byte, which no argument can carry. */
export function quote(word: string): string {
  if (word.includes('\0')) throw new TypeError('An argument of a command holds a NUL byte');
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/**
 * The line that the node's login shell gets; the script itself travels on stdin. The environment is emptied before
 * sudo is looked up, so that neither an odd PATH nor the user's profile decides what runs.
 */
export function commandLine(command: Command, become: Become = 'sudo'): string {
  // The same line for every request, so that a forced command in authorized_keys changes nothing.
  if (command.sudo && become === 'helper') return `exec /usr/bin/${clean} sudo -n -- ${helperPath}`;
  const seconds = Math.max(1, Math.ceil(command.timeoutMs / 1000));
  const words = ['sh', '-s', '--', ...command.args.map(quote)];
  const limited = `timeout -k 5 ${seconds} ${words.join(' ')}`;
  const asRoot = command.sudo ? `sudo -n -- ${clean} ` : '';
  return `exec /usr/bin/${clean} ${asRoot}${limited}`;
}

/** In braces, so that a script of which only the first half arrives is a syntax error and does nothing. */
export function stdinOf(command: Command, become: Become = 'sudo'): string {
  if (command.sudo && become === 'helper') return helperRequest(command);
  return `{ :; ${command.script}\n}\n`;
}
