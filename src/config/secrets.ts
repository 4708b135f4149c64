import { readFileSync } from 'node:fs';
import { hideSecrets, secretAdvice } from './hidden.ts';
import type { Problem } from './problems.ts';
import type { Source } from './source.ts';
import { isHttp } from './values.ts';

export interface Secrets {
  botToken: string | null;
  appToken: string | null;
  apiUrl: string | null;
  redisUrl: string | null;
  sealKey: string | null;
}

/** Reads each secret from `NAME` or from the file that `NAME_FILE` names. Problems never show a value. */
export function readSecrets(env: NodeJS.ProcessEnv): { secrets: Secrets; problems: string[] } {
  const problems: string[] = [];
  const read = (name: string, accepted: RegExp | ((value: string) => boolean), write: string): string | null => {
    const result = readOne(env, name);
    if ('problem' in result) problems.push(result.problem);
    const value = 'value' in result ? result.value : null;
    const fine = value === null || (accepted instanceof RegExp ? accepted.test(value) : accepted(value));
    if (!fine) problems.push(`${name} (value hidden) cannot be right; write ${write}`);
    return value;
  };
  const secrets = {
    botToken: read('SLACK_BOT_TOKEN', /^(?!xapp-)\S+$/, 'a bot token, which begins with xoxb-'),
    appToken: read('SLACK_APP_TOKEN', /^(?!xoxb-)\S+$/, 'an app-level token, which begins with xapp-'),
    apiUrl: read('SLACK_API_URL', isHttp, 'a URL like https://slack.com/api/'),
    redisUrl: read('REDIS_URL', /^rediss?:\/\/\S+$|^\//, 'redis://host:6379, rediss://... or the path of a socket'),
    sealKey: read(
      'SEAL_KEY',
      /^\S{32,}$/,
      '32 characters or more that nobody can guess, like those of: openssl rand -hex 32',
    ),
  };
  return { secrets, problems };
}

/** The secrets that may never be shown; shorter ones would hide ordinary words. */
export function knownSecrets({ botToken, appToken, redisUrl, sealKey }: Secrets): string[] {
  return [botToken, appToken, redisUrl, sealKey]
    .filter((secret) => secret !== null)
    .filter((secret) => secret.length >= 8);
}

/** Secrets that were written into the settings file: by their look, or because they are among `known`. */
export function secretsWritten(source: Source, known: string[]): Problem[] {
  return source
    .texts()
    .filter(({ text }) => hideSecrets(text, known) !== text)
    .map(({ line }) => ({ path: [], line, message: `this looks like a secret, ${secretAdvice}` }));
}

function readOne(env: NodeJS.ProcessEnv, name: string): { value: string | null } | { problem: string } {
  const fileName = `${name}_FILE`;
  const value = env[name] || null;
  const file = env[fileName] || null;
  if (file === null) return { value };
  if (value !== null) return { problem: `${name} and ${fileName} are both set; keep one of them` };
  try {
    const read = readFileSync(file, 'utf8').replace(/[\r\n]+$/, '');
    return read === '' ? { problem: `${fileName}: ${file} is empty` } : { value: read };
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: `${fileName}: ${file} cannot be read (${reason})` };
  }
}
