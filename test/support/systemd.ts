import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Machine } from '../../src/building/run.ts';
import { openContent } from '../../src/upgrade/ssh/content.ts';

/** A systemd of its own, as process 1 of a container that is empty but for /usr and one folder. */
export interface Booted {
  /** As root there. */
  machine: Machine;
  root(script: string): string;
  stop(): Promise<void>;
}

/** It takes root, and a systemd that boots in a container: null when both are there. */
export function whyNoSystemd(): string | null {
  if (process.getuid?.() !== 0) return 'it takes root';
  return existsSync('/usr/bin/systemd-nspawn') ? null : 'systemd-container is not installed';
}

const script = resolve(import.meta.dirname, '../../scripts/boot-systemd.sh');
const entering = (pid: string) => ['-t', pid, '-m', '-u', '-i', '-n', '-p'];
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));

export async function bootSystemd(folder: string, name: string): Promise<Booted> {
  const container = spawn(script, [folder, name], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const each of [container.stdout, container.stderr])
    each.on('data', (text: Buffer) => {
      said = (said + text.toString()).slice(-2_000);
    });
  for (let tries = 0; tries < 150; tries += 1) {
    if (container.exitCode !== null) break;
    const pid = childOf(container);
    if (pid !== null && isUp(pid)) return bootedAs(container, pid);
    await pause(200);
  }
  container.kill('SIGKILL');
  throw new Error(`systemd did not boot: ${said}`);
}

function childOf({ pid }: ChildProcess): string | null {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ')[0] || null;
  } catch {
    return null;
  }
}

function isUp(pid: string): boolean {
  try {
    execFileSync('nsenter', [...entering(pid), 'systemctl', 'is-active', 'basic.target'], { stdio: 'pipe' });
    return true;
  } catch {
    return false;
  }
}

function bootedAs(container: ChildProcess, pid: string): Booted {
  const shell = ['env', '-i', 'PATH=/usr/sbin:/usr/bin', 'sh', '-s', '--'];
  const root = (text: string): string =>
    execFileSync('nsenter', [...entering(pid), ...shell], { input: text, encoding: 'utf8' });
  const machine: Machine = {
    gives: true,
    run: (command) =>
      new Promise((done) => {
        const child = spawn('nsenter', [...entering(pid), ...shell, ...command.args], { stdio: 'pipe' });
        const content = command.into === undefined ? null : openContent(command.into);
        let stdout = '';
        let stderr = '';
        child.stdout.on('data', (chunk: Buffer) => {
          stdout += (content?.text(chunk) ?? chunk).toString();
        });
        child.stderr.on('data', (chunk: Buffer) => {
          stderr += chunk.toString();
        });
        child.on('close', (code) => {
          content?.close();
          done({ is: 'exited', code: code ?? 1, stdout, stderr });
        });
        child.stdin.end(`{ :; ${command.script}\n}\n`);
      }),
  };
  return {
    machine,
    root,
    async stop() {
      const over = new Promise((done) => container.once('close', done));
      process.kill(Number(pid), 'SIGKILL');
      await over;
    },
  };
}
