import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { exitCodes } from '../../src/app/cli/exit.ts';
import { shown } from '../support/product.ts';
import { shippedMain } from '../support/program.ts';

const root = resolve(import.meta.dirname, '../..');
const nowhere = mkdtempSync(join(tmpdir(), 'zw-line-'));
afterAll(() => rmSync(nowhere, { recursive: true, force: true }));

const main = shippedMain();

/** The program, in a folder without settings and on a machine without Redis. */
const started = (...words: string[]) => {
  const env = { PATH: nowhere, HOME: nowhere, REDIS_URL: 'redis://127.0.0.1:1' };
  return shown(spawn(process.execPath, words, { cwd: nowhere, env }));
};
const run = (...words: string[]) => started(main, ...words);

describe('the command line, without settings and without Redis', () => {
  it('is the same when it is started from a checkout', async () => {
    const words = ['--import', import.meta.resolve('tsx'), join(root, 'src/main.ts'), '--help'];
    expect(await started(...words)).toEqual(await run('--help'));
  });

  it.each([
    [['--help'], /^usage: zeitwork WORD .*roles.*worker.*verbs.*upgrade.*docs\/shell\.md/s],
    [['-h'], /^usage: /],
    [['help'], /^usage: /],
    [['help', 'upgrade'], /^zeitwork upgrade VERSION .*\n.*For example: zeitwork upgrade/],
    [['rollback', '--help'], /^zeitwork rollback \[NODE/],
    [['start', 'r1~x', '-h'], /^zeitwork start PLAN/],
    [['help', 'watch'], /^usage: zeitwork watch /],
    [['worker', '--help'], /^usage: zeitwork worker \[--region R\]/],
    [['--version'], /^zeitwork \d+\.\d+\.\d+\n$/],
    [['status', '-V'], /^zeitwork \d/],
    [['manifest'], /^https:\/\/api\.slack\.com\//],
  ])('answers %j', async (words, answer) => {
    expect(await run(...words)).toEqual({ code: 0, out: expect.stringMatching(answer), err: '' });
  });

  it.each([
    [[], /^usage: zeitwork/],
    [['sandbxo'], /sandbxo: did you mean sandbox\?/],
    [['upgarde', 'v2.0.0'], /did you mean upgrade\?/],
    [['help', 'nothing'], /nothing: no such command/],
    [['upgrade', 'banana'], /banana is not a version/],
    [['upgrade', 'v2.0.0', '--strateyg', 'rolling'], /did you mean --strategy\?/],
    [['status', '--jsno'], /did you mean --json\?/],
    [['sandbox', '--prot', '1'], /did you mean --port\?/],
    [['sandbox', '--port', '99999'], /--port 99999: a number up to 65535/],
    [['bot', '--region', 'x'], /belongs to worker/],
  ])('refuses %j as a usage error, without a stack trace', async (words, problem) => {
    const { code, out, err } = await run(...words);
    expect({ code, out }).toEqual({ code: exitCodes.usage, out: '' });
    expect(err).toMatch(problem);
    expect(err).not.toMatch(/^\s+at /m);
  });

  it('says on stdout, as JSON, also why it did nothing', async () => {
    const usage = await run('upgrade', 'banana', '--json');
    expect(usage).toMatchObject({ code: 2, err: '' });
    expect(JSON.parse(usage.out)).toMatchObject({ schema: 1, verb: 'upgrade', outcome: 'usage' });
    const unknown = await run('upgarde', '--json');
    expect(JSON.parse(unknown.out)).toMatchObject({ verb: null, outcome: 'usage' });
    const role = await run('bot', '--json');
    expect(JSON.parse(role.out)).toMatchObject({ verb: 'bot', outcome: 'usage' });
    const settings = await run('status', '--json');
    expect(settings.code).toBe(exitCodes.settings);
    expect(JSON.parse(settings.out)).toMatchObject({
      verb: 'status',
      outcome: 'settings',
      message: expect.stringMatching(/copy zeitwork\.example\.yaml/),
    });
  });

  it('examines as JSON, too', async () => {
    const { code, out, err } = await run('doctor', '--json');
    expect({ code, err }).toEqual({ code: exitCodes.wrong, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      ...{ schema: 1, verb: 'doctor', outcome: 'wrong' },
      findings: [{ is: 'wrong', subject: 'settings', text: expect.stringMatching(/zeitwork\.example\.yaml/) }],
    });
  });

  it.each(['bot', 'worker', 'all', 'watch'])('%s says which settings it lacks', async (word) => {
    expect(await run(word)).toMatchObject({ code: exitCodes.settings, err: expect.stringMatching(/^zeitwork: /) });
  });
});

describe('the exit codes', () => {
  it('are those of the table in docs/shell.md', () => {
    const written = readFileSync(join(root, 'docs/shell.md'), 'utf8').matchAll(/^\| (\d+) \| `(\w+)` \|/gm);
    expect(Object.fromEntries([...written].map(([, code, end]) => [end, Number(code)]))).toEqual(exitCodes);
  });
});

describe('a Node that is too old', () => {
  const fake = join(nowhere, 'old.cjs');
  writeFileSync(fake, "Object.defineProperty(process.versions, 'node', { value: '20.18.3' });\n");
  const sentence = /^zeitwork needs Node 20\.19 or newer, and this is Node 20\.18\.3: install .*\n$/;

  it('is told in a plain sentence by the program, before anything else is loaded', async () => {
    const words = ['--require', fake, '--import', import.meta.resolve('tsx'), join(root, 'src/main.ts'), 'status'];
    expect(await shown(spawn(process.execPath, words))).toEqual({
      code: exitCodes.settings,
      out: '',
      err: expect.stringMatching(sentence),
    });
  });

  it.each(['sandbox', 'zeitwork', 'test'])('is told by npm run %s', async (script) => {
    const env = { ...process.env, NODE_OPTIONS: `--require ${fake}` };
    const { code, err } = await shown(spawn('npm', ['run', '-s', script], { cwd: root, env }));
    expect(code).toBe(exitCodes.settings);
    expect(err.replace(/^setup: .*\n/, '')).toMatch(sentence);
  });

  it('finds the check beside the compiled program, in a package and in the image', () => {
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(files).toContain('dist');
    expect(readFileSync(join(root, 'scripts/build.mjs'), 'utf8')).toContain("'scripts/node-version.cjs'");
    expect(readFileSync(join(root, 'Dockerfile'), 'utf8')).toMatch(/^COPY --from=build \/app\/dist \.\/dist$/m);
  });

  it('can read the check: it uses nothing that Node 4 does not know', () => {
    const text = readFileSync(join(root, 'scripts/node-version.cjs'), 'utf8');
    expect(text).not.toMatch(/\?\.|\?\?|\basync\b|\bawait\b|\bimport\b|\.\.\./);
    for (const [have, fits] of [
      ['4.9.1', false],
      ['18.20.8', false],
      ['20.18.3', false],
      ['20.19.0', true],
      ['22.1.0', true],
    ] as const) {
      const script = `Object.defineProperty(process.versions, 'node', { value: '${have}' }); process.stdout.write(String(require('./scripts/node-version.cjs').complaint() === null))`;
      expect(execFileSync(process.execPath, ['-e', script], { cwd: root, encoding: 'utf8' }), have).toBe(String(fits));
    }
  });
});
