import { spawn } from 'node:child_process';
import { chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { hour } from '../../src/base/duration.ts';
import { examineDatabase } from '../../src/doctor/database.ts';
import { migrationsWorld } from '../support/migrations.ts';
import { type Postgres, serverUser, startPostgres } from '../support/postgres.ts';
import { until } from '../support/product.ts';
import { freePort } from '../support/sshd.ts';

let postgres: Postgres;
let dir: string;
let worlds = 0;

beforeAll(async () => {
  postgres = await startPostgres();
  dir = mkdtempSync(join(tmpdir(), 'zeitwork-doctor-'));
});
afterAll(async () => {
  await postgres.stop();
  rmSync(dir, { recursive: true, force: true });
});

function world(changes: Parameters<typeof migrationsWorld>[3] = {}) {
  worlds += 1;
  return migrationsWorld(join(dir, String(worlds)), postgres, `looked_at_${worlds}`, changes);
}

const textsOf = async ({ settings, database }: ReturnType<typeof world>) =>
  (await examineDatabase({ database: settings }, database(), Date.now)).map(({ is, text }) => `${is}: ${text}`);

/** Lends a connection of its own for each transaction, to whoever comes. */
async function pooler(mode: 'transaction' | 'session'): Promise<number> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'zeitwork-pooler-'));
  const server = new URL(postgres.url());
  const lines = [
    '[databases]',
    `* = host=127.0.0.1 port=${postgres.port} user=ann password='${decodeURIComponent(server.password)}'`,
    '[pgbouncer]',
    ...['listen_addr = 127.0.0.1', `listen_port = ${port}`, 'auth_type = any', `pool_mode = ${mode}`],
    ...['unix_socket_dir =', 'server_reset_query = DISCARD ALL'],
  ];
  const file = join(folder, 'pgbouncer.ini');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const as = userInfo().uid === 0 ? serverUser() : undefined;
  if (as !== undefined) for (const path of [folder, file]) chownSync(path, as.uid, as.gid);
  const child = spawn('/usr/sbin/pgbouncer', ['-q', file], { ...as, stdio: 'ignore' });
  onTestFinished(async () => {
    const gone = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  });
  await until('the pooler', () => isOpen(port), { timeoutMs: 10_000 });
  return port;
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });

it('finds a database that is spoken to directly, with its schema and its backup', async () => {
  expect(await textsOf(world())).toEqual([expect.stringMatching(/^right: db: schema 1, backup 6\d min old/)]);
});

it('finds a pooler of transactions, and takes one of sessions for none', { timeout: 30_000 }, async () => {
  for (const mode of ['transaction', 'session'] as const) {
    const port = await pooler(mode);
    const through = `psql -XAtq -d "postgres://ann@127.0.0.1:${port}/looked_at_${worlds + 1}"`;
    const texts = await textsOf(world({ query: ['sh', '-c', through] }));
    const isFound = texts.some((text) => text.startsWith('wrong') && text.includes('a pooler of transactions'));
    expect([mode, isFound]).toEqual([mode, mode === 'transaction']);
  }
});

it('says what is wrong with the file, the commands and the backup', async () => {
  expect(await textsOf(world({ env: '/nowhere/migrate.env' }))).toEqual([
    expect.stringMatching(/^wrong: db: There is no \/nowhere\/migrate\.env/),
  ]);
  expect(await textsOf(world({ version: 'select nothing' }))).toEqual([
    expect.stringMatching(/^wrong: db: the database does not tell its schema: ERROR: .*database\.query/s),
  ]);
  const dumb = { command: ['echo', 'yesterday'], maxAge: 24 * hour };
  expect(await textsOf(world({ backup: dumb }))).toContainEqual(
    expect.stringMatching(/^wrong: db: the command does not tell when the last backup was made: yesterday/),
  );
  expect(await textsOf(world({ backup: { command: null, maxAge: hour } }))).toContainEqual(
    expect.stringMatching(/^note: nobody is asked when the last backup was made/),
  );
});

it('has nothing to say of a fleet without a database', async () => {
  expect(await examineDatabase({ database: null }, null, Date.now)).toEqual([]);
});
