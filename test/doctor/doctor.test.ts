import { readdirSync, readFileSync } from 'node:fs';
import { cp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../sandbox/fleet/fleet.ts';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import { loadSettings } from '../../src/config/index.ts';
import { testKey } from '../support/belief.ts';
import { listening } from '../support/listening.ts';
import { until } from '../support/product.ts';
import { workspaceOptions } from '../support/slack-workspace.ts';
import { examined, scratch, writeSettings } from './support.ts';

let fleet: SimulatedFleet;
let slack: Slack;
const directory = scratch();
const stateDir = scratch();
const sound = scratch();

beforeAll(async () => {
  fleet = await startFleet({ directory, regions: ['us-east', 'eu-west'], nodesPerRegion: 3 });
  slack = await startSlack(workspaceOptions());
  const archive = 'zeitwork-operator-v2.0.0.tar.gz';
  for (const name of [archive, `${archive}.sha256`]) await cp(join(fleet.releasesDirectory, name), join(sound, name));
});
afterAll(async () => {
  await fleet.close();
  await slack.close();
  await Promise.all([directory, stateDir, sound].map((each) => rm(each, { recursive: true, force: true })));
});
beforeEach(async () => {
  for (const { name } of fleet.nodes) await fleet.source.inject(name, 'heal');
  const healthy = () => fleet.source.nodes().every(({ status }) => status === 'healthy');
  await until('all nodes are healthy', healthy, { timeoutMs: 20_000 });
});

const env = () => ({
  SLACK_API_URL: slack.apiUrl,
  SLACK_BOT_TOKEN: slack.botToken,
  SLACK_APP_TOKEN: slack.appToken,
});
const settings = (changes: Record<string, unknown> = {}) =>
  writeSettings({ nodes: fleet.nodes, releases: sound, stateDir, changes });

describe('the doctor', () => {
  it('finds a sound installation ready, with one line for every node in the order of the settings', async () => {
    const { found, ok, text } = await examined(settings(), env());
    expect(text).not.toContain('FAIL');
    expect(ok).toBe(true);
    const nodes = found.map(({ line }) => line.split(/ +/)[1] ?? '').filter((word) => word.includes('-op-'));
    expect(nodes).toEqual(fleet.nodes.map(({ name }) => name));
    expect(text).toMatch(/^ok {3}redis {9}private, \d+\.\d+\.\d+, AOF always, noeviction$/m);
    expect(text).toMatch(/^ok {3}us-east-op-1 {2}v1\.0\.0, healthy, active\/running, \S+, [\d.]+ GB free/m);
  });

  it('asks every node for what the compatibility matrix speaks of, and names what cannot be found there', async () => {
    const rows = [{ operator: '2.x', agent: '1.1.x - 2.0.x', schema: [1, 2] }];
    const asking = (schema: string) => ({
      compatibility: rows,
      inventory: {
        agent: { get: '/api/v1/nodes', select: '[].{name: hostname, version: agent_version}' },
        schema: { get: '/api/v1/schema', select: schema },
      },
    });
    const sound = await examined(settings(asking('version')), env());
    expect(sound.about('versions')).toEqual(['ok versions 1 row, asked on 6 of 6 nodes']);
    const lost = await examined(settings(asking('number')), env());
    expect(lost.ok).toBe(false);
    expect(lost.about('versions')).toEqual([
      expect.stringMatching(/^FAIL versions the schema can be asked on none of 6 nodes: .* see inventory.schema/),
    ]);
  });

  it('asks where alerts are kept: what fires is worth knowing, who cannot be asked must be mended', async () => {
    const quiet = await examined(settings(), env());
    expect(quiet.about('alerts')).toEqual(['note alerts nobody is asked (alerts in the settings)']);
    const { listen, closeAll } = listening();
    const address = await listen(
      createServer(({ url }, response) => void response.writeHead(url === '/us-east' ? 503 : 200).end('disk full')),
    );
    const firing = await examined(settings({ alerts: { url: `${address}/{region}` } }), env());
    expect(firing.about('alerts')).toEqual(['note alerts us-east: nothing is begun now, since 503 disk full']);
    closeAll();
    const gone = await examined(settings({ alerts: { alertmanager: address } }), env());
    expect(gone.about('alerts')).toHaveLength(2);
    expect(gone.about('alerts')[0]).toMatch(/^FAIL alerts us-east: 127\.0\.0\.1:\d+ cannot be asked: .*refused/);
  });

  it('reads whether the newest release was proven where the settings want it', async () => {
    expect((await examined(settings(), env())).about('proven')).toEqual([
      'note proven nothing is asked of another fleet (proven in the settings)',
    ]);
    const { public: key } = testKey('bot');
    const proven = { fleet: 'staging', journal: join(stateDir, 'none.jsonl'), keys: { bot: [key], worker: [key] } };
    const { about, ok } = await examined(settings({ proven }), env());
    expect(about('proven')).toEqual([
      expect.stringMatching(/^note proven nothing of it is begun now: .*v2\.0\.0.*ENOENT/),
    ]);
    expect(ok).toBe(true);
  });

  it('looks for the program that takes nodes out of service', async () => {
    const program = '/usr/local/bin/no-such-balancer';
    const traffic = { drain: [program, 'out', '{name}'], undrain: [program, 'in', '{name}'] };
    const { found, ok } = await examined(settings({ service: { owner: 'zeitwork:zeitwork', traffic } }), env());
    expect(ok).toBe(false);
    const told = found.filter(({ line }) => line.includes(`there is no program ${program}: see service.traffic`));
    expect(told).toHaveLength(1);
    expect(told[0]?.ok).toBe(false);
  });

  it('names each fault of a node in its line', async () => {
    const [stopped, silent, sudo, key, ssh, full] = fleet.nodes.map(({ name }) => name);
    const cases: [string | undefined, string, RegExp][] = [
      [stopped, 'stop-service', /the unit is inactive\/dead; .*health: /],
      [silent, 'drop-network', /health: /],
      [sudo, 'break-sudo', /sudo asks for a password.*NOPASSWD/],
      [key, 'change-hostkey', /host key changed: .*known_hosts has .*\(line \d+\)/],
      [ssh, 'kill-sshd', /connection refused/],
    ];
    for (const [node = '', fault] of cases) await fleet.source.inject(node, fault);
    const { about, ok } = await examined(settings(), env(), { connectTimeoutMs: 3_000 });
    expect(ok).toBe(false);
    for (const [node = '', , words] of cases) {
      const [line, ...more] = about(node);
      expect(line).toMatch(new RegExp(`^FAIL ${node} `));
      expect(line).toMatch(words);
      expect(more).toEqual([]);
    }
    expect(about(full ?? '')[0]).toMatch(/^ok /);
  });

  it('says which nodes and which Slack have another time than this machine', async () => {
    const { about, found, text } = await examined(settings(), env(), { now: () => Date.now() - 90_000 });
    expect(about('clock')[0]).toMatch(/^FAIL clock compared with Slack's, this machine is (89|90)\.\d s behind: /);
    expect(found.filter(({ line }) => line.includes('-op-'))).toHaveLength(1);
    expect(text).toMatch(
      /^FAIL 6 nodes +us-east-op-1, .*, eu-west-op-3: clocks are ahead, the first by (89|90)\.\d s: .*sudo timedatectl/m,
    );
  });

  it('tells what several nodes have in common once, with their names and the one command that mends it', async () => {
    const [first, second] = fleet.nodes.map(({ name }) => name);
    for (const node of [first, second]) await fleet.source.inject(node ?? '', 'break-sudo');
    const { about, text } = await examined(settings(), env());
    expect(text.match(/sudo asks for a password/g)).toHaveLength(1);
    expect(text).toMatch(
      /^FAIL 2 nodes +us-east-op-1, us-east-op-2: sudo asks for a password.*`echo 'ops ALL=\(ALL\) NOPASSWD: ALL' > \/etc/m,
    );
    expect([...about(first ?? ''), ...about(second ?? '')]).toEqual([]);
    expect(about('us-east-op-3')[0]).toMatch(/^ok /);
  });

  it('says how the keys of all hosts become known', async () => {
    const empty = join(stateDir, 'empty_hosts');
    await writeFile(empty, '');
    const nodes = fleet.nodes.map((node) => ({ ...node, knownHostsFile: empty }));
    const file = writeSettings({ nodes, releases: sound, stateDir });
    const { text } = await examined(file, env());
    const [line, ...more] = text.split('\n').filter((each) => each.includes('host key unknown'));
    expect(more).toEqual([]);
    expect(line).toContain(`us-east-op-1, us-east-op-2, us-east-op-3, eu-west-op-1, eu-west-op-2, eu-west-op-3: `);
    expect(line).toContain(`ssh-keyscan -p ${fleet.nodes[0]?.port} 127.0.0.1 >> ${empty}`);
  });

  it('leaves no state behind where the product has not run yet', async () => {
    const fresh = scratch();
    const file = settings({ stateDir: join(fresh, 'state') });
    const before = readdirSync(tmpdir()).filter((name) => name.startsWith('zeitwork-doctor-'));
    const { text } = await examined(file, env());
    expect(text).toMatch(/^ok {3}redis .*private/m);
    expect(readdirSync(fresh)).toEqual([]);
    expect(readdirSync(tmpdir()).filter((name) => name.startsWith('zeitwork-doctor-'))).toEqual(before);
    await rm(fresh, { recursive: true });
  });

  it('keeps the state of the first run out of git', () => {
    const ignored = readFileSync(join(import.meta.dirname, '../../.gitignore'), 'utf8').split('\n');
    const { stateDir: usual } = loadSettings(join(import.meta.dirname, '../../zeitwork.example.yaml'), {});
    expect(ignored).toContain(`/${basename(usual)}/`);
  });

  it('says what a wrong unit and a wrong binary are called in the settings', async () => {
    const unit = await examined(settings({ service: { unit: 'no-such-unit' } }), env());
    expect(unit.text).toMatch(/^FAIL 6 nodes .*: there is no unit no-such-unit: see service\.unit$/m);
    const binary = await examined(settings({ service: { binary: '/usr/local/bin/no-such' } }), env());
    expect(binary.text).toMatch(/^FAIL 6 nodes .*: there is no \/usr\/local\/bin\/no-such: see service\.binary$/m);
  });

  it('tells every problem of broken settings and looks no further', async () => {
    const broken = settings({ channel: 7, roles: {}, colour: 'red' });
    const { found, about } = await examined(broken, env());
    expect(about('settings').length).toBeGreaterThanOrEqual(2);
    expect(found.every(({ ok, line }) => !ok && line.startsWith('FAIL settings'))).toBe(true);
    const none = await examined(join(stateDir, 'nowhere.yaml'), {});
    expect(none.about('settings')[0]).toContain('copy zeitwork.example.yaml to begin');
  });

  it('never shows a secret, wherever it stands', async () => {
    const secret = 'xoxb-1234567890-abcdefghij';
    await writeFile(join(stateDir, 'secret.yaml'), `fleet: ${secret}\n`);
    const broken = await examined(join(stateDir, 'secret.yaml'), { SLACK_BOT_TOKEN: secret });
    const refused = await examined(settings(), {
      ...env(),
      SLACK_BOT_TOKEN: secret,
      REDIS_URL: 'redis://:hunter22@127.0.0.1:1',
    });
    for (const { text, ok } of [broken, refused]) {
      expect(ok).toBe(false);
      expect(text).not.toContain(secret);
      expect(text).not.toContain('hunter22');
    }
    expect(refused.about('redis')[0]).toMatch(/^FAIL redis .*127\.0\.0\.1:1.*REDIS_URL/);
  });
});
