import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { homedir, userInfo } from 'node:os';
import { join, relative } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ShellOptions } from '../../../src/upgrade/ssh/shell.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Shell } from '../../../src/upgrade/ssh/types.ts';
import type { Sshd } from '../../support/sshd.ts';
import { startSshd } from '../../support/sshd.ts';

const root = userInfo().uid === 0;
const size = 5_000_000;
let sshd: Sshd;
let local: string;
const open: Shell[] = [];

function shellOf(options?: ShellOptions, server = sshd): Shell {
  const shell = createShell({ n: server.host() }, options);
  open.push(shell);
  return shell;
}

const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const remote = (...parts: string[]) => join(sshd.dir, 'remote', ...parts);

beforeAll(async () => {
  sshd = await startSshd();
  mkdirSync(remote(), { mode: 0o700 });
  local = join(sshd.dir, 'archive');
  writeFileSync(local, randomBytes(size));
});
afterAll(() => sshd.stop());
afterEach(async () => {
  await Promise.all(open.splice(0).map((shell) => shell.close()));
});

describe('a file sent to a node', () => {
  it('arrives whole, private, in folders that are private', async () => {
    const path = remote('a', 'b', 'archive');
    expect(await shellOf().put('n', local, path)).toEqual({ is: 'sent', bytes: size });
    expect(hash(path)).toBe(hash(local));
    expect([remote('a'), remote('a', 'b'), path].map((one) => statSync(one).mode & 0o777)).toEqual([
      0o700, 0o700, 0o600,
    ]);
  });

  it('may be one that lies in memory alone', async () => {
    const path = remote('from-memory');
    expect(await shellOf().put('n', Buffer.from('A=1\n'), path)).toEqual({ is: 'sent', bytes: 4 });
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['A=1\n', 0o600]);
  });

  it('may be named from the login directory', async () => {
    const path = remote('relative');
    expect(await shellOf().put('n', local, relative(homedir(), path))).toMatchObject({ is: 'sent' });
    expect(hash(path)).toBe(hash(local));
  });

  it('replaces a longer file, whose mode was open', async () => {
    const path = remote('longer');
    writeFileSync(path, Buffer.alloc(size + 10), { mode: 0o644 });
    expect(await shellOf().put('n', local, path)).toEqual({ is: 'sent', bytes: size });
    expect(hash(path)).toBe(hash(local));
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('may be empty', async () => {
    writeFileSync(join(sshd.dir, 'empty'), '');
    expect(await shellOf().put('n', join(sshd.dir, 'empty'), remote('empty'))).toEqual({ is: 'sent', bytes: 0 });
    expect(statSync(remote('empty')).size).toBe(0);
  });

  it('goes out twenty times at once, and again and again over one connection', async () => {
    const shell = shellOf();
    const before = sshd.accepted();
    const paths = Array.from({ length: 20 }, (_, index) => remote(`many-${index}`));
    const results = await Promise.all(paths.map((path) => shell.put('n', local, path)));
    for (const path of paths) results.push(await shell.put('n', local, path));
    expect(new Set(results.map((result) => result.is))).toEqual(new Set(['sent']));
    expect(new Set(paths.map(hash))).toEqual(new Set([hash(local)]));
    expect(sshd.accepted()).toBe(before + 1);
  });
});

describe('a transfer that cannot work', () => {
  it('names a local file that is missing', async () => {
    const result = await shellOf().put('n', '/nowhere/archive', remote('x'));
    expect(result).toEqual({ is: 'failed', reason: '/nowhere/archive cannot be read: it does not exist' });
  });

  it('tells an unreachable node from a failure', async () => {
    const shell = createShell({ n: sshd.hostWith(['# nothing']) });
    expect(await shell.put('n', local, remote('x'))).toMatchObject({ is: 'unreachable' });
    expect(await shell.put('m', local, remote('x'))).toMatchObject({ is: 'unreachable' });
    await shell.close();
  });

  it('says that the target is a folder', async () => {
    const result = await shellOf().put('n', local, remote());
    expect(result).toEqual({ is: 'failed', reason: `the node could not write ${remote()} and gave no cause` });
  });

  it('says that it may not write there', async () => {
    const result = await shellOf().put('n', local, '/sys/kernel/x');
    expect(result).toEqual({ is: 'failed', reason: 'permission denied for /sys/kernel/x' });
  });

  // Only root can mount; for others the wording of a full disk stays untried.
  if (root) {
    it.each([
      [
        'full',
        'size=1m',
        (place: string) => `no space left on the file system of ${place}: 0 bytes free, ${size} needed`,
      ],
      ['read-only', 'ro', (place: string) => `the file system of ${place} is read-only`],
    ])('says that the file system is %s, and leaves nothing behind', async (name, option, reason) => {
      const place = remote(name);
      mkdirSync(place);
      execFileSync('mount', ['-t', 'tmpfs', '-o', option, 'small', place]);
      try {
        const result = await shellOf().put('n', local, join(place, 'x'));
        expect(result).toEqual({ is: 'failed', reason: reason(place) });
        expect(existsSync(join(place, 'x'))).toBe(false);
      } finally {
        execFileSync('umount', ['-l', place]);
      }
    });
  }

  it('says that the node has no SFTP', async () => {
    const bare = await startSshd({ config: ['ForceCommand /bin/false'] });
    const result = await shellOf({}, bare).put('n', local, '/tmp/never');
    expect(result).toMatchObject({ is: 'failed', reason: expect.stringMatching(/^the node offers no SFTP: /) });
    await bare.stop();
  });
});

describe('a transfer that is cut short', () => {
  /** Sends something large; resolves once the first bytes are there. */
  async function started(shell: Shell, path: string, signal?: AbortSignal) {
    const big = join(sshd.dir, 'big');
    if (!existsSync(big)) writeFileSync(big, Buffer.alloc(300_000_000));
    const result = shell.put('n', big, path, signal);
    while (!existsSync(path) || statSync(path).size === 0) await wait(5);
    return { result };
  }

  it('ends at once when it is cancelled, removes what it wrote, and the connection goes on', async () => {
    const shell = shellOf();
    const cancel = new AbortController();
    const { result } = await started(shell, remote('cancelled'), cancel.signal);
    cancel.abort();
    expect(await result).toEqual({ is: 'failed', reason: 'cancelled' });
    while (existsSync(remote('cancelled'))) await wait(5);
    expect(await shell.put('n', local, remote('after'))).toMatchObject({ is: 'sent' });
  });

  it('fails when the connection is lost', async () => {
    const { result } = await started(shellOf(), remote('lost'));
    sshd.signalSessions('SIGKILL');
    expect(await result).toEqual({ is: 'failed', reason: 'the connection was lost' });
  });

  it('fails when nothing moves any more', async () => {
    const { result } = await started(shellOf({ stallMs: 300 }), remote('stalled'));
    sshd.signalSessions('SIGSTOP');
    expect(await result).toEqual({ is: 'failed', reason: 'no progress for 0.3 s' });
    sshd.signalSessions('SIGKILL');
  });

  it('fails at its time limit', async () => {
    const { result } = await started(shellOf({ transferTimeoutMs: 200 }), remote('slow'));
    expect(await result).toEqual({ is: 'failed', reason: 'not finished within 0.2 s' });
  });
});
