import { isIP } from 'node:net';

/** `127.0.0.1:9464`, `[::1]:9464`; port 0 is any that is free. */
export function listenIn(written: unknown): { host: string; port: number } | undefined {
  const [, host = '', port = ''] = /^(\[[0-9a-fA-F:.]+\]|[0-9.]+):(\d{1,5})$/.exec(String(written)) ?? [];
  const address = host.replaceAll(/[[\]]/g, '');
  return isIP(address) > 0 && Number(port) <= 65_535 ? { host: address, port: Number(port) } : undefined;
}
