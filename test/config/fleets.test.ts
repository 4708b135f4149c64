import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadFleets, SettingsError, settingsFiles, soundFleets } from '../../src/config/index.ts';
import { folder, shortest } from './settings.ts';

const env = { HOME: '/home/ana' };

/** The shortest settings as those of another fleet, which shares nothing with the first. */
const staging = shortest
  .replace('fleet: zeitwork', 'fleet: staging')
  .replace('channel: C1', 'channel: C2\nstateDir: state/staging')
  .replaceAll('10.0.0.', '10.0.9.');

/** What is told of both files, with the folder left out; empty when both are taken. */
function told(first: string, second: string, more: NodeJS.ProcessEnv = {}): string[] {
  const where = folder();
  const files = [join(where, 'a.yaml'), join(where, 'b.yaml')];
  writeFileSync(files[0] ?? '', first);
  writeFileSync(files[1] ?? '', second);
  try {
    soundFleets(loadFleets(files, { ...env, ...more }));
    return [];
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return error.message.replaceAll(`${where}/`, '').split('\n');
  }
}

const proven = 'proven: { fleet: staging }\nroles:';
const asking = shortest.replace('roles:', proven);

describe('several settings files', () => {
  it('are several fleets, each as its file has it', () => {
    expect(told(shortest, staging)).toEqual([]);
    expect(told(asking, staging)).toEqual([]);
  });

  it('may have the same names of regions and nodes: other machines are other nodes', () => {
    expect(staging).toContain('name: op-1');
    expect(told(shortest, staging)).toEqual([]);
  });

  it.each<[string, string, string, RegExp]>([
    [
      'the same name',
      shortest,
      staging.replace('fleet: staging', 'fleet: zeitwork'),
      /^b\.yaml:1: fleet: "zeitwork" is the fleet of a\.yaml, too/,
    ],
    [
      'the same channel',
      shortest,
      staging.replace('channel: C2', 'channel: C1'),
      /^b\.yaml:2: channel: C1 is the channel of zeitwork \(a\.yaml\), too/,
    ],
    [
      'the same state directory',
      shortest,
      staging.replace('stateDir: state/staging', 'stateDir: ./state'),
      /^b\.yaml:3: stateDir: .*\/?state is the one of zeitwork \(a\.yaml\), too.*write another, like stateDir: state\/staging/,
    ],
    [
      'a unit of the same machine',
      shortest,
      staging.replace('10.0.9.2', '10.0.0.2'),
      /^b\.yaml:12: regions\[0\]\.nodes\[1\]: op-2 is a node of zeitwork \(a\.yaml\), too \(10\.0\.0\.2:22\), with the same unit zeitwork-operator/,
    ],
    [
      'the same machine, its name spelled otherwise',
      shortest.replace('10.0.0.2', 'OP.example.com'),
      staging.replace('10.0.9.2', 'op.example.com'),
      /op-2 is a node of zeitwork/,
    ],
    [
      'another workspace',
      shortest.replace('channel: C1', 'channel: C1\nteam: T1'),
      staging.replace('channel: C2', 'channel: C2\nteam: T2'),
      /^b\.yaml:3: team: is another one than that of zeitwork \(a\.yaml\); one connection serves one workspace/,
    ],
    [
      'another place to be asked at',
      `${shortest}metrics: { listen: "127.0.0.1:1" }\n`,
      `${staging}metrics: { listen: "127.0.0.1:2" }\n`,
      /^b\.yaml:16: metrics\.listen: is another one than that of zeitwork/,
    ],
    [
      'a fleet to be proven on that is not here',
      shortest,
      staging.replace('roles:', 'proven: { fleet: qa }\nroles:'),
      /^b\.yaml:14: proven\.fleet: "qa" is not among the settings of this process; give them as well/,
    ],
  ])('cannot have %s: it is told with file and line, and none is begun', (_, first, second, words) => {
    const lines = told(first, second);
    expect(lines[0]).toMatch(words);
    expect(lines.at(-1)).toBe('No fleet is begun before that is mended.');
    expect(lines).toHaveLength(2);
  });

  it('may have another unit on the same machine, and another machine at the same address behind another jump host', () => {
    const same = staging.replace('10.0.9.2', '10.0.0.2');
    expect(told(shortest, same.replace('releases:', 'service: { name: edge-proxy }\nreleases:'))).toEqual([]);
    const jump = (name: string) =>
      `ssh: { user: ops, jump: ${name}, jumpHosts: { ${name}: { address: ${name}.example.com } } }`;
    const behind = (yaml: string, name: string) => yaml.replace('ssh: { user: ops }', jump(name));
    expect(told(behind(shortest, 'one'), behind(same, 'two'))).toEqual([]);
    expect(told(behind(shortest, 'one'), behind(same, 'one'))[0]).toMatch(/op-2 is a node of zeitwork/);
  });

  it('are not begun while one of them is wrong: all of it is told, and which could be begun without it', () => {
    const lines = told(
      shortest,
      staging.replace('channel: C2', 'channel: upgrades').replace('zone: Europe/Dublin', 'zone: Mars'),
    );
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^b\.yaml:2: channel: /);
    expect(lines[1]).toMatch(/^b\.yaml:\d+: regions\[0\]\.zone: /);
    expect(lines[2]).toBe(
      'No fleet is begun before that is mended, or that file is left out: the others are zeitwork.',
    );
  });

  it('are told as ever where there is one', () => {
    const where = folder();
    const file = join(where, 'a.yaml');
    writeFileSync(file, shortest.replace('channel: C1', 'channel: upgrades'));
    expect(() => soundFleets(loadFleets([file], env))).toThrow(/^[^\n]*a\.yaml:2: channel: [^\n]*$/);
    writeFileSync(file, asking);
    expect(() => soundFleets(loadFleets([file], env))).toThrow(/proven\.fleet: "staging" is not among the settings/);
  });
});

describe('proven, as it is written', () => {
  const wrong = (written: string) => told(shortest.replace('roles:', `proven: ${written}\nroles:`), staging)[0];
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN1hSOmz+GgBX5hF1oBxjzB4OsJFMkBLvtw9dJpXuYUw x';

  it.each<[string, RegExp]>([
    ['{ fleet: staging, journal: x.jsonl }', /proven\.journal: is believed by nobody without proven\.keys/],
    [`{ fleet: staging, keys: { bot: ["${key}"], worker: ["${key}"] } }`, /proven\.keys: are for a file/],
    ['{ fleet: staging, within: 2d }', /proven\.within: is over before proven\.for is/],
    ['{ fleet: staging, for: 1h, within: 1h }', /proven\.within: is over before/],
    ['{ fleet: zeitwork }', /proven\.fleet: is this fleet itself/],
    ['{ fleet: staging, otherwise: never }', /proven\.otherwise: .*held.*refused.*warned/],
  ])('%s is refused', (written, words) => {
    expect(wrong(written)).toMatch(words);
  });

  it.each([
    '{ fleet: staging, for: 1h, within: 14d, atLeast: well, otherwise: refused }',
    '{ fleet: staging, for: 0s }',
  ])('%s is taken', (written) => {
    expect(wrong(written)).toBeUndefined();
  });
});

describe('a folder of settings', () => {
  it('is every file in it by its name, and no other', () => {
    const where = folder();
    for (const name of ['b.yaml', 'a.yml', '.c.yaml', 'd.yaml~', 'notes.txt']) writeFileSync(join(where, name), '');
    mkdirSync(join(where, 'none'));
    const own = (named: string[]) =>
      settingsFiles(named.map((each) => join(where, each))).map((file) => file.replace(`${where}/`, ''));
    expect(own([''])).toEqual(['a.yml', 'b.yaml']);
    expect(own(['b.yaml', '', 'gone.yaml'])).toEqual(['b.yaml', 'a.yml', 'gone.yaml']);
    expect(() => own(['none'])).toThrow(/there is no settings file in it/);
  });
});
