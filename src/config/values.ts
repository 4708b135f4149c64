import { isIP } from 'node:net';
import { z } from 'zod';
import { lenient, nearest } from '../base/nearest.ts';
import { describeLocal } from '../windows/index.ts';
import { leaf, text } from './blocks.ts';
import { parseDuration } from './durations.ts';

export const name = text(
  'a name',
  'lower-case letters, digits, dots and dashes, at most 63, like eu-west-op-1',
  /^[a-z0-9][a-z0-9.-]{0,62}$/,
);
export const words = text('a text', 'some words', /\S/);
export const label = text(
  'a name',
  'letters, digits, dots, dashes, blanks and @, at most 64, like ana or ci@example.com',
  /^[\p{L}\p{N}][\p{L}\p{N} ._@-]{0,63}$/u,
);
export const port = leaf('a port', 'a number from 1 to 65535', (written) =>
  typeof written === 'number' && Number.isInteger(written) && written >= 1 && written <= 65_535 ? written : undefined,
);
export const flag = leaf('accepted here', 'true or false', (written) =>
  typeof written === 'boolean' ? written : undefined,
);

/** `~user` is left out: only a shell knows the homes of others. */
export const path = text('a path', 'one, absolute, starting with ~/ or relative to this file', /^(?!~[^/])[^\0\r\n]+$/);
export const login = text('a user name', 'one like ops', /^[A-Za-z_][A-Za-z0-9._-]{0,31}$/);

export const address = leaf('a host name or IP address', 'one like 10.0.1.11, without user and port', (written) => {
  if (typeof written !== 'string') return undefined;
  return isIP(written) > 0 || /^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$/.test(written) ? written : undefined;
});

export const url = leaf('a URL', 'one like http://10.0.1.11:8080/health', (written) =>
  typeof written === 'string' && isHttp(written) ? written : undefined,
);

/** Milliseconds, more than zero. */
export const duration = leaf(
  'a duration',
  'one above zero like 250ms, 30s, 5m or 1h',
  (written) => durationOf(written) || undefined,
);

/** Milliseconds, or zero for none. */
export const durationOrNone = leaf('a duration', 'one like 250ms, 30s, 5m or 1h, or 0s for none', durationOf);

export const zone = z.unknown().transform((written, context): string => {
  if (typeof written === 'string' && isZone(written)) return written;
  const absent = written === undefined || written === null;
  const like =
    (typeof written === 'string' && nearest(written, Intl.supportedValuesOf('timeZone'), lenient)) || 'Europe/Dublin';
  const message = absent
    ? 'is missing; write an IANA time zone like Europe/Dublin'
    : `is not an IANA time zone; write one like ${like}`;
  context.issues.push({ code: 'custom', input: written, message });
  return z.NEVER;
});

export const slackUser = text('a Slack user id', 'one like U012AB3CD (profile > copy member ID)', /^[UW][A-Z0-9_]+$/);
export const slackGroup = text('a Slack user group id', 'one like S012AB3CD', /^S[A-Z0-9_]+$/);
export const slackChannel = text(
  'a Slack channel id',
  'one like C012AB3CD (channel details > channel ID)',
  /^[CG][A-Z0-9_]+$/,
);
export const slackTeam = text('a Slack workspace id', 'one like T012AB3CD', /^[TE][A-Z0-9_]+$/);

export const publicKey = text(
  'an SSH public key',
  'the line of a file like ~/.ssh/id_ed25519.pub',
  /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\.com) +[A-Za-z0-9+/]{40,}={0,2}(?: [^\p{Cc}]*)?$/u,
);

export function isHttp(written: string): boolean {
  return URL.canParse(written) && /^https?:$/.test(new URL(written).protocol);
}

function durationOf(written: unknown): number | undefined {
  return typeof written === 'string' ? parseDuration(written) : undefined;
}

/** An offset like +05:30 is understood by the calendar, but knows no clock changes. */
function isZone(written: string): boolean {
  if (!/^[A-Za-z]/.test(written)) return false;
  try {
    return describeLocal(0, written) !== '';
  } catch {
    return false;
  }
}
