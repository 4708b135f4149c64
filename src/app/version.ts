import { readFileSync } from 'node:fs';

interface Manifest {
  version: string;
  devDependencies: Record<string, string>;
}

/** package.json, as it lies beside what was built. */
export const manifest = (): Manifest =>
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

export const version = (): string => manifest().version;
