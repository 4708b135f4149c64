import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ShellOptions } from '../../../src/upgrade/ssh/shell.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Command, Outcome, Shell } from '../../../src/upgrade/ssh/types.ts';
import type { Sshd } from '../../support/sshd.ts';
import { freePort, generateKey, startSshd } from '../../support/sshd.ts';

let sshd: Sshd;
const open: Shell[] = [];

function shellOf(options?: ShellOptions): Shell {
  const shell = createShell({ n: sshd.host() }, options);
  open.push(shell);
  return shell;
}

function command(script: string, more: Partial<Command> = {}): Command {
  return { name: 'try', script, args: [], sudo: false, timeoutMs: 10_000, ...more };
}

function stdoutOf(outcome: Outcome): string {
  return outcome.is === 'unreachable' ? '' : outcome.stdout;
}

beforeAll(async () => {
  sshd = await startSshd({ config: ['Banner /etc/hostname'] });
});
afterAll(() => sshd.stop());
afterEach(async () => {
  await Promise.all(open.splice(0).map((shell) => shell.close()));
});

describe('a command on a node', () => {
  it.each([0, 1, 7, 124, 255])('comes back with exit code %i', async (code) => {
    const outcome = await shellOf().run('n', command(`echo out; echo err >&2; exit ${code}`));
    expect(outcome).toEqual({ is: 'exited', code, stdout: 'out\n', stderr: 'err\n' });
  });

  it('gets its arguments as they are', async () => {
    const args = ["it's", '$(reboot)', '`id`', '-n', '--', 'two\nlines', 'ünï', '', '*', '\\'];
    const outcome = await shellOf().run('n', command('for one in "$@"; do printf "<%s>" "$one"; done', { args }));
    expect(stdoutOf(outcome)).toBe(args.map((arg) => `<${arg}>`).join(''));
  });

  it('is not sent when there was no session in time', async () => {
    const shell = shellOf({ maxSessions: 1 });
    const marker = join(sshd.dir, 'too-late');
    const busy = shell.run('n', command('sleep 1'));
    const late = await shell.run('n', command(`touch ${marker}`, { sendWithinMs: 300 }));
    expect(late).toEqual({ is: 'unreachable', reason: 'no session within the 0.3 s in which try may be sent' });
    await busy;
    expect(existsSync(marker)).toBe(false);
    expect(await shell.run('n', command('true', { sendWithinMs: 5_000 }))).toMatchObject({ is: 'exited', code: 0 });
  });

  it('runs in an emptied environment', async () => {
    const outcome = await shellOf().run('n', command('env | grep -v ^PWD= | grep -v ^_= | sort'));
    expect(stdoutOf(outcome)).toBe('LC_ALL=C\nPATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n');
  });

  it('tells a death by signal from an exit', async () => {
    const outcome = await shellOf().run('n', command('echo before; kill -9 $$'));
    expect(outcome).toMatchObject({ is: 'signalled', signal: 'SIGKILL', stdout: 'before\n' });
  });

  it('is ended on the node by its own time limit', async () => {
    const outcome = await shellOf().run('n', command('sleep 30', { timeoutMs: 1000 }));
    expect(outcome).toMatchObject({ is: 'exited', code: 124 });
  });

  it('that will not end is killed on the node five seconds later', async () => {
    const outcome = await shellOf().run('n', command("trap '' TERM; sleep 30; sleep 30", { timeoutMs: 1000 }));
    expect(outcome).toMatchObject({ is: 'signalled', signal: 'SIGKILL' });
  });

  it('keeps the banner of the server out of its output', async () => {
    expect(await shellOf().run('n', command('echo out'))).toMatchObject({ stdout: 'out\n', stderr: '' });
  });

  it('may write 5 MB to stderr, of which head and tail are kept', async () => {
    const script = 'echo first >&2; yes xxxx | head -c 5000000 >&2; echo last >&2; echo done';
    const outcome = await shellOf().run('n', command(script));
    if (outcome.is !== 'exited') throw new Error(JSON.stringify(outcome));
    expect(outcome.stdout).toBe('done\n');
    expect(outcome.stderr).toMatch(/^first\n(?:xxxx\n)+\[\d+ bytes left out\]\n(?:xxxx\n)+last\n$/);
    expect(outcome.stderr.length).toBeLessThan(270_000);
  });

  it('does not wait for a child in the background that holds its output', async () => {
    const started = performance.now();
    const outcome = await shellOf().run('n', command('sleep 15 & echo started'));
    expect(outcome).toMatchObject({ is: 'exited', code: 0, stdout: 'started\n' });
    expect(performance.now() - started).toBeLessThan(5000);
  });

  it('does nothing when only the first half of its script arrives', async () => {
    const outcome = await shellOf().run('n', command('echo effect\nif true; then'));
    expect(outcome).toMatchObject({ is: 'exited', stdout: '' });
  });
});

/** A server that no OpenSSH can play: it closes the session without saying how the command ended. */
async function silentServer(dir: string): Promise<{ server: ssh2.Server; port: number; pin: string }> {
  const pin = generateKey(join(dir, 'silent'), 'ed25519');
  const server = new ssh2.Server({ hostKeys: [readFileSync(join(dir, 'silent'))] }, (client) => {
    client.on('error', () => {});
    client.on('authentication', (login) => login.accept());
    client.on('session', (accept) => {
      accept().on('exec', (begin) => {
        const channel = begin();
        channel.on('data', () => {
          channel.write('so far');
          channel.close();
        });
      });
    });
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server, port, pin };
}

describe('a session that ends without a result', () => {
  it('leaves the result unknown, never 0', async () => {
    const { server, port, pin } = await silentServer(sshd.dir);
    const shell = createShell({ n: sshd.hostWith([`node-1 ${pin}`], { port }) });
    const outcome = await shell.run('n', command('true'));
    await shell.close();
    server.close();
    const reason = 'the session was closed without a result';
    expect(outcome).toEqual({ is: 'lost', reason, stdout: 'so far', stderr: '' });
  });
});
