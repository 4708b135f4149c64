import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Slack, startSlack } from '../../sandbox/slack/start.ts';
import type { SlackOptions } from '../../sandbox/slack/types.ts';
import { readManifest } from '../../src/bot/manifest.ts';
import { examineSlack, neededScopes } from '../../src/doctor/slack.ts';
import { workspaceOptions } from '../support/slack-workspace.ts';

const running: Slack[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((slack) => slack.close()));
});

async function start(options: Partial<SlackOptions> = {}) {
  const slack = await startSlack({ ...workspaceOptions(), ...options });
  running.push(slack);
  const { apiUrl, botToken, appToken } = slack;
  return { slack, settings: { channel: 'C1', team: 'T1', apiUrl, botToken, appToken } };
}
const look = async (settings: Parameters<typeof examineSlack>[0]) =>
  (await examineSlack(settings, Date.now)).map(({ is, text }) => `${is}: ${text}`);

describe('the look at Slack', () => {
  it('asks for nothing that the manifest does not ask for', async () => {
    const { oauth_config } = parse(await readManifest());
    expect(oauth_config.scopes.bot).toEqual(expect.arrayContaining([...neededScopes]));
  });

  it('finds workspace, scopes, channel, clock and Socket Mode right', async () => {
    const { settings } = await start();
    const found = await look(settings);
    expect(found.filter((line) => !line.startsWith('right'))).toEqual([]);
    expect(found.join('\n')).toMatch(
      /in workspace sandbox[\s\S]*scopes: commands[\s\S]*#control-plane[\s\S]*Socket Mode opens/,
    );
  });

  it('says where a missing token comes from', async () => {
    const { settings } = await start();
    const found = await look({ ...settings, botToken: null, appToken: null });
    expect(found).toEqual([
      expect.stringMatching(/^wrong: SLACK_BOT_TOKEN is not set: .*SLACK_BOT_TOKEN_FILE .*OAuth/),
      expect.stringMatching(/^wrong: SLACK_APP_TOKEN is not set: .*connections:write/),
    ]);
  });

  it('names the scopes that the app lacks, and that the channel cannot be looked at without one', async () => {
    const { settings } = await start({ scopes: ['chat:write', 'commands', 'app_mentions:read', 'users:read'] });
    const found = await look(settings);
    expect(found).toContainEqual(expect.stringMatching(/^wrong: scope im:write, usergroups:read is missing/));
    expect(found).toContainEqual(expect.stringMatching(/^note: channel C1 is not looked at/));
  });

  it('tells refused tokens, a strange workspace and an unknown channel apart', async () => {
    const { settings } = await start();
    expect(await look({ ...settings, botToken: 'xoxb-old', appToken: 'xapp-old' })).toEqual([
      expect.stringMatching(/^wrong: SLACK_BOT_TOKEN is refused \(invalid_auth\)/),
      expect.stringMatching(/^wrong: SLACK_APP_TOKEN opens no socket \(invalid_auth\)/),
    ]);
    expect(await look({ ...settings, team: 'T9' })).toContainEqual(expect.stringMatching(/^wrong: .*T1.*`team` is T9/));
    expect(await look({ ...settings, channel: 'C9' })).toContainEqual(
      expect.stringMatching(/^wrong: channel C9 is not found/),
    );
  });

  it('says once that Slack cannot be reached', async () => {
    const { settings } = await start();
    expect(await look({ ...settings, apiUrl: 'http://127.0.0.1:1/api/' })).toEqual([
      expect.stringMatching(/^wrong: 127\.0\.0\.1:1 cannot be reached: /),
    ]);
  });
});
