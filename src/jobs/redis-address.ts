import { isIP } from 'node:net';
import { wordsOf } from '../base/errors.ts';
import type { RedisPlace } from '../base/redis-place.ts';

/** As ioredis has it. */
export interface RedisAddress {
  path?: string;
  host?: string;
  port?: number;
  db?: number;
  username?: string;
  password?: string;
  tls?: { rejectUnauthorized: true; minVersion: 'TLSv1.2'; servername?: string; ca?: string };
}

/** How ioredis reaches `place`. The URL itself is never handed over: options written into it would go past ours. */
export function addressOf({ url, user, password, ca }: RedisPlace): RedisAddress {
  const login = { ...(user === null ? {} : { username: user }), ...(password === null ? {} : { password }) };
  if (url.startsWith('/')) return { path: url, ...login };
  const { protocol, hostname, port, username, password: written, pathname } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  return {
    host,
    port: Number(port || 6379),
    db: Number(pathname.slice(1) || 0),
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(written === '' ? {} : { password: decodeURIComponent(written) }),
    ...login,
    ...(protocol === 'rediss:' ? { tls: tlsFor(host, ca) } : {}),
  };
}

/** Said in full, so that no variable of the environment turns the check off. */
const tlsFor = (host: string, ca: string | null): NonNullable<RedisAddress['tls']> => ({
  rejectUnauthorized: true,
  minVersion: 'TLSv1.2',
  ...(isIP(host) === 0 ? { servername: host } : {}),
  ...(ca === null ? {} : { ca }),
});

const untrusted = /^(?:SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_SIGNATURE_FAILURE)$/;

/** Why Redis cannot be used, with what to do where a certificate is the reason. */
export function reasonWhy(error: unknown, { host, tls }: RedisAddress): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (untrusted.test(code)) {
    return `nobody who is trusted here signed its certificate (${code}); name the CA that did in REDIS_CA_FILE`;
  }
  if (code === 'CERT_HAS_EXPIRED') return 'its certificate, or that of its CA, has expired; renew it on the server';
  if (code === 'CERT_NOT_YET_VALID') return 'its certificate is not valid yet; compare the clocks of both machines';
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    return `its certificate is not for ${host}; write the name that it is for in REDIS_URL, or have one made for ${host}`;
  }
  if (tls !== undefined && /^(?:EPROTO|ERR_SSL_\w+|ECONNRESET|ETIMEDOUT)$/.test(code)) {
    return `it does not answer in TLS (${code}); is this its port for TLS?`;
  }
  return wordsOf(error);
}
