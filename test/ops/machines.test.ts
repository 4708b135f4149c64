import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';

const root = resolve(import.meta.dirname, '../..');
const directory = mkdtempSync(join(tmpdir(), 'zw-units-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const units = readdirSync(join(root, 'ops/systemd'));
const text = (unit: string) => readFileSync(join(root, 'ops/systemd', unit), 'utf8');
const analyze = (...words: string[]) => spawnSync('systemd-analyze', words, { cwd: directory, encoding: 'utf8' });
const there = analyze('--version').error === undefined;
if (!there) console.log('ops/systemd is not verified: systemd-analyze is not installed');

/** With the Node of this machine in the place of that of theirs; templates as one of them. */
const written = units.map((unit) => {
  const name = unit.replace('@.', '@eu-west.');
  const own = text(unit).replace('/usr/bin/node', process.execPath);
  writeFileSync(join(directory, unit), own);
  writeFileSync(join(directory, name), own);
  return name;
});

describe('the units of systemd', () => {
  it('are bot, worker, worker of a region, and Redis', () => {
    expect(units.sort()).toEqual([
      'zeitwork-bot.service',
      'zeitwork-redis.service',
      'zeitwork-worker.service',
      'zeitwork-worker@.service',
    ]);
  });

  it.each(written)('%s is understood, and allows little', (unit) => {
    if (!there) return;
    const { status, stdout, stderr } = analyze('verify', `./${unit}`);
    expect([status, stdout + stderr]).toEqual([0, '']);
    // 2.0 of 10: the network, and a compiler that writes what it runs, are all that is left.
    const exposed = analyze('security', '--offline=true', '--threshold=20', `./${unit}`);
    expect([unit, exposed.status]).toEqual([unit, 0]);
  });

  it('give a bot no key of nodes, and a worker no token of Slack', () => {
    expect(text('zeitwork-bot.service')).not.toMatch(/ssh-key|redis-worker/);
    expect(text('zeitwork-worker.service') + text('zeitwork-worker@.service')).not.toMatch(/slack|redis-bot/i);
  });
});

describe('the containers', () => {
  interface Container {
    mem_limit?: string;
    pids_limit?: number;
    logging?: { options: Record<string, string> };
    ports?: string[];
  }
  const { services }: { services: Record<string, Container> } = parse(
    readFileSync(join(root, 'docker-compose.yml'), 'utf8'),
    { merge: true },
  );

  it.each(Object.entries(services))(
    '%s has an end to its memory, its processes and its log, and no open port',
    (_, own) => {
      expect(own.mem_limit).toMatch(/^\d+m$/);
      expect(own.pids_limit).toBeGreaterThan(0);
      expect(own.logging?.options).toEqual({ 'max-size': '10m', 'max-file': '5' });
      expect(own.ports).toBeUndefined();
    },
  );
});
