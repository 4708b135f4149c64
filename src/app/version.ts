import { readFileSync } from 'node:fs';

export function version(): string {
  const read: { version: string } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return read.version;
}
