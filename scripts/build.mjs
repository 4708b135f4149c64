// Compiles src and sandbox to dist, beside what they read at the root of the project, and makes the entry executable.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { stdio: 'inherit' });
for (const file of ['package.json', 'slack-manifest.yaml', 'scripts/node-version.cjs']) cpSync(file, `dist/${file}`);
chmodSync('dist/src/main.js', 0o755);
