import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createDatabasePlace, type Database, type Migrating } from '../../src/migrating/index.ts';
import { here, type Machine } from '../../src/running/index.ts';
import type { Postgres } from './postgres.ts';

/** The program that brings the schema to a number, once for each; what it does is written down by the database. */
const tool = `#!/bin/sh
set -eu
to=$1
echo "migrating to $to as $(id -u), marker $DATABASE_URL"
psql -XAtq -v ON_ERROR_STOP=1 -d "$DATABASE_URL" <<SQL
insert into runs(wanted) values ($to);
SQL
sleep \${SLOW:-0}
[ ! -e "\${BREAKS:-/nowhere}" ] || { echo 'column nodes.region does not exist' >&2; exit 3; }
psql -XAtq -v ON_ERROR_STOP=1 -d "$DATABASE_URL" -c "insert into schema_migrations values ($to)"
echo done
`;

export interface MigrationsWorld {
  settings: Migrating;
  database(machine?: Machine): Database;
  /** SQL, and what it answers. */
  sql(text: string): string;
  /** How often the program was really run. */
  runs(): number;
  commit: string;
  own: string;
}

/** A repository whose tag v2.0.0 has the program. */
export function migrationSource(folder: string): { repository: string; commit: string } {
  const source = join(folder, 'source');
  mkdirSync(join(source, 'packages/database'), { recursive: true });
  writeFileSync(join(source, 'packages/database/migrate'), tool);
  chmodSync(join(source, 'packages/database/migrate'), 0o755);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=ana', '-c', 'user.email=ana@example.com', ...args], {
      cwd: source,
      encoding: 'utf8',
      stdio: 'pipe',
    }).trim();
  git('init', '-q');
  git('add', '-A');
  git('commit', '-qm', 'migrations');
  git('tag', '-a', 'v2.0.0', '-m', 'v2.0.0');
  return { repository: source, commit: git('rev-parse', 'HEAD') };
}

/** A repository whose tag v2.0.0 migrates a real database from 1 to 2, and after that to 3. */
export function migrationsWorld(
  folder: string,
  postgres: Postgres,
  name: string,
  changes: Partial<Migrating> & { variables?: string } = {},
): MigrationsWorld {
  const { variables = '', ...settings } = changes;
  const admin = (text: string) =>
    execFileSync('psql', ['-XAtq', '-d', postgres.url(), '-c', text], { encoding: 'utf8' });
  admin(`create database ${name}`);
  const url = postgres.url().replace(/\/[^/?]*(\?|$)/, `/${name}$1`);
  const sql = (text: string) => execFileSync('psql', ['-XAtq', '-d', url, '-c', text], { encoding: 'utf8' }).trim();
  sql(
    'create table schema_migrations(version integer); insert into schema_migrations values (1); create table runs(wanted integer)',
  );
  const { repository: source, commit } = migrationSource(folder);
  const env = join(folder, 'migrate.env');
  writeFileSync(env, `DATABASE_URL='${url}'\n${variables}`, { mode: 0o600 });
  const stamp = join(folder, 'last-backup');
  writeFileSync(stamp, `${Math.floor(Date.now() / 1_000) - 3_600}\n`);
  const all: Migrating = {
    ...{ host: { name: 'db', address: '', port: 22, user: '', keyFile: '', knownHostsFile: '' } },
    ...{
      env,
      folder: 'packages/database',
      prepare: ['true'],
      status: null,
      before: ['./migrate', '2'],
      after: ['./migrate', '3'],
    },
    ...{ query: ['sh', '-c', 'psql -XAtq -d "$DATABASE_URL"'], version: 'select max(version) from schema_migrations' },
    ...{
      backup: { command: ['cat', stamp], maxAge: 24 * 3_600_000 },
      limit: 60_000,
      repository: source,
      signedBy: null,
    },
    ...settings,
  };
  const own = join(folder, 'own');
  return {
    settings: all,
    database: (machine = here) =>
      createDatabasePlace({ fleet: name, settings: all, machine, by: 'group', folders: { login: own, root: own } }),
    sql,
    runs: () => Number(sql('select count(*) from runs')),
    commit,
    own,
  };
}
