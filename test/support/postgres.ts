import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { freePort } from './sshd.ts';
import { certificates } from './tls.ts';

/** A real PostgreSQL server of our own on a loopback port. */
export interface Postgres {
  port: number;
  /** @param password in the address; that of the user when absent */
  url(password?: string, options?: string): string;
  stop(): Promise<void>;
}

const password = 'pw/with odd@signs';

/** Debian keeps the server's programs by version, out of everybody's way. */
function programs(): string {
  const root = '/usr/lib/postgresql';
  const found = existsSync(root) ? readdirSync(root).map((version) => join(root, version, 'bin')) : [];
  const bin = found
    .filter((each) => existsSync(join(each, 'initdb')))
    .sort()
    .at(-1);
  if (bin === undefined) throw new Error('There is no PostgreSQL server here: scripts/setup.sh tests installs one');
  return bin;
}

/** The server refuses to run as root. */
export function serverUser(): { uid: number; gid: number } | undefined {
  if (userInfo().uid !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** What is another one than usual: a server on the loopback, which lets in whoever has the password of its one user. */
export interface Kind {
  /** It takes connections with TLS, and others as well. */
  tls?: boolean;
  /** It listens there too, on this port. */
  at?: { address: string; port: number };
  /** Lines of `pg_hba.conf` that count before all others. */
  hba?: readonly string[];
  /** Run once it is up, a statement each. */
  sql?: readonly string[];
}

export async function startPostgres(options: Kind = {}): Promise<Postgres> {
  const bin = programs();
  const dir = mkdtempSync(join(tmpdir(), 'zeitwork-postgres-'));
  const as = serverUser();
  const data = join(dir, 'data');
  const secret = join(dir, 'password');
  writeFileSync(secret, password, { mode: 0o600 });
  if (as !== undefined) for (const path of [dir, secret]) chownSync(path, as.uid, as.gid);
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  const init = ['-D', data, '-U', 'ann', `--pwfile=${secret}`, '-A', 'scram-sha-256', '--no-sync', '-E', 'UTF8'];
  execFileSync(join(bin, 'initdb'), init, { ...as, env, cwd: dir, stdio: 'pipe' });
  const port = options.at?.port ?? (await freePort());
  const listens = ['127.0.0.1', ...(options.at === undefined ? [] : [options.at.address])];
  const lines = [
    `port = ${port}`,
    `listen_addresses = '${listens.join(',')}'`,
    `unix_socket_directories = '${dir}'`,
    'fsync = off',
  ];
  if (options.tls) {
    const { cert, key } = certificates(data).authority('server');
    for (const file of [cert, key]) {
      chmodSync(file, 0o600);
      if (as !== undefined) chownSync(file, as.uid, as.gid);
    }
    lines.push('ssl = on');
  }
  appendFileSync(join(data, 'postgresql.conf'), `${lines.join('\n')}\n`);
  const hba = join(data, 'pg_hba.conf');
  writeFileSync(hba, [...(options.hba ?? []), readFileSync(hba, 'utf8')].join('\n'));
  const server = spawn(join(bin, 'postgres'), ['-D', data], {
    ...as,
    env,
    cwd: dir,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  await ready(server).catch((error: unknown) => {
    rmSync(dir, { recursive: true, force: true });
    throw error;
  });
  for (const statement of options.sql ?? []) {
    const words = ['-h', '127.0.0.1', '-p', String(port), '-U', 'ann', '-d', 'postgres', '-v', 'ON_ERROR_STOP=1'];
    execFileSync(join(bin, 'psql'), [...words, '-c', statement], {
      env: { ...env, PGPASSWORD: password },
      stdio: 'pipe',
    });
  }
  return {
    port,
    url: (other = password, more = '') =>
      `postgres://ann:${encodeURIComponent(other)}@127.0.0.1:${port}/postgres${more}`,
    async stop() {
      const gone = once(server, 'exit');
      server.kill('SIGINT');
      await gone;
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

async function ready(server: ChildProcess): Promise<void> {
  if (!server.stderr) throw new Error('postgres has no stderr');
  const said: string[] = [];
  const reader = createInterface({ input: server.stderr });
  await new Promise<void>((resolve, reject) => {
    reader.on('line', (line) => {
      said.push(line);
      if (line.includes('ready to accept connections')) resolve();
    });
    server.once('exit', () => reject(new Error(`postgres did not start:\n${said.join('\n')}`)));
    server.once('error', reject);
  });
}
