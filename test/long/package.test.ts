import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Shown, shown, until } from '../support/product.ts';

const root = resolve(import.meta.dirname, '../..');
const trial = mkdtempSync(join(tmpdir(), 'zw-package-'));
const place = join(trial, 'place');
const page = ['react', 'react-dom', 'slack-blocks-to-jsx', 'ws'];
const { devDependencies }: { devDependencies: Record<string, string> } = JSON.parse(
  readFileSync(join(root, 'package.json'), 'utf8'),
);

const npm = (cwd: string, ...words: string[]) =>
  execFileSync('npm', [...words, '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd,
    stdio: 'pipe',
    encoding: 'utf8',
  });
const env = { PATH: process.env.PATH, HOME: trial };
const zeitwork = (...words: string[]): Promise<Shown> =>
  shown(spawn(join(place, 'node_modules/.bin/zeitwork'), words, { cwd: place, env }));
const installed = join(place, 'node_modules/zeitwork-upgrades');

/** From a copy of what is under version control, as whoever releases does it; into an empty folder, as whoever installs does. */
beforeAll(() => {
  const source = join(trial, 'source');
  for (const file of execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n'))
    if (!/^(?:test|bench)\//.test(file)) cpSync(join(root, file), join(source, file));
  symlinkSync(join(root, 'node_modules'), join(source, 'node_modules'));
  npm(source, 'pack', '--pack-destination', trial);
  mkdirSync(place);
  // Else npm installs into whatever folder above has a package.json.
  writeFileSync(join(place, 'package.json'), '{}');
  npm(place, 'install', '--prefix', place, '--omit=dev', join(trial, 'zeitwork-upgrades-0.1.0.tgz'));
});
afterAll(() => rmSync(trial, { recursive: true, force: true }));

describe('the package that npm pack makes, installed into an empty folder', () => {
  it('answers', async () => {
    expect(await zeitwork('--version')).toEqual({ code: 0, out: 'zeitwork 0.1.0\n', err: '' });
    expect(await zeitwork('doctor', '--help')).toMatchObject({ code: 0, out: expect.stringMatching(/doctor/) });
    expect(await zeitwork('doctor')).toMatchObject({ out: expect.stringMatching(/zeitwork\.example\.yaml/) });
    expect(await zeitwork('manifest')).toMatchObject({ code: 0, out: expect.stringMatching(/^https:/) });
  });

  it('has what its documentation names, and neither tests nor the libraries of a page', () => {
    for (const file of ['docs/operations.md', 'ops/alerts.yaml', 'ops/systemd/zeitwork-bot.service', 'CHANGELOG.md'])
      expect([file, existsSync(join(installed, file))]).toEqual([file, true]);
    for (const file of ['ops/backup-redis.sh', 'scripts/redis-users.sh', 'zeitwork.example.yaml'])
      expect([file, existsSync(join(installed, file))]).toEqual([file, true]);
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.test\.[jt]s|\.map$|(?:^|\/)(?:secrets|state|\.env)$/.test(file))).toEqual([]);
    for (const name of page) expect([name, existsSync(join(place, 'node_modules', name))]).toEqual([name, false]);
  });

  it('makes the users of Redis with the script that it brings', () => {
    execFileSync(join(installed, 'scripts/redis-users.sh'), ['trial', join(trial, 'secrets')], { stdio: 'pipe' });
    expect(readdirSync(join(trial, 'secrets')).sort()).toEqual(['redis-bot', 'redis-users.acl', 'redis-worker']);
  });

  it('says which libraries its sandbox needs, and plays it once they are there', async () => {
    const { code, err } = await zeitwork('sandbox', '--port', '0');
    expect([code, err]).toEqual([2, expect.stringContaining(`npm install ${page.map(spelled).join(' ')};`)]);
    npm(place, 'install', '--prefix', place, '--omit=dev', ...page.map(spelled));
    const child = spawn(join(place, 'node_modules/.bin/zeitwork'), ['sandbox', '--port', '0'], { cwd: place, env });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await until('it is there', () => /Ctrl-C ends it/.test(said), { timeoutMs: 120_000, logs: () => said });
    const [, numbers = ''] = /(http:\S+\/metrics)/.exec(said) ?? [];
    expect(await (await fetch(numbers)).text()).toMatch(/^zeitwork_ready\{role="bot"\} 1$/m);
    const [, url = ''] = /Open (http:\S+)/.exec(said) ?? [];
    expect((await fetch(url)).status).toBe(200);
    child.kill('SIGINT');
    await until('it has ended', () => child.exitCode !== null, { timeoutMs: 60_000, logs: () => said });
    expect(child.exitCode).toBe(0);
  });
});

const spelled = (name: string): string => `${name}@${devDependencies[name]}`;
