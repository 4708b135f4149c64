import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabasePlace, type Database, type Migrating, type MigrationSight } from '../../src/migrating/index.ts';
import { migrationSource } from '../support/migrations.ts';
import { type Booted, bootSystemd, whyNoSystemd } from '../support/systemd.ts';

const never = new AbortController().signal;
const reason = whyNoSystemd();
if (reason !== null) process.stdout.write(`\nMigrations in units of a real systemd are not tried here: ${reason}.\n`);

describe.skipIf(reason !== null)('a migration in a unit of a real systemd', () => {
  const dir = mkdtempSync(join(tmpdir(), 'zw-migrations-'));
  const url = 'postgresql://postgres@127.0.0.1:5999/postgres';
  let systemd: Booted;
  let commit: string;
  let repository: string;

  const sql = (text: string): string => systemd.root(`psql -XAtq -d '${url}' -c "${text}"`).trim();
  function place(changes: Partial<Migrating> = {}, fleet = 'trial'): Database {
    const settings: Migrating = {
      ...{ host: { name: 'db', address: '', port: 22, user: 'root', keyFile: '', knownHostsFile: '' } },
      ...{ env: join(dir, 'migrate.env'), folder: 'packages/database', prepare: ['true'], before: ['./migrate', '2'] },
      ...{ status: ['ls'], after: null, query: ['sh', '-c', 'psql -XAtq -d "$DATABASE_URL"'] },
      ...{ version: 'select max(version) from schema_migrations', limit: 60_000, repository, signedBy: null },
      ...{ backup: { command: ['date', '+%s'], maxAge: 1 }, ...changes },
    };
    const folders = { login: join(dir, 'login'), root: `/var/lib/zeitwork-migrations/${fleet}` };
    return createDatabasePlace({ fleet, settings, machine: systemd.machine, by: 'unit', folders });
  }

  beforeAll(async () => {
    ({ commit, repository } = migrationSource(dir));
    writeFileSync(join(dir, 'migrate.env'), `DATABASE_URL=${url}\nAPI_TOKEN=s3cret-db\nSLOW=1\n`, { mode: 0o600 });
    systemd = await bootSystemd(dir, `zw-migrations-${process.pid}`);
    systemd.root(`ip link set lo up
      bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
      install -d -o 65534 -g 65534 /tmp/pg
      as() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
      cd /tmp/pg
      as env HOME=/tmp/pg LC_ALL=C "$bin/initdb" -D /tmp/pg/data -U postgres -A trust --no-sync -E UTF8 --no-locale >/tmp/pg/log 2>&1
      as "$bin/pg_ctl" -D /tmp/pg/data -l /tmp/pg/server -w -o "-k '' -h 127.0.0.1 -p 5999 -F" start >/dev/null </dev/null`);
    sql(
      'create table schema_migrations(version integer); insert into schema_migrations values (1); create table runs(wanted integer)',
    );
  });
  afterAll(async () => {
    await systemd?.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  async function ended(on: Database, name: string): Promise<Extract<MigrationSight, { is: 'ended' }>> {
    for (;;) {
      const sight = await on.look({ name, number: '1' }, never);
      if (sight.is === 'ended') return sight;
      expect(sight.is).toBe('running');
      await new Promise((done) => setTimeout(done, 100));
    }
  }

  it('is begun once however often it is sent, by a user that exists for it alone, and ends well', async () => {
    const on = place();
    const of = { name: 'zw-migrate-trial-r1-1', number: '1000001' };
    expect(await on.schema(never)).toBe(1);
    expect(Date.now() - (await on.backedUpAt(never))).toBeLessThan(60_000);
    const source = await on.resolve('v2.0.0', never);
    expect(source.commit).toBe(commit);
    expect(await on.status(source, never)).toContain('migrate');
    await on.fence(of.number, never);
    expect(await on.look(of, never)).toEqual({ is: 'none' });
    await on.start(of, source, 'before', never);
    await on.start(of, source, 'before', never);
    const { wrong, lines } = await ended(on, of.name);
    expect(wrong).toBeNull();
    expect(Number(/ as (\d+),/.exec(lines[0] ?? '')?.[1])).toBeGreaterThan(60_000);
    await on.start(of, source, 'before', never);
    expect((await ended(on, of.name)).wrong).toBeNull();
    expect([await on.schema(never), sql('select count(*) from runs')]).toEqual([2, '1']);
    expect(systemd.root('cat /var/lib/zeitwork-migrations/trial/logs/*.log')).not.toContain('s3cret-db');
    expect(systemd.root('cat /proc/[0-9]*/cmdline | tr "\\000" " "')).not.toContain('s3cret-db');
  });

  it('that is too late is ended with all that it began', async () => {
    const on = place({ limit: 1_000, before: ['sh', '-c', 'sleep 300 & sleep 300'] }, 'late');
    const of = { name: 'zw-migrate-late-r1-1', number: '1' };
    const source = await on.resolve('v2.0.0', never);
    await on.start(of, source, 'before', never);
    expect((await ended(on, of.name)).wrong).toContain('not over after 1 s');
    expect(systemd.root('ps -e -o args= | grep -c "^sleep 300" || :').trim()).toBe('0');
  });
});
