import { spawn } from 'node:child_process';
import type { Command, Outcome, Shell } from '../upgrade/ssh/types.ts';

/** Sends a fixed script with its arguments to the machine that builds. Never throws. */
export interface Machine {
  run(command: Command, signal: AbortSignal): Promise<Outcome>;
  /** Whether `Command.into` means something: a machine that is this one copies instead. */
  gives: boolean;
}

export const overThere = (shell: Pick<Shell, 'run'>, host: string): Machine => ({
  run: (command, signal) => shell.run(host, command, signal),
  gives: true,
});

/** Of what a script says; it says less. */
const most = 256 * 1024;

/** This machine. A script that was begun here goes to its end, whatever becomes of whoever waits for it. */
export const here: Machine = {
  gives: false,
  run: ({ name, script, args, timeoutMs }, signal) =>
    new Promise((resolve) => {
      if (signal.aborted) return resolve({ is: 'unreachable', reason: 'it was not begun' });
      const child = spawn('timeout', ['-k', '5', String(Math.ceil(timeoutMs / 1_000)), 'sh', '-s', '--', ...args], {
        env: { PATH: process.env.PATH, LC_ALL: 'C' },
        detached: true,
        stdio: 'pipe',
      });
      const said = { stdout: '', stderr: '' };
      for (const each of ['stdout', 'stderr'] as const)
        child[each].setEncoding('utf8').on('data', (text: string) => {
          said[each] = (said[each] + text).slice(0, most);
        });
      child.on('error', ({ message }) => resolve({ is: 'unreachable', reason: message }));
      child.on('close', (code, ended) =>
        resolve(
          code === null ? { is: 'signalled', signal: ended ?? 'unknown', ...said } : { is: 'exited', code, ...said },
        ),
      );
      const letGo = () => resolve({ is: 'lost', reason: `nobody waited for ${name}`, ...said });
      signal.addEventListener('abort', letGo, { once: true });
      child.on('close', () => signal.removeEventListener('abort', letGo));
      child.stdin.on('error', () => undefined);
      child.stdin.end(`{ :; ${script}\n}\n`);
    }),
};
