import { cp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type SimulatedFleet, startFleet } from '../../src/sandbox/fleet/fleet.ts';
import { type Slack, startSlack } from '../../src/sandbox/slack/start.ts';
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
    const { about } = await examined(settings(), env(), { now: () => Date.now() - 90_000 });
    expect(about('clock')[0]).toMatch(/^FAIL clock compared with Slack's, this machine is (89|90)\.\d s behind: /);
    for (const { name } of fleet.nodes) expect(about(name)[0]).toMatch(/its clock is (89|90)\.\d s ahead/);
  });

  it('says what a wrong unit and a wrong binary are called in the settings', async () => {
    const unit = await examined(settings({ service: { unit: 'no-such-unit' } }), env());
    expect(unit.about('us-east-op-1')[0]).toContain('there is no unit no-such-unit: see service.unit');
    const binary = await examined(settings({ service: { binary: '/usr/local/bin/no-such' } }), env());
    expect(binary.about('us-east-op-1')[0]).toContain('there is no /usr/local/bin/no-such: see service.binary');
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
