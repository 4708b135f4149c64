import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { shown } from '../support/product.ts';
import { processesWith, Terminal } from '../support/terminal.ts';

const open: Terminal[] = [];
afterEach(() => {
  for (const terminal of open.splice(0)) terminal.close();
});

function terminal(command: string, options?: { cold: boolean }): Terminal {
  const made = new Terminal(command, options);
  open.push(made);
  return made;
}

const npm = 'npm run sandbox -- --port 0';
const node = 'exec node --import tsx src/main.ts sandbox --port 0';
const ctrlC = '\x03';
const steps = [
  'The sandbox is starting',
  'Nine simulated nodes',
  "Slack's stand-in",
  'A private Redis',
  'The worker and the bot',
];
const noTrouble = /^\s+at |Error|"level":/m;

describe('npm run sandbox in a terminal', () => {
  it('says at once that it works, tells every step of a cold start, and leaves nothing after Ctrl-C', async () => {
    const tty = terminal(npm, { cold: true });
    await tty.sees('Ctrl-C ends it and leaves nothing behind.', 120_000);
    const found = steps.map((step) => tty.text().indexOf(step));
    expect(found.every((at) => at >= 0)).toBe(true);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    // Within the first second where nothing else runs; this machine may have other things to do.
    expect(tty.said[0]?.at).toBeLessThan(5_000);
    expect(tty.longestSilence()).toBeLessThan(15_000);
    tty.press(ctrlC);
    await tty.ended;
    await tty.leavesNothing();
    expect(tty.text()).toContain('Ending …');
    expect(tty.text()).not.toMatch(noTrouble);
  });

  it.each(steps)('leaves nothing when Ctrl-C comes at "%s …"', async (step) => {
    const tty = terminal(npm);
    await tty.sees(step, 120_000);
    tty.press(ctrlC);
    await tty.ended;
    await tty.leavesNothing();
    expect(tty.text()).not.toMatch(noTrouble);
    expect(tty.text()).not.toContain('Open http');
  });

  it('takes three Ctrl-C in a row for one', async () => {
    const tty = terminal(npm);
    await tty.sees('Open http', 120_000);
    for (let i = 0; i < 3; i++) tty.press(ctrlC);
    await tty.ended;
    await tty.leavesNothing();
  });

  it('leaves nothing when Ctrl-C comes in the middle of an upgrade', async () => {
    const tty = terminal(npm);
    await tty.sees('Open http', 120_000);
    const [directory = ''] = tty.leftBehind();
    const own = join(tty.directory, directory);
    // Signed as whoever may start there; a region of its own takes nobody's approval.
    const env = {
      ...process.env,
      ZEITWORK_CONFIG: join(own, 'zeitwork.yaml'),
      ZEITWORK_KEY: join(own, 'people', 'rosa'),
    };
    const shell = async (...words: string[]) =>
      JSON.parse((await shown(spawn('node', ['--import', 'tsx', 'src/main.ts', ...words, '--json'], { env }))).out);
    const { plan } = await shell('upgrade', 'v2.0.0');
    expect(await shell('start', plan)).toMatchObject({ outcome: 'done', rollout: { open: true } });
    tty.press(ctrlC);
    await tty.ended;
    await tty.leavesNothing();
  });

  it('leaves nothing when the terminal is closed', async () => {
    const tty = terminal(node);
    await tty.sees('Open http', 120_000);
    expect(tty.leftBehind()).not.toEqual([]);
    tty.hangUp();
    await tty.leavesNothing();
  });

  it.each(['A private Redis', 'The worker and the bot'])('leaves nothing when SIGTERM comes at "%s"', async (step) => {
    const tty = terminal(node);
    await tty.sees(step, 120_000);
    const program = processesWith(`TMPDIR=${tty.directory}`).find((line) => /^\d+ node /.test(line));
    process.kill(Number.parseInt(program ?? '', 10), 'SIGTERM');
    expect(await tty.ended).toBe(0);
    await tty.leavesNothing();
    expect(tty.text()).toContain('Ending …');
  });

  it('names the flag when its port is taken, and leaves nothing', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const tty = terminal(`npm run -s sandbox -- --port ${port}`);
    expect(await tty.ended).toBe(2);
    other.close();
    expect(tty.text()).toContain(`zeitwork: port ${port} is taken: choose another with --port ${port + 1}`);
    expect(tty.text()).not.toMatch(noTrouble);
    await tty.leavesNothing();
  });

  it('leaves nothing when its process ends without asking it', async () => {
    const tty = terminal('exec node --import tsx test/e2e/fixtures/sandbox-exits.ts');
    expect(await tty.ended).toBe(7);
    await tty.leavesNothing();
  });

  it('says what is wrong with a flag, and nothing else', async () => {
    const { code, err } = await shown(spawn('npm', ['run', '-s', 'sandbox', '--', '--prot', '1']));
    expect(code).toBe(2);
    expect(err).toMatch(/^setup: .*\nzeitwork: sandbox: --prot is not known: did you mean --port\?\nusage: .*\n$/);
  });
});
