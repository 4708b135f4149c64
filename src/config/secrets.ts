import { X509Certificate } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, realpathSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { tooOpen } from '../base/file-mode.ts';
import { holdsSecret } from '../base/redact.ts';
import { inTheClear, type RedisPlace } from '../base/redis-place.ts';
import { secretAdvice } from './blocks.ts';
import { listenIn } from './listen.ts';
import type { Problem } from './problems.ts';
import type { Source } from './source.ts';
import { isHttp } from './values.ts';

export interface Secrets {
  botToken: string | null;
  appToken: string | null;
  apiUrl: string | null;
  /** null: a private one is started. */
  redis: RedisPlace | null;
  sealKey: string | null;
  /** For the webhook of `notices`. */
  noticeToken: string | null;
  /** No secret: each process of a machine has its own, and they share one file. null: as that says. */
  metricsListen: { host: string; port: number } | null;
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
    sealKey: read(
      'SEAL_KEY',
      /^\S{32,}$/,
      '32 characters or more that nobody can guess, like those of: openssl rand -hex 32',
    ),
    noticeToken: read('NOTICE_TOKEN', /^[\x21-\x7e]+$/, 'a token without blanks'),
    metricsListen: listenIn(read('METRICS_LISTEN', isListen, 'an address and a port like 127.0.0.1:9464')) ?? null,
  };
  const url = read('REDIS_URL', isRedis, 'redis://host:6379, rediss://... or the path of a socket');
  const user = read('REDIS_USER', /^\S+$/, 'the name of a user of Redis');
  const password = read('REDIS_PASSWORD', /^\S+$/, 'a password without blanks');
  const ca = read('REDIS_CA', isCertificate, 'certificates in PEM, which begin with -----BEGIN CERTIFICATE-----');
  const redis = url === null ? null : { url, user, password, ca };
  if (problems.length === 0)
    problems.push(...redisProblems(url, { REDIS_USER: user, REDIS_PASSWORD: password, REDIS_CA: ca }));
  return { secrets: { ...secrets, redis }, problems };
}

/** What is wrong between what was given for Redis. */
function redisProblems(url: string | null, given: Record<'REDIS_USER' | 'REDIS_PASSWORD' | 'REDIS_CA', string | null>) {
  const names = Object.entries(given).flatMap(([name, value]) => (value === null ? [] : [name]));
  if (url === null) return names.map((name) => `${name} is for the Redis at REDIS_URL, which is not set`);
  const login = URL.canParse(url) ? new URL(url) : { username: '', password: '' };
  const written = login.username !== '' || login.password !== '';
  return [
    ...(written && (given.REDIS_USER !== null || given.REDIS_PASSWORD !== null)
      ? ['REDIS_URL holds a login, and REDIS_USER or REDIS_PASSWORD is set as well; keep one of them']
      : []),
    ...(given.REDIS_USER !== null && given.REDIS_PASSWORD === null ? ['REDIS_USER needs REDIS_PASSWORD as well'] : []),
    ...(given.REDIS_CA !== null && !url.startsWith('rediss://')
      ? ['REDIS_CA is for rediss:// alone; write rediss:// in REDIS_URL, or leave it out']
      : []),
  ];
}

/** The settings must say so when everything that goes to Redis, its password too, can be read and changed on the way. */
export function plainProblems({ redis }: Secrets, plain: 'refused' | 'allowed'): string[] {
  const host = redis === null ? null : inTheClear(redis.url);
  if (host === null || plain === 'allowed') return [];
  return [
    `REDIS_URL (value hidden) goes to ${host} in the clear, where whoever is on the way can read and change it; write rediss://, with REDIS_CA_FILE where the certificate is your own, or the path of a socket, or say in the settings redis: { plain: allowed }`,
  ];
}

/** The secrets that may never be shown; shorter ones would hide ordinary words. */
export function knownSecrets({ botToken, appToken, sealKey, noticeToken, redis }: Secrets): string[] {
  return [botToken, appToken, sealKey, noticeToken, redis?.url ?? null, redis?.password ?? null]
    .filter((secret) => secret !== null)
    .filter((secret) => secret.length >= 8);
}

/** Secrets that were written into the settings file: by their look, or because they are among `known`. */
export function secretsWritten(source: Source, known: string[]): Problem[] {
  return source
    .texts()
    .filter(({ text }) => holdsSecret(text, known))
    .map(({ line }) => ({ path: [], line, message: `this looks like a secret, ${secretAdvice}` }));
}

const isListen = (written: string): boolean => listenIn(written) !== undefined;

/** Options behind a question mark would go past what is checked here. */
function isRedis(written: string): boolean {
  if (written.startsWith('/')) return !written.includes('?');
  return /^rediss?:\/\/[^\s?#]+$/.test(written) && URL.canParse(written) && new URL(written).hostname !== '';
}

function isCertificate(written: string): boolean {
  try {
    return new X509Certificate(written).subject !== undefined;
  } catch {
    return false;
  }
}

/** What everybody may know, although it comes the same way. */
const open = new Set(['SLACK_API_URL', 'REDIS_USER', 'REDIS_CA', 'METRICS_LISTEN']);

function readOne(env: NodeJS.ProcessEnv, name: string): { value: string | null } | { problem: string } {
  const fileName = `${name}_FILE`;
  const value = env[name] || null;
  const file = env[fileName] || null;
  if (file === null) return { value };
  if (value !== null) return { problem: `${name} and ${fileName} are both set; keep one of them` };
  try {
    const { content, refusal } = readFile(file);
    if (refusal !== null && !open.has(name)) return { problem: `${fileName}: ${refusal}` };
    const read = content.replace(/[\r\n]+$/, '');
    return read === '' ? { problem: `${fileName}: ${file} is empty` } : { value: read };
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable';
    return { problem: `${fileName}: ${file} cannot be read (${reason})` };
  }
}

/** Linux's numbers for file systems that lie in memory: tmpfs and ramfs. */
const inMemory = [0x01021994, 0x858458f6];

/** Looks at what was opened, so that what is judged is what is read. */
function readFile(file: string): { content: string; refusal: string | null } {
  const opened = openSync(file, 'r');
  try {
    const { mode, uid } = fstatSync(opened);
    const path = realpathSync(file);
    const refusal = tooOpen({ path, mode, uid, inMemory: inMemory.includes(statfsSync(path).type) });
    return { content: readFileSync(opened, 'utf8'), refusal };
  } finally {
    closeSync(opened);
  }
}

/** A secret of that name in a folder of the settings, read now. No value is in what is said. */
export function readSecretIn(folder: string | null, name: string): { text: string } | { refused: string } {
  if (folder === null) return { refused: 'the settings have no config.files' };
  const file = join(folder, name);
  try {
    const { content, refusal } = readFile(file);
    return refusal === null ? { text: content } : { refused: refusal };
  } catch {
    return { refused: `there is no ${file} on this worker, or it cannot be read` };
  }
}
