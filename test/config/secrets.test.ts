import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complaints, edited, folder, load, shortest } from './settings.ts';

function fileWith(content: string): string {
  const file = join(folder(), 'secret');
  writeFileSync(file, content);
  return file;
}

describe('secrets', () => {
  it('come from the environment', () => {
    const env = {
      SLACK_BOT_TOKEN: 'xoxb-1',
      SLACK_APP_TOKEN: 'xapp-1',
      SLACK_API_URL: 'http://127.0.0.1:9/api/',
      REDIS_URL: 'redis://redis:6379',
    };
    const { slack, redisUrl } = load(shortest, env);
    expect(slack).toMatchObject({ botToken: 'xoxb-1', appToken: 'xapp-1', apiUrl: 'http://127.0.0.1:9/api/' });
    expect(redisUrl).toBe('redis://redis:6379');
  });

  it.each(['xoxb-1', 'xoxb-1\n', 'xoxb-1\r\n'])('may come from a file that holds %j', (content) => {
    expect(load(shortest, { SLACK_BOT_TOKEN_FILE: fileWith(content) }).slack.botToken).toBe('xoxb-1');
  });

  it.each(['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_API_URL', 'REDIS_URL'])(
    '%s counts as not given when it is empty',
    (name) => {
      const { slack, redisUrl } = load(shortest, { [name]: '', [`${name}_FILE`]: '' });
      expect([slack.botToken, slack.appToken, slack.apiUrl, redisUrl]).toEqual([null, null, null, null]);
    },
  );

  it.each(['redis://:pw@h:1/0', 'rediss://h', '/run/redis.sock'])('accept %s as REDIS_URL', (url) => {
    expect(load(shortest, { REDIS_URL: url }).redisUrl).toBe(url);
  });
});

describe('a secret that cannot be used is told without its value:', () => {
  it('given in two ways', () => {
    expect(complaints(shortest, { REDIS_URL: 'redis://h', REDIS_URL_FILE: '/x' })).toEqual([
      'environment: REDIS_URL and REDIS_URL_FILE are both set; keep one of them',
    ]);
  });

  it('in a file that is not there, or empty', () => {
    const empty = fileWith('\n');
    expect(complaints(shortest, { REDIS_URL_FILE: '/nowhere/x', SLACK_APP_TOKEN_FILE: empty })).toEqual([
      `environment: SLACK_APP_TOKEN_FILE: ${empty} is empty`,
      'environment: REDIS_URL_FILE: /nowhere/x cannot be read (ENOENT)',
    ]);
  });

  it.each([
    ['SLACK_BOT_TOKEN', 'xapp-1-hush', 'a bot token, which begins with xoxb-'],
    ['SLACK_APP_TOKEN', 'xoxb-1-hush', 'an app-level token, which begins with xapp-'],
    ['SLACK_BOT_TOKEN', 'xoxb-1 hush', 'a bot token, which begins with xoxb-'],
    ['SLACK_API_URL', 'hush', 'a URL like https://slack.com/api/'],
    ['REDIS_URL', 'hush:6379', 'redis://host:6379, rediss://... or the path of a socket'],
  ])('%s as %s', (name, value, accepted) => {
    expect(complaints(shortest, { [name]: value })).toEqual([
      `environment: ${name} (value hidden) cannot be right; write ${accepted}`,
    ]);
  });
});

describe('a secret in the settings file', () => {
  it.each([
    ['a token', 'team: xoxb-12345-hush', 'hush'],
    ['a Redis address with a password', 'stateDir: redis://bo:hush@redis:6379', 'hush'],
    ['a private key', 'stateDir: "-----BEGIN OPENSSH PRIVATE KEY----- hush"', 'hush'],
    ['under a key of its own', 'botToken: hush', 'hush'],
    ['as a key', 'xoxb-12345-hush: true', 'hush'],
    ['deep in a list', 'freezes: [{ reason: xapp-12345-hush }]', 'hush'],
  ])('is refused and never shown: %s', (_, line, secret) => {
    const lines = complaints(`${shortest}${line}\n`);
    expect(lines.join('\n')).toContain('looks like a secret, which does not belong in this file; give SLACK_BOT_TOKEN');
    expect(lines.join('\n')).not.toContain(secret);
    expect(lines.every((each) => each.startsWith('zeitwork.yaml:15: '))).toBe(true);
  });

  it('is refused when it is the one of the environment, and hidden whatever it looks like', () => {
    const yaml = edited('name: op-1', 'name: hush hush hush');
    const lines = complaints(yaml, { SLACK_BOT_TOKEN_FILE: fileWith('hush hush hush') });
    expect(lines.join('\n')).toMatch(/this looks like a secret/);
    expect(lines.join('\n')).toMatch(/"\(hidden\)" is not a name/);
  });
});
