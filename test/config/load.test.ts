import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SettingsError } from '../../src/config/index.ts';
import { loadSettings } from '../../src/config/load.ts';
import { complaints, edited, folder, load, shortest } from './settings.ts';

it('are taken from no file that everybody may write', () => {
  const where = folder();
  const file = join(where, 'zeitwork.yaml');
  load(shortest, {}, where);
  chmodSync(file, 0o666);
  expect(() => loadSettings(file, {})).toThrow(/may be written by everybody; run: chmod o-w/);
  chmodSync(file, 0o664);
  expect(loadSettings(file, {}).fleet.name).toBe('zeitwork');
});

describe('the shortest settings', () => {
  it('get every default', () => {
    const where = folder();
    const settings = load(shortest, {}, where);
    expect(settings).toMatchObject({
      file: join(where, 'zeitwork.yaml'),
      releases: { directory: join(where, 'releases') },
      stateDir: join(where, 'state'),
      redis: null,
      slack: { channel: 'C1', team: null, botToken: null, appToken: null, apiUrl: null },
      roles: { requesters: { users: ['U1'], groups: [] }, breakers: { users: [], groups: [] } },
    });
    expect(settings.fleet.regions[0]?.calendar).toEqual({
      zone: 'Europe/Dublin',
      windows: [{ days: ['tue', 'wed', 'thu'], from: '02:00', to: '06:00' }],
      freezes: [],
    });
    expect(settings.hosts['op-1']).toEqual({
      name: 'op-1',
      address: '10.0.0.1',
      become: 'sudo',
      port: 22,
      user: 'ops',
      keyFile: '/home/ana/.ssh/id_ed25519',
      knownHostsFile: '/home/ana/.ssh/known_hosts',
    });
    expect(settings.healthUrls['op-1']).toBe('http://10.0.0.1:8080/health');
  });

  it('describe the operator as the guide lays it out', () => {
    expect(load(shortest).fleet.service).toEqual({
      name: 'zeitwork-operator',
      unit: 'zeitwork-operator',
      binary: '/usr/local/bin/zeitwork-operator',
      owner: 'root:root',
      mode: '0755',
      envFile: '/etc/zeitwork/operator.env',
      versionArgs: ['--version'],
      traffic: null,
      archiveMember: 'build/zeitwork-operator',
    });
  });
});

describe('a service', () => {
  it('with another name gets its own paths by default', () => {
    expect(load(`${shortest}service: { name: zeitwork-node-agent }\n`).fleet.service).toMatchObject({
      unit: 'zeitwork-node-agent',
      binary: '/usr/local/bin/zeitwork-node-agent',
      envFile: '/etc/zeitwork/node-agent.env',
      archiveMember: 'build/zeitwork-node-agent',
    });
  });

  it('may have neither an environment file nor a version command', () => {
    const { service } = load(`${shortest}service: { envFile: null, versionArgs: null }\n`).fleet;
    expect([service.envFile, service.versionArgs]).toEqual([null, null]);
  });

  it('may say how a node is taken out of service and put back', () => {
    const traffic = '{ drain: [/opt/balancer, out, "{name}"], undrain: [/opt/balancer, in, "{name}"] }';
    expect(load(`${shortest}service: { traffic: ${traffic} }\n`).fleet.service.traffic).toEqual({
      drain: ['/opt/balancer', 'out', '{name}'],
      undrain: ['/opt/balancer', 'in', '{name}'],
      limit: 300_000,
    });
  });

  it.each(['"0750"', '0750', "'0750'"])('may write its mode as %s', (mode) => {
    expect(load(`${shortest}service: { mode: ${mode} }\n`).fleet.service.mode).toBe('0750');
  });
});

describe('paths', () => {
  it.each([
    ['archives', 'archives', (where: string) => join(where, 'archives')],
    ['../archives', 'a folder above', (where: string) => join(where, '..', 'archives')],
    ['/srv/archives', 'absolute', () => '/srv/archives'],
    ['~/archives', 'in the home directory', () => '/home/ana/archives'],
  ])('%s is %s', (written, _, expected) => {
    const where = folder();
    const settings = load(edited('directory: releases', `directory: ${written}`), {}, where);
    expect(settings.releases).toMatchObject({ directory: expected(where) });
  });
});

describe('health addresses', () => {
  it('take the name or the address of the node, an IPv6 one in brackets', () => {
    const yaml = edited('10.0.0.1', '"2001:db8::1"');
    expect(load(yaml).healthUrls['op-1']).toBe('http://[2001:db8::1]:8080/health');
    expect(load(`${yaml}health: https://{name}.example.com/ok\n`).healthUrls['op-1']).toBe(
      'https://op-1.example.com/ok',
    );
  });

  it('may be given at a node', () => {
    const yaml = edited('address: 10.0.0.1', 'address: 10.0.0.1, healthUrl: http://10.0.0.1:9090/x');
    expect(load(yaml).healthUrls['op-1']).toBe('http://10.0.0.1:9090/x');
  });
});

describe('freezes', () => {
  const frozen = (freeze: string, more = '') =>
    load(
      `${shortest}freezes:\n  - { reason: sale, author: ana, ${freeze} }\n${more}`,
    ).fleet.regions[0]?.calendar.freezes.map(({ start, end }) => [
      new Date(start).toISOString(),
      new Date(end).toISOString(),
    ]);

  it.each([
    [
      'dates of the region, the last day included',
      'from: 2026-07-01, to: 2026-07-02',
      '2026-06-30T23:00',
      '2026-07-02T23:00',
    ],
    [
      'dates of their own zone',
      'from: 2026-07-01, to: 2026-07-02, zone: Asia/Kolkata',
      '2026-06-30T18:30',
      '2026-07-02T18:30',
    ],
    ['dates around a clock change', 'from: 2026-10-24, to: 2026-10-25', '2026-10-23T23:00', '2026-10-26T00:00'],
    ['local times', 'from: 2026-12-01 18:00, to: 2026-12-02 06:30', '2026-12-01T18:00', '2026-12-02T06:30'],
    ['instants', 'from: 2026-12-01T18:00:00Z, to: 2026-12-02T06:00:00+01:00', '2026-12-01T18:00', '2026-12-02T05:00'],
  ])('may be %s', (_, freeze, start, end) => {
    expect(frozen(freeze)).toEqual([[`${start}:00.000Z`, `${end}:00.000Z`]]);
  });

  it('may be for one region, written there or at the fleet', () => {
    const own = 'freezes: [{ from: 2026-12-01, to: 2026-12-01, reason: r, author: a }]';
    const yaml = edited('zone: Europe/Dublin', `zone: Europe/Dublin\n    ${own}`);
    const more = 'freezes: [{ from: 2026-12-03, to: 2026-12-03, reason: r, author: a, region: eu-west }]\n';
    expect(load(yaml + more).fleet.regions[0]?.calendar.freezes).toHaveLength(2);
    expect(load(shortest + more.replace('eu-west', 'eu-west')).fleet.regions[0]?.calendar.freezes).toHaveLength(1);
  });
});

describe('releases', () => {
  it('may be behind a URL with the version in it', () => {
    const url = 'https://files.example.com/{version}/op-{version}.tar.gz';
    expect(load(edited('{ directory: releases }', `{ url: "${url}" }`)).releases).toMatchObject({ url });
  });

  it('are refused unsigned unless the settings say otherwise, and one person may have several keys', () => {
    expect(load(shortest).releases).toMatchObject({ signers: [], unsigned: 'refused' });
    const key = (last: string) =>
      `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1hSOmz+GgBX5hF1oBxjzB4OsJFMkBLvtw9dJpXuYU${last}`;
    const signers = `[{ name: ana, key: ${key('w')} ana@laptop }, { name: ci, key: ${key('0')} }, { name: ana, key: ${key('4')} }]`;
    const { releases } = load(edited('{ directory: releases }', `{ directory: releases, signers: ${signers} }`));
    expect(releases.signers).toEqual([
      { name: 'ana', keys: [key('w'), key('4')] },
      { name: 'ci', keys: [key('0')] },
    ]);
    expect(load(edited('releases }', 'releases, unsigned: allowed }')).releases.unsigned).toBe('allowed');
  });
});

describe('the file itself', () => {
  it('may use anchors', () => {
    const yaml = shortest
      .replace('{ users: [U1] }', '&ops { users: [U7] }')
      .replace(/requesters: .*/, 'requesters: *ops');
    expect(load(yaml).roles.requesters.users).toEqual(['U7']);
  });

  it('is asked for when it is not there', () => {
    expect(() => loadSettings('/nowhere/zeitwork.yaml', {})).toThrow(SettingsError);
    expect(() => loadSettings('/nowhere/zeitwork.yaml', {})).toThrow(/cannot be read.*copy zeitwork\.example\.yaml/);
  });

  it.each([
    ['', 'zeitwork.yaml:1: the file is empty; copy zeitwork.example.yaml to begin'],
    ['# nothing\n', 'zeitwork.yaml:1: the file is empty; copy zeitwork.example.yaml to begin'],
    ['fleet: [a\nb: c', /^zeitwork\.yaml:2: Flow sequence/],
    [`${shortest}fleet: again\n`, 'zeitwork.yaml:15: Map keys must be unique'],
  ])('%j is refused with one line', (yaml, expected) => {
    const lines = complaints(yaml);
    expect(lines).toEqual([typeof expected === 'string' ? expected : expect.stringMatching(expected)]);
  });
});
