import type { RespondArguments, SlashCommand } from '@slack/bolt';
import { WebClient } from '@slack/web-api';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { slackDirectory } from '../../src/bot/directory.ts';
import { listeners } from '../../src/bot/listeners.ts';
import { manifestLink, readManifest } from '../../src/bot/manifest.ts';
import { trial } from './support.ts';

const command: SlashCommand = {
  token: '',
  command: '/zeitwork',
  text: 'whoami',
  response_url: '',
  trigger_id: 't1',
  user_id: 'U0ROSA',
  user_name: 'rosa',
  team_id: 'T0',
  team_domain: 'trial',
  channel_id: 'C0',
  channel_name: 'upgrades',
  api_app_id: 'A0',
};

async function told(body: SlashCommand, times = 1, here = trial()): Promise<string[]> {
  const texts: string[] = [];
  const respond = async (sent: string | RespondArguments) => {
    texts.push(typeof sent === 'string' ? sent : (sent.text ?? ''));
    return new Response();
  };
  const heard = listeners([here.context], new WebClient());
  for (let i = 0; i < times; i++) await heard.command(body, respond);
  return texts;
}

describe('listeners', () => {
  it('answers in the channel of the settings, once per delivery', async () => {
    expect(await told(command, 3)).toHaveLength(1);
  });

  it('refuses other channels and other workspaces', async () => {
    expect(await told({ ...command, channel_id: 'C9' })).toEqual(['This bot is heard in <#C0> only.']);
    expect(await told({ ...command, team_id: 'T9' })).toEqual(['This bot does not serve your workspace.']);
  });

  it('does nothing and says so when the store is away', async () => {
    const here = trial();
    here.control.store.firstTime = async () => Promise.reject(new Error('ECONNREFUSED'));
    expect(await told(command, 1, here)).toEqual([expect.stringContaining('nothing was done')]);
  });
});

describe('the directory', () => {
  it('remembers a person for a minute at most, and for looks only', async () => {
    let now = 0;
    let asked = 0;
    const client = new WebClient('xoxb', {
      fetch: async () => {
        asked += 1;
        return new Response(JSON.stringify({ ok: true, user: { id: 'U0', team_id: 'T0', is_restricted: true } }));
      },
    });
    const directory = slackDirectory(client, () => now);
    expect(await directory.person('U0', 'look')).toEqual({
      bot: false,
      guest: true,
      deactivated: false,
      teams: ['T0'],
    });
    now = 59_999;
    await directory.person('U0', 'look');
    expect(asked).toBe(1);
    now = 60_000;
    await directory.person('U0', 'look');
    expect(asked).toBe(2);
    await directory.person('U0', 'decision');
    await directory.person('U0', 'decision');
    expect(asked).toBe(4);
  });
});

describe('the manifest', () => {
  it('becomes a link that creates the app', async () => {
    const manifest = await readManifest();
    expect(manifest).toContain('socket_mode_enabled: true');
    const link = new URL(manifestLink(manifest));
    expect(link.origin).toBe('https://api.slack.com');
    expect(link.searchParams.get('manifest_yaml')).toContain('should_escape: true');
    expect(link.searchParams.get('manifest_yaml')).not.toContain('#  ');
  });

  it('subscribes to what the bot listens to', async () => {
    const { settings } = parse(await readManifest());
    const events = ['app_home_opened', 'app_mention', 'message.channels', 'message.groups'];
    expect(settings.event_subscriptions.bot_events).toEqual(events);
  });
});
