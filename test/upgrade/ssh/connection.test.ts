import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Connected, ShellOptions } from '../../../src/upgrade/ssh/shell.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Command, Shell } from '../../../src/upgrade/ssh/types.ts';
import type { Sshd } from '../../support/sshd.ts';
import { freePort, startSshd } from '../../support/sshd.ts';

let sshd: Sshd;
let shell: Shell;

function use(options?: ShellOptions): void {
  shell = createShell({ n: sshd.host() }, options);
}

const ok = { is: 'exited', code: 0 };

function command(script: string, more: Partial<Command> = {}): Command {
  return { name: 'try', script, args: [], sudo: false, timeoutMs: 20_000, ...more };
}

/** A command that says on the node that it has begun, and then lasts. */
async function long(signal?: AbortSignal, timeoutMs = 20_000) {
  const mark = join(sshd.dir, 'begun');
  rmSync(mark, { force: true });
  const outcome = shell.run('n', command('echo so far; : > "$1"; sleep 20', { args: [mark], timeoutMs }), signal);
  while (!existsSync(mark)) await wait(10);
  return { outcome };
}

beforeEach(async () => {
  sshd = await startSshd({ config: ['SetEnv PATH='] });
  use();
});
afterEach(async () => {
  await shell.close();
  await sshd.stop();
});

describe('a connection', () => {
  it('is shared by the commands of a node, and its algorithms are told', async () => {
    const seen: Connected[] = [];
    use({ onConnect: (connected) => seen.push(connected) });
    const first = await Promise.all([shell.run('n', command('true')), shell.run('n', command('true'))]);
    const second = await shell.run('n', command('true'));
    expect([...first, second]).toMatchObject([ok, ok, ok]);
    expect(sshd.accepted()).toBe(1);
    expect(seen).toEqual([
      { node: 'node-1', kex: 'curve25519-sha256', hostKey: 'ssh-ed25519', cipher: 'aes128-gcm@openssh.com' },
    ]);
  });

  it('queues fourteen commands at once instead of running into the limit of sshd', async () => {
    const outcomes = await Promise.all(Array.from({ length: 14 }, () => shell.run('n', command('sleep 0.2'))));
    expect(outcomes).toMatchObject(Array.from({ length: 14 }, () => ok));
    expect(sshd.accepted()).toBe(1);
  });

  it('that is cut in the middle of a command leaves the result unknown, and is dialled again', async () => {
    const { outcome } = await long();
    sshd.signalSessions('SIGKILL');
    expect(await outcome).toMatchObject({ is: 'lost', reason: 'the connection was lost', stdout: 'so far\n' });
    expect(await shell.run('n', command('true'))).toMatchObject(ok);
    expect(sshd.accepted()).toBe(2);
  });

  it('that froze is given up at the deadline with an unknown result', async () => {
    use({ deadlineGraceMs: 300 });
    const { outcome } = await long(undefined, 1000);
    sshd.signalSessions('SIGSTOP');
    expect(await outcome).toMatchObject({ is: 'lost', reason: 'no end of try within 1.3 s', stdout: 'so far\n' });
    expect(await shell.run('n', command('true'))).toMatchObject(ok);
  });

  it('that froze before a command began has sent nothing', async () => {
    use({ deadlineGraceMs: 200 });
    await shell.run('n', command('true'));
    sshd.signalSessions('SIGSTOP');
    const outcome = await shell.run('n', command('true', { timeoutMs: 300 }));
    // The frozen connection is given up; the command then runs over a new one.
    expect(outcome).toMatchObject(ok);
    expect(sshd.accepted()).toBe(2);
  });

  it('that froze is noticed without any deadline, by its silence', async () => {
    use({ keepaliveMs: 200 });
    const { outcome } = await long(undefined, 60_000);
    sshd.signalSessions('SIGSTOP');
    expect(await outcome).toMatchObject({ is: 'lost', reason: 'the node stopped answering' });
  });

  it('is not kept open without work', async () => {
    use({ idleMs: 50 });
    await shell.run('n', command('true'));
    while (!/Connection closed|Received disconnect/.test(sshd.log())) await wait(10);
    expect(await shell.run('n', command('true'))).toMatchObject(ok);
    expect(sshd.accepted()).toBe(2);
  });

  it('is not made any more after the shell was closed', async () => {
    const { outcome } = await long();
    await shell.close();
    expect(await outcome).toMatchObject({ is: 'lost' });
    expect(await shell.run('n', command('true'))).toEqual({ is: 'unreachable', reason: 'the shell is closed' });
  });
});

describe('cancelling', () => {
  it('ends the wait for a running command at once, with an unknown result', async () => {
    const cancel = new AbortController();
    const { outcome } = await long(cancel.signal);
    // What comes after it on the same connection has come: so has its output.
    await shell.run('n', command('true'));
    const started = performance.now();
    cancel.abort();
    expect(await outcome).toMatchObject({ is: 'lost', reason: 'try was cancelled while it ran', stdout: 'so far\n' });
    expect(performance.now() - started).toBeLessThan(200);
    expect(await shell.run('n', command('true'))).toMatchObject(ok);
  });

  it('before the start sends nothing', async () => {
    const outcome = await shell.run('n', command('true'), AbortSignal.abort());
    expect(outcome).toEqual({ is: 'unreachable', reason: 'cancelled before anything was sent' });
    expect(sshd.accepted()).toBe(0);
  });

  it('in the queue sends nothing and leaves the queue in order', async () => {
    use({ maxSessions: 1 });
    const cancel = new AbortController();
    const running = shell.run('n', command('sleep 0.5'));
    const waiting = shell.run('n', command('true'), cancel.signal);
    const behind = shell.run('n', command('true'));
    cancel.abort();
    expect(await waiting).toEqual({ is: 'unreachable', reason: 'cancelled before anything was sent' });
    expect([await running, await behind]).toMatchObject([ok, ok]);
  });
});

describe('a node that cannot be reached', () => {
  it('refuses the connection', async () => {
    shell = createShell({ n: sshd.host({ port: await freePort() }) });
    expect(await shell.run('n', command('true'))).toEqual({ is: 'unreachable', reason: 'connection refused' });
  });

  it('hangs in the handshake', async () => {
    use({ connectTimeoutMs: 300 });
    process.kill(sshd.pid, 'SIGSTOP');
    const outcome = await shell.run('n', command('true'));
    process.kill(sshd.pid, 'SIGCONT');
    expect(outcome).toEqual({ is: 'unreachable', reason: 'timed out after 0.3 s' });
  });

  it('is not known by that name', async () => {
    const reason = 'no SSH host is configured for toString';
    expect(await shell.run('toString', command('true'))).toEqual({ is: 'unreachable', reason });
  });
});
