import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, chmod, lstat, mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { takeLock } from './lock-file.ts';

/** A server for this fleet alone, reached over a unix socket that only this user can open. */
export interface PrivateRedis {
  socket: string;
  /** Ends the server when this process started it; one that was found alive is left to its owner. */
  stop(): Promise<void>;
}

/** Unix socket paths end at 108 bytes; beyond that the kernel refuses with a message that nobody understands. */
const longestSocketPath = 100;
const startLimit = 15_000;

/**
 * Finds the private server of `stateDir` alive, or starts it: append-only file synced on every write, no eviction, no port.
 * @throws Error with the install command when the machine has no server.
 */
export async function openPrivateRedis(stateDir: string): Promise<PrivateRedis> {
  const dir = join(resolve(stateDir), 'redis');
  const socket = await socketFor(dir);
  const deadline = performance.now() + startLimit;
  while (performance.now() < deadline) {
    const answer = await ping(socket);
    if (answer === 'ready') return { socket, stop: async () => undefined };
    if (answer === 'silent') {
      await pause(50);
      continue;
    }
    // Two servers on one append-only file would destroy it.
    const release = await takeLock(join(dir, 'starting'));
    if (!release) {
      await pause(50);
      continue;
    }
    try {
      // Another process may have finished starting it between our ping and the lock.
      if ((await ping(socket)) === 'nobody') return await start(dir, socket);
    } finally {
      await release();
    }
  }
  throw new Error(`the private Redis in ${dir} does not answer; see ${join(dir, 'redis.log')}`);
}

async function socketFor(dir: string): Promise<string> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const beside = join(dir, 'redis.sock');
  if (Buffer.byteLength(beside) <= longestSocketPath) return beside;
  const short = join(tmpdir(), `zeitwork-${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`);
  await mkdir(short, { recursive: true, mode: 0o700 });
  // Fails when the directory belongs to somebody else, who could listen in our place; a link to one of ours could be turned.
  await chmod(short, 0o700);
  if (!(await lstat(short)).isDirectory()) throw new Error(`${short} is a link; remove it`);
  return join(short, 'redis.sock');
}

type Answer = 'ready' | 'silent' | 'nobody';

function ping(socket: string): Promise<Answer> {
  return new Promise((settle) => {
    const client = connect(socket);
    const done = (answer: Answer): void => {
      client.destroy();
      settle(answer);
    };
    client.setTimeout(1_000, () => done('silent'));
    client.once('connect', () => client.write('PING\r\n'));
    client.once('data', (data) => done(data.toString().startsWith('+PONG') ? 'ready' : 'silent'));
    client.once('error', () => done('nobody'));
    client.once('end', () => done('silent'));
  });
}

async function start(dir: string, socket: string): Promise<PrivateRedis> {
  const server = await findServer();
  const log = await open(join(dir, 'redis.log'), 'a', 0o600);
  const child = spawn(server.file, serverArguments(dir, socket), {
    argv0: server.argv0,
    // Its own session: Ctrl-C must end the program first and the store last.
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
  });
  const exited = once(child, 'exit').catch((error: unknown) => [error]);
  await log.close();
  child.unref();
  const stop = async (): Promise<void> => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    const patience = new AbortController();
    await Promise.race([
      exited,
      pause(5_000, undefined, { signal: patience.signal }).then(() => child.kill('SIGKILL')),
    ]);
    patience.abort();
    await exited;
    if (dirname(socket) !== dir) await rm(dirname(socket), { recursive: true, force: true });
  };
  const deadline = performance.now() + startLimit;
  while (performance.now() < deadline && child.exitCode === null && child.signalCode === null) {
    if ((await ping(socket)) === 'ready') {
      await writeFile(join(dir, 'redis.pid'), `${child.pid}\n`, { mode: 0o600 });
      return { socket, stop };
    }
    await pause(10);
  }
  await stop();
  throw new Error(`the private Redis did not start: ${await lastLine(join(dir, 'redis.log'))}`);
}

function serverArguments(dir: string, socket: string): string[] {
  const settings: [string, string][] = [
    ['port', '0'],
    ['unixsocket', socket],
    ['unixsocketperm', '700'],
    ['dir', dir],
    ['appendonly', 'yes'],
    ['appendfsync', 'always'],
    ['maxmemory-policy', 'noeviction'],
    ['save', ''],
    ['daemonize', 'no'],
  ];
  return settings.flatMap(([name, value]) => [`--${name}`, value]);
}

async function lastLine(file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trim().split('\n').at(-1) ?? 'no output';
}

async function findServer(): Promise<{ file: string; argv0: string }> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  for (const name of ['redis-server', 'valkey-server']) {
    for (const folder of [...folders, '/usr/sbin', '/usr/local/bin']) {
      if (await executable(join(folder, name))) return { file: join(folder, name), argv0: name };
    }
  }
  // Debian's redis-tools holds the same binary under this name; it acts as the server when it is called so.
  const debian = '/usr/bin/redis-check-rdb';
  if (await executable(debian)) return { file: debian, argv0: 'redis-server' };
  throw new Error(
    'No Redis server on this machine. Set REDIS_URL, or install one: `sudo apt-get install redis-server`, `brew install redis`, `dnf install valkey`.',
  );
}

async function executable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
