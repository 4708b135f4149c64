import type { DatabaseAddress } from './types.ts';

const modes: Record<string, DatabaseAddress['tls']> = {
  disable: 'none',
  allow: 'prefer',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify',
  'verify-full': 'verify',
};

/**
 * Reads an address as a node told it. Of its options only `sslmode` counts: others name files, which would be read on this machine.
 * Null for what is none; nothing of it is ever told.
 */
export function databaseIn(written: string): DatabaseAddress | null {
  const text = unquoted(written);
  if (!/^postgres(?:ql)?:\/\//.test(text) || !URL.canParse(text)) return null;
  const { hostname, port, username, password, pathname, searchParams } = new URL(text);
  const tls = modes[searchParams.get('sslmode') ?? 'prefer'];
  try {
    const [user, secret, database] = [username, password, pathname.slice(1)].map(decodeURIComponent);
    if (hostname === '' || !user || secret === undefined || database === undefined || tls === undefined) return null;
    const host = hostname.replace(/^\[|\]$/g, '');
    return { host, port: port === '' ? 5432 : Number(port), user, password: secret, database: database || user, tls };
  } catch {
    return null;
  }
}

/** What stands behind `KEY=` in an environment file, as systemd reads it. */
export function unquoted(written: string): string {
  const text = written.trim();
  const quote = text[0];
  if ((quote === '"' || quote === "'") && text.length > 1 && text.endsWith(quote)) {
    const inner = text.slice(1, -1);
    return quote === "'" ? inner : inner.replace(/\\(["\\$`])/g, '$1');
  }
  return text.replace(/\\(.)/g, '$1');
}
