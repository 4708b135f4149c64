// Compiles src and sandbox to dist, beside what they read at the root of the project, and makes the entry executable.
// usage: node scripts/build.mjs [INTO [OPTIONS OF TSC]]: into another directory
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';

const [into = 'dist', ...more] = process.argv.slice(2);
rmSync(into, { recursive: true, force: true });
execFileSync('node_modules/.bin/tsc', ['-p', 'tsconfig.build.json', '--outDir', into, ...more], { stdio: 'inherit' });
for (const file of ['package.json', 'slack-manifest.yaml', 'scripts/node-version.cjs']) cpSync(file, `${into}/${file}`);
chmodSync(`${into}/src/main.js`, 0o755);
