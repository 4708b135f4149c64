import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { Machine } from '../../src/running/index.ts';
import { openContent } from '../../src/upgrade/ssh/content.ts';
import type { Host } from '../../src/upgrade/ssh/types.ts';
import { generateKey } from './sshd.ts';

/** A systemd of its own, as process 1 of a container that is empty but for /usr and one folder. */
export interface Booted {
  /** As root there. */
  machine: Machine;
  root(script: string): string;
  /** An OpenSSH server there, which lets root in with a key; on a loopback port of this machine. */
  ssh(): Promise<Host>;
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
    if (pid !== null && isUp(pid)) return bootedAs(container, pid, folder);
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

function bootedAs(container: ChildProcess, pid: string, folder: string): Booted {
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
    async ssh() {
      const key = generateKey(join(folder, 'key'), 'ed25519');
      const hostKey = generateKey(join(folder, 'host-key'), 'ed25519');
      writeFileSync(join(folder, 'authorized'), `${key}\n`);
      const config = `Port 2222\nListenAddress 127.0.0.1\nHostKey ${folder}/host-key\nAuthorizedKeysFile ${folder}/authorized\nPermitRootLogin yes\nStrictModes no\nPasswordAuthentication no\n`;
      writeFileSync(join(folder, 'sshd_config'), config);
      // Its root is locked where nobody has given it a password.
      root(`mkdir -p /run/sshd; printf 'root:*:1::::::\n' >/etc/shadow; grep -q '^sshd:' /etc/passwd || echo 'sshd:x:74:74::/run/sshd:/usr/sbin/nologin' >>/etc/passwd
ip link set lo up 2>/dev/null; /usr/sbin/sshd -f ${folder}/sshd_config -E ${folder}/sshd.log`);
      const server = createServer((socket) => {
        const way = spawn('nsenter', [...entering(pid), 'socat', '-', 'TCP:127.0.0.1:2222'], { stdio: 'pipe' });
        socket.pipe(way.stdin).on('error', () => undefined);
        way.stdout.pipe(socket).on('error', () => undefined);
        socket.on('close', () => way.kill());
        socket.on('error', () => way.kill());
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      container.once('close', () => server.close());
      server.unref();
      const address = server.address();
      const port = address === null || typeof address === 'string' ? 0 : address.port;
      writeFileSync(join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`);
      const files = { keyFile: join(folder, 'key'), knownHostsFile: join(folder, 'known_hosts') };
      return { name: 'build-1', address: '127.0.0.1', port, user: 'root', ...files };
    },
    async stop() {
      const over = new Promise((done) => container.once('close', done));
      process.kill(Number(pid), 'SIGKILL');
      await over;
    },
  };
}
