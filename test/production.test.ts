import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shown, shown } from './support/product.ts';

const root = resolve(import.meta.dirname, '..');
const trial = mkdtempSync(join(tmpdir(), 'zw-production-'));
const built = join(trial, 'built');
const app = join(trial, 'app');

interface Locked {
  dev?: boolean;
  optional?: boolean;
}
const { packages }: { packages: Record<string, Locked> } = JSON.parse(
  readFileSync(join(root, 'package-lock.json'), 'utf8'),
);

/** Links are kept as they are, so that a package finds only what stays beside it. */
const node = (...words: string[]): Promise<Shown> =>
  shown(
    spawn(process.execPath, ['--preserve-symlinks', '--preserve-symlinks-main', ...words], {
      cwd: app,
      env: { PATH: process.env.PATH, HOME: app },
    }),
  );
const zeitwork = (...words: string[]) => node(join(app, 'dist/src/main.js'), ...words);

/** As the Dockerfile does it: build with everything, then leave out what `npm prune --omit=dev` would, and the sandbox. */
beforeAll(() => {
  mkdirSync(built);
  const sources = [
    'package.json',
    'tsconfig.json',
    'tsconfig.build.json',
    'scripts',
    'slack-manifest.yaml',
    'src',
    'sandbox',
  ];
  for (const each of sources) cpSync(join(root, each), join(built, each), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(built, 'node_modules'));
  execFileSync('npm', ['run', 'build'], { cwd: built, stdio: 'pipe' });
  cpSync(join(built, 'dist'), join(app, 'dist'), { recursive: true });
  rmSync(join(app, 'dist/sandbox'), { recursive: true });
  for (const [path, { dev }] of Object.entries(packages)) {
    // What lies within another package comes along with it; what is optional may not be there.
    if (dev || !/^node_modules\/(?:@[^/]+\/)?[^/]+$/.test(path) || !existsSync(join(root, path))) continue;
    mkdirSync(dirname(join(app, path)), { recursive: true });
    symlinkSync(join(root, path), join(app, path));
  }
}, 120_000);
afterAll(() => rmSync(trial, { recursive: true, force: true }));

describe('what goes into production', () => {
  it.each([
    'react',
    'react-dom',
    'slack-blocks-to-jsx',
    'tsx',
    'esbuild',
    'ws',
    'vitest',
    'playwright-core',
    'typescript',
  ])('does without %s', (name) => {
    expect(packages[`node_modules/${name}`]?.dev).toBe(true);
    expect(existsSync(join(app, 'node_modules', name))).toBe(false);
  });

  it('loads every file of the product', async () => {
    const files = readdirSync(join(app, 'dist/src'), { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.js') && file !== 'main.js',
    );
    expect(files.length).toBeGreaterThan(100);
    const imports = files.map((file) => `await import(${JSON.stringify(join(app, 'dist/src', file))});`);
    writeFileSync(join(app, 'all.mjs'), [...imports, `process.exit(0);`].join('\n'));
    expect(await node(join(app, 'all.mjs'))).toEqual({ code: 0, out: '', err: '' });
  });

  it('answers on the command line', async () => {
    expect(await zeitwork('--version')).toMatchObject({ code: 0, out: expect.stringMatching(/^zeitwork \d/) });
    expect(await zeitwork('manifest')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^https:\/\/api\.slack\.com/),
    });
    expect(await zeitwork('worker')).toMatchObject({ code: 6, err: expect.stringContaining('zeitwork.yaml') });
  });

  it('says where the sandbox is', async () => {
    const { code, err } = await zeitwork('sandbox', '--port', '0');
    expect(code).toBe(2);
    expect(err).toContain('npm ci && npm run sandbox');
  });

  it('can be made from images by digest, which scripts/pin-images.sh writes down', () => {
    const dir = mkdtempSync(join(trial, 'pin-'));
    // Answers as Docker does, which is not there on every machine.
    const docker = '#!/bin/sh\n[ "$1" = pull ] || echo "$(echo "$5" | cut -d: -f1)@sha256:$(printf %064d 7)"\n';
    writeFileSync(join(dir, 'docker'), docker, { mode: 0o755 });
    writeFileSync(join(dir, '.env'), 'OTHER=kept\nNODE_IMAGE=old\n', { mode: 0o600 });
    execFileSync(join(root, 'scripts/pin-images.sh'), {
      cwd: dir,
      env: { PATH: `${dir}:${process.env.PATH}` },
      stdio: 'pipe',
    });
    const digest = `sha256:${'7'.padStart(64, '0')}`;
    expect(readFileSync(join(dir, '.env'), 'utf8')).toBe(
      `OTHER=kept\nNODE_IMAGE=node@${digest}\nREDIS_IMAGE=redis@${digest}\n`,
    );
    expect(statSync(join(dir, '.env')).mode & 0o777).toBe(0o600);
    const bases = readFileSync(join(root, 'Dockerfile'), 'utf8').match(/^FROM \S+/gm);
    expect(bases).toEqual(Array(2).fill(`FROM $${'{NODE_IMAGE}'}`));
  });

  it('is built from a lock file that fits', () => {
    const own = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const locked = packages[''] as Record<string, unknown>;
    expect(locked.dependencies).toEqual(own.dependencies);
    expect(locked.devDependencies).toEqual(own.devDependencies);
  });
});
