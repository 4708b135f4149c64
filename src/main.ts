#!/usr/bin/env node
import { createRequire } from 'node:module';

// Before anything else is loaded: an older Node fails over it with an error that does not say what is missing.
const { complaint }: { complaint(): string | null } = createRequire(import.meta.url)('../scripts/node-version.cjs');
const tooOld = complaint();

if (tooOld === null) {
  import('./app/cli.ts').then(({ main }) => main(process.argv.slice(2))).then((code) => process.exit(code));
} else {
  console.error(tooOld);
  process.exit(6);
}
