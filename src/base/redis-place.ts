/** Where a Redis is, and how it is entered. */
export interface RedisPlace {
  /** `redis://` or `rediss://` with host, port, database and perhaps a login, or the path of a socket. */
  url: string;
  /** When it is not in `url`. */
  user: string | null;
  password: string | null;
  /** Certificates (PEM) of who signs the server's, for `rediss://`; null: those whom this machine trusts. */
  ca: string | null;
}

/** The host to which everything would go unencrypted; null for sockets, TLS, and this machine itself. */
export function inTheClear(url: string): string | null {
  if (!url.startsWith('redis://')) return null;
  const { hostname } = new URL(url);
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/i.test(hostname) ? null : hostname;
}
