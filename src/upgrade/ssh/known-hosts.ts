import { createHash, createHmac } from 'node:crypto';
import type { Host } from './types.ts';

/** One line of a known_hosts file; see SSH_KNOWN_HOSTS FILE FORMAT in sshd(8). */
export interface Pin {
  marker: 'revoked' | 'cert-authority' | null;
  /** Comma list of patterns, or one hashed name. */
  hosts: string;
  type: string;
  key: Buffer;
  line: number;
}

/** What the pins say about a key that a host showed. */
export type Verdict =
  | { is: 'accepted' }
  | { is: 'unknown' }
  | { is: 'changed'; pins: Pin[] }
  | { is: 'revoked'; pin: Pin }
  /** Only `@cert-authority` lines match: host certificates are not spoken here. */
  | { is: 'authority'; pin: Pin };

function typeOf(key: Buffer): string | null {
  if (key.length < 4) return null;
  const length = key.readUInt32BE(0);
  return key.length > 4 + length ? key.toString('latin1', 4, 4 + length) : null;
}

function parseLine(text: string, line: number): Pin[] {
  const words = text.trim().split(/\s+/);
  const marked = words[0]?.startsWith('@') ? words.shift() : undefined;
  const [hosts, type, base64] = words;
  if (!hosts || hosts.startsWith('#') || !type || !base64) return [];
  if (marked !== undefined && marked !== '@revoked' && marked !== '@cert-authority') return [];
  const key = Buffer.from(base64, 'base64');
  if (typeOf(key) !== type) return [];
  const marker = marked === undefined ? null : marked === '@revoked' ? 'revoked' : 'cert-authority';
  return [{ marker, hosts, type, key, line }];
}

/** Lines that cannot be read are skipped, as OpenSSH does. */
export function parseKnownHosts(text: string): Pin[] {
  return text.split('\n').flatMap((line, index) => parseLine(line, index + 1));
}

function hashMatches(hashed: string, name: string): boolean {
  const [, version, salt, hash] = hashed.split('|');
  if (version !== '1' || !salt || !hash) return false;
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

function glob(pattern: string, name: string): boolean {
  if (!/[*?]/.test(pattern)) return pattern.toLowerCase() === name.toLowerCase();
  const source = pattern
    .replace(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 'i').test(name);
}

/** Whether a line is about this name, `name` or `[name]:port`. A matching `!pattern` wins over all others. */
export function covers(pin: Pin, name: string): boolean {
  if (pin.hosts.startsWith('|')) return hashMatches(pin.hosts, name.toLowerCase());
  const patterns = pin.hosts.split(',');
  const denied = patterns.some((pattern) => pattern.startsWith('!') && glob(pattern.slice(1), name));
  return !denied && patterns.some((pattern) => !pattern.startsWith('!') && glob(pattern, name));
}

/** Names under which a host may be pinned: its address with the port, and its own name, as HostKeyAlias would do. */
export function namesOf(host: Pick<Host, 'name' | 'address' | 'port'>): string[] {
  const at = (name: string) => (host.port === 22 ? name : `[${name}]:${host.port}`);
  return [...new Set([at(host.address), at(host.name), host.name])];
}

/** The lines that speak about any of these names. */
export function pinsFor(pins: Pin[], names: string[]): Pin[] {
  return pins.filter((pin) => names.some((name) => covers(pin, name)));
}

/** Judges a key by the lines of its host; a revocation wins over everything. */
export function judge(pins: Pin[], key: Buffer): Verdict {
  const same = (pin: Pin) => pin.key.equals(key);
  const revoked = pins.find((pin) => pin.marker === 'revoked' && same(pin));
  if (revoked) return { is: 'revoked', pin: revoked };
  const plain = pins.filter((pin) => pin.marker === null);
  if (plain.some(same)) return { is: 'accepted' };
  if (plain.length > 0) return { is: 'changed', pins: plain };
  const authority = pins.find((pin) => pin.marker === 'cert-authority');
  return authority ? { is: 'authority', pin: authority } : { is: 'unknown' };
}

/** As ssh-keygen -l prints it. */
export function fingerprint(key: Buffer): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}
