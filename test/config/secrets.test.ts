import { chmodSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complaints, edited, folder, load, shortest } from './settings.ts';

function fileWith(content: string): string {
  const file = join(folder(), 'secret');
  writeFileSync(file, content, { mode: 0o600 });
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
    const { slack, redis } = load(`${shortest}redis: { plain: allowed }\n`, env);
    expect(slack).toMatchObject({ botToken: 'xoxb-1', appToken: 'xapp-1', apiUrl: 'http://127.0.0.1:9/api/' });
    expect(redis).toEqual({ url: 'redis://redis:6379', user: null, password: null, ca: null });
  });

  it.each(['xoxb-1', 'xoxb-1\n', 'xoxb-1\r\n'])('may come from a file that holds %j', (content) => {
    expect(load(shortest, { SLACK_BOT_TOKEN_FILE: fileWith(content) }).slack.botToken).toBe('xoxb-1');
  });

  it.each(['SLACK_BOT_TOKEN', 'SLACK_APP_TOKEN', 'SLACK_API_URL', 'REDIS_URL'])(
    '%s counts as not given when it is empty',
    (name) => {
      const { slack, redis } = load(shortest, { [name]: '', [`${name}_FILE`]: '' });
      expect([slack.botToken, slack.appToken, slack.apiUrl, redis]).toEqual([null, null, null, null]);
    },
  );

  it.each(['redis://:pw@127.0.0.1:1/0', 'redis://localhost', 'redis://[::1]', 'rediss://h', '/run/redis.sock'])(
    'accept %s as REDIS_URL',
    (url) => {
      expect(load(shortest, { REDIS_URL: url }).redis?.url).toBe(url);
    },
  );

  it.each([
    'redis://h',
    'redis://10.0.0.1:6379',
    'redis://127.0.0.1@h',
    'redis://127.0.0.1.example.com',
    'redis://localhost.example.com',
    'redis://[::2]',
    'redis://0.0.0.0',
  ])('refuse %s, which goes over the network in the clear, unless the settings say so', (url) => {
    expect(complaints(shortest, { REDIS_URL: url })).toEqual([
      expect.stringMatching(
        /^environment: REDIS_URL \(value hidden\) goes to \S+ in the clear, .*rediss:\/\/.*REDIS_CA_FILE.*socket.*plain: allowed/,
      ),
    ]);
    expect(load(`${shortest}redis: { plain: allowed }\n`, { REDIS_URL: url }).redis?.url).toBe(url);
  });

  it('bring the login of Redis besides its address', () => {
    const env = { REDIS_URL: '/run/redis.sock', REDIS_USER: 'bot', REDIS_PASSWORD_FILE: fileWith('hush\n') };
    expect(load(shortest, env).redis).toEqual({ url: '/run/redis.sock', user: 'bot', password: 'hush', ca: null });
  });

  it.each([
    [{ REDIS_PASSWORD: 'hush' }, 'REDIS_PASSWORD is for the Redis at REDIS_URL, which is not set'],
    [{ REDIS_URL: '/s', REDIS_USER: 'bot' }, 'REDIS_USER needs REDIS_PASSWORD as well'],
    [
      { REDIS_URL: 'rediss://a:b@h', REDIS_PASSWORD: 'hush' },
      'REDIS_URL holds a login, and REDIS_USER or REDIS_PASSWORD is set as well; keep one of them',
    ],
    [
      { REDIS_URL: 'rediss://h', REDIS_CA: 'hush' },
      'REDIS_CA (value hidden) cannot be right; write certificates in PEM, which begin with -----BEGIN CERTIFICATE-----',
    ],
    ...['redis://127.0.0.1?tls=no', 'rediss://h/0#x', '/s?db=1', 'Rediss://h', 'redis://'].map(
      (url): [object, string] => [
        { REDIS_URL: url },
        'REDIS_URL (value hidden) cannot be right; write redis://host:6379, rediss://... or the path of a socket',
      ],
    ),
  ])('of Redis that do not fit are told: %j', (env, problem) => {
    expect(complaints(shortest, { ...env })).toEqual([`environment: ${problem}`]);
  });

  it.each([0o644, 0o640, 0o604, 0o660])('are refused in a file of mode %o, with the command that closes it', (mode) => {
    const file = fileWith('xoxb-1');
    chmodSync(file, mode);
    expect(complaints(shortest, { SLACK_BOT_TOKEN_FILE: file })).toEqual([
      `environment: SLACK_BOT_TOKEN_FILE: ${file} may be read by others (mode 0${mode.toString(8)}); run: chmod 600 ${file}`,
    ]);
  });

  it('are refused in an open file behind a link, which is named', () => {
    const file = fileWith('xoxb-1');
    chmodSync(file, 0o644);
    symlinkSync(file, `${file}.link`);
    expect(complaints(shortest, { SLACK_BOT_TOKEN_FILE: `${file}.link` })[0]).toContain(`chmod 600 ${file}`);
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
    expect(lines.join('\n')).toMatch(/"\*\*\*" is not a name/);
  });
});
