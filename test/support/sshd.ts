import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Host } from '../../src/upgrade/ssh/types.ts';

const binary = '/usr/sbin/sshd';
export type KeyType = 'ed25519' | 'rsa' | 'ecdsa';

/** A real OpenSSH server of our own on a loopback port, for the user who runs the test. */
export interface Sshd {
  readonly port: number;
  /** Of the listener. */
  readonly pid: number;
  /** Its folder; removed by `stop`. */
  readonly dir: string;
  readonly knownHostsFile: string;
  /** A key that may log in. */
  readonly keyFile: string;
  /** `type base64` of a host key. */
  hostKey(type: KeyType): string;
  host(overrides?: Partial<Host>): Host;
  /** Host with a known_hosts file that holds just these lines. */
  hostWith(lines: string[], overrides?: Partial<Host>): Host;
  /** Another ed25519 key from now on; connections that stand go on. */
  replaceHostKey(): Promise<void>;
  /** How many connections it has accepted. */
  accepted(): number;
  /** Everything it has logged. */
  log(): string;
  /** Signals the processes behind every open connection, not the listener. */
  signalSessions(signal: NodeJS.Signals): void;
  stop(): Promise<void>;
}

export interface SshdOptions {
  hostKeys?: KeyType[];
  /** Public key lines that may log in besides its own. */
  authorized?: string[];
  /** More lines of sshd_config. */
  config?: string[];
}

export function generateKey(file: string, type: KeyType, passphrase = ''): string {
  const bits = type === 'rsa' ? ['-b', '2048'] : [];
  execFileSync('ssh-keygen', ['-q', '-t', type, ...bits, '-N', passphrase, '-C', '', '-f', file]);
  return readFileSync(`${file}.pub`, 'utf8').trim();
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** All descendants of a process. */
function below(parent: number): number[] {
  const processes = readdirSync('/proc').flatMap((entry) => {
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
      return [{ pid: Number(entry), parent: Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]) }];
    } catch {
      return [];
    }
  });
  const children = (pid: number): number[] =>
    processes.filter((one) => one.parent === pid).flatMap((one) => [one.pid, ...children(one.pid)]);
  return children(parent);
}

function configOf(dir: string, port: number, types: KeyType[], more: string[]): string {
  return [
    ...more,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    ...types.map((type) => `HostKey ${dir}/host_${type}`),
    `AuthorizedKeysFile ${dir}/authorized_keys`,
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'PidFile none',
    'MaxStartups 200',
    'LogLevel VERBOSE',
    'Subsystem sftp internal-sftp',
    '',
  ].join('\n');
}

async function listening(child: ChildProcess, lines: string[]): Promise<void> {
  if (!child.stderr) throw new Error('sshd has no stderr');
  const reader = createInterface({ input: child.stderr });
  await new Promise<void>((resolve, reject) => {
    reader.on('line', (line) => {
      lines.push(line);
      if (line.startsWith('Server listening')) resolve();
    });
    child.once('exit', () => reject(new Error(`sshd did not start:\n${lines.join('\n')}`)));
    child.once('error', reject);
  });
}

export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const types = options.hostKeys ?? ['ed25519'];
  const dir = mkdtempSync(join(tmpdir(), 'zeitwork-sshd-'));
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const keys = new Map(types.map((type) => [type, generateKey(join(dir, `host_${type}`), type)]));
  const login = generateKey(join(dir, 'login'), 'ed25519');
  writeFileSync(join(dir, 'authorized_keys'), `${[login, ...(options.authorized ?? [])].join('\n')}\n`);
  const port = await freePort();
  writeFileSync(join(dir, 'sshd_config'), configOf(dir, port, types, options.config ?? []));
  const knownHostsFile = join(dir, 'known_hosts');
  writeFileSync(knownHostsFile, [...keys.values()].map((key) => `[127.0.0.1]:${port} ${key}\n`).join(''));

  const child = spawn(binary, ['-D', '-e', '-f', join(dir, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
  const lines: string[] = [];
  await listening(child, lines).catch((error: unknown) => {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  const pid = child.pid ?? 0;
  let files = 0;

  const signalSessions = (signal: NodeJS.Signals) => {
    for (const one of below(pid)) {
      try {
        process.kill(one, signal);
      } catch {
        // It ended in the meantime.
      }
    }
  };
  const host = (overrides: Partial<Host> = {}): Host => ({
    name: 'node-1',
    address: '127.0.0.1',
    port,
    user: userInfo().username,
    keyFile: join(dir, 'login'),
    knownHostsFile,
    ...overrides,
  });

  return {
    port,
    pid,
    dir,
    knownHostsFile,
    keyFile: join(dir, 'login'),
    hostKey: (type) => (keys.get(type) ?? '').split(' ').slice(0, 2).join(' '),
    host,
    hostWith(hostLines, overrides = {}) {
      files += 1;
      const file = join(dir, `known_hosts_${files}`);
      writeFileSync(file, `${hostLines.join('\n')}\n`);
      return host({ knownHostsFile: file, ...overrides });
    },
    async replaceHostKey() {
      for (const file of ['host_ed25519', 'host_ed25519.pub']) rmSync(join(dir, file));
      generateKey(join(dir, 'host_ed25519'), 'ed25519');
      const again = new Promise<void>((resolve) => {
        const heard = () => lines.filter((line) => line.startsWith('Server listening')).length > 1;
        child.stderr?.on('data', () => heard() && resolve());
      });
      child.kill('SIGHUP');
      await again;
    },
    accepted: () => lines.filter((line) => line.startsWith('Accepted publickey')).length,
    log: () => lines.join('\n'),
    signalSessions,
    async stop() {
      signalSessions('SIGCONT');
      signalSessions('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit');
        child.kill('SIGKILL');
        await gone;
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
