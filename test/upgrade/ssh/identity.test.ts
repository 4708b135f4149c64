import { execFileSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ShellOptions } from '../../../src/upgrade/ssh/shell.ts';
import { createShell } from '../../../src/upgrade/ssh/shell.ts';
import type { Command, Host, Outcome, Shell } from '../../../src/upgrade/ssh/types.ts';
import type { Sshd } from '../../support/sshd.ts';
import { generateKey, startSshd } from '../../support/sshd.ts';

const command: Command = { name: 'try', script: 'echo in', args: [], sudo: false, timeoutMs: 5000 };
const accepted = { is: 'exited', code: 0, stdout: 'in\n' };

let all: Sshd;
let rsaOnly: Sshd;
let stranger: string;
const open: Shell[] = [];

async function tryHost(host: Host, options?: ShellOptions): Promise<Outcome> {
  const shell = createShell({ n: host }, options);
  open.push(shell);
  return shell.run('n', command);
}

/** Runs on a host that must be refused, and proves that no login was even tried. */
async function refusal(sshd: Sshd, host: Host): Promise<string> {
  const before = sshd.accepted();
  const outcome = await tryHost(host);
  expect(outcome.is).toBe('unreachable');
  expect(sshd.accepted()).toBe(before);
  return outcome.is === 'unreachable' ? outcome.reason : '';
}

beforeAll(async () => {
  all = await startSshd({ hostKeys: ['rsa', 'ecdsa', 'ed25519'] });
  rsaOnly = await startSshd({ hostKeys: ['rsa'] });
  const line = generateKey(join(all.dir, 'stranger'), 'ed25519');
  stranger = line.split(' ').slice(0, 2).join(' ');
});
afterAll(() => Promise.all([all.stop(), rsaOnly.stop()]));
afterEach(async () => {
  await Promise.all(open.splice(0).map((shell) => shell.close()));
});

describe('a host key', () => {
  it.each(['ed25519', 'ecdsa', 'rsa'] as const)(
    'of type %s is asked for and accepted when only it is pinned',
    async (type) => {
      const host = all.hostWith([`[127.0.0.1]:${all.port} ${all.hostKey(type)}`]);
      expect(await tryHost(host)).toMatchObject(accepted);
    },
  );

  it('may be pinned under the name of the node', async () => {
    expect(await tryHost(all.hostWith([`node-1 ${all.hostKey('ed25519')}`]))).toMatchObject(accepted);
  });

  it('may be pinned under a hashed name, on another port than 22', async () => {
    const file = join(all.dir, 'hashed');
    writeFileSync(file, `[127.0.0.1]:${all.port} ${all.hostKey('ed25519')}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    const line = readFileSync(file, 'utf8');
    expect(line).toMatch(/^\|1\|/);
    expect(all.port).not.toBe(22);
    expect(await tryHost(all.hostWith([line.trim()]))).toMatchObject(accepted);
    writeFileSync(file, `[127.0.0.1]:${all.port + 1} ${all.hostKey('ed25519')}\n`);
    execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
    expect(await refusal(all, all.hostWith([readFileSync(file, 'utf8').trim()]))).toMatch(/^host key unknown/);
  });

  it('that is not pinned is refused, with what to compare', async () => {
    const reason = await refusal(all, all.hostWith(['# nothing']));
    expect(reason).toMatch(
      /^host key unknown: node-1 \(127\.0\.0\.1:\d+\) shows SHA256:\S+ and \S+ has no line for it/,
    );
  });

  it('that changed is refused, with both fingerprints and the line', async () => {
    const reason = await refusal(all, all.hostWith(['', `node-1 ${stranger}`]));
    expect(reason).toMatch(/^host key changed: .* shows SHA256:\S+, but \S+ has SHA256:\S+ \(line 2\)/);
  });

  it('of another type than the pinned one is a changed key', async () => {
    const reason = await refusal(rsaOnly, rsaOnly.hostWith([`node-1 ${stranger}`]));
    expect(reason).toBe('host key changed: node-1 no longer offers a key of type ssh-ed25519');
  });

  it('that is revoked is refused although it is pinned', async () => {
    const key = all.hostKey('ed25519');
    const reason = await refusal(all, all.hostWith([`node-1 ${key}`, `@revoked * ${key}`]));
    expect(reason).toMatch(/^host key revoked: .* which line 2 of/);
  });

  it('that is replaced behind a kept connection is refused to whoever asks for a fresh one', async () => {
    const sshd = await startSshd();
    const jump = await startSshd();
    const shell = createShell(
      { n: sshd.host(), far: sshd.host({ name: 'far', jump: jump.host({ name: 'jump' }) }) },
      { jumpFreshMs: 0 },
    );
    const fresh = { ...command, fresh: true } as const;
    try {
      for (const node of ['n', 'far']) expect(await shell.run(node, command)).toMatchObject(accepted);
      await sshd.replaceHostKey();
      expect(await shell.run('n', command)).toMatchObject(accepted);
      const changed = { is: 'unreachable', reason: expect.stringMatching(/^host key changed: node-1 /) };
      expect(await shell.run('n', fresh)).toMatchObject(changed);
      expect(await shell.run('n', command)).toMatchObject(changed);
      await jump.replaceHostKey();
      const reason = expect.stringMatching(/^jump host jump: host key changed: jump /);
      expect(await shell.run('far', fresh)).toMatchObject({ is: 'unreachable', reason });
    } finally {
      await shell.close();
      await Promise.all([sshd.stop(), jump.stop()]);
    }
  });

  it('is checked anew without an end to what is under way', async () => {
    const shell = createShell({ n: all.host() });
    open.push(shell);
    const before = all.accepted();
    const slow = shell.run('n', { ...command, script: 'sleep 1; echo slow' });
    await expect.poll(() => all.accepted()).toBe(before + 1);
    expect(await shell.run('n', { ...command, fresh: true })).toMatchObject(accepted);
    expect(all.accepted()).toBe(before + 2);
    expect(await shell.run('n', command)).toMatchObject(accepted);
    expect(all.accepted()).toBe(before + 2);
    expect(await slow).toMatchObject({ is: 'exited', stdout: 'slow\n' });
  });

  it('behind a certificate authority alone is refused, and says what is needed', async () => {
    const reason = await refusal(all, all.hostWith([`@cert-authority * ${stranger}`]));
    expect(reason).toMatch(/@cert-authority, which is not supported; add the plain key/);
  });

  it('of a type that cannot be checked is refused before the dial', async () => {
    const blob = Buffer.concat([Buffer.from([0, 0, 0, 7]), Buffer.from('ssh-dss'), Buffer.from([0])]).toString(
      'base64',
    );
    const reason = await refusal(all, all.hostWith([`node-1 ssh-dss ${blob}`]));
    expect(reason).toMatch(/^host key not usable: .* pins only ssh-dss/);
  });

  it('cannot be checked without a known_hosts file', async () => {
    const reason = await refusal(all, all.host({ knownHostsFile: '/nowhere/known_hosts' }));
    expect(reason).toBe('the known_hosts file /nowhere/known_hosts cannot be read: it does not exist');
  });
});

describe('our own key', () => {
  const write = (name: string, text: string, mode = 0o600) => {
    const file = join(all.dir, name);
    writeFileSync(file, text);
    chmodSync(file, mode);
    return file;
  };

  it('may be RSA', async () => {
    const file = join(all.dir, 'login_rsa');
    const line = generateKey(file, 'rsa');
    writeFileSync(join(all.dir, 'authorized_keys'), `${readFileSync(`${all.keyFile}.pub`, 'utf8')}${line}\n`);
    expect(await tryHost(all.host({ keyFile: file }))).toMatchObject(accepted);
  });

  it('that the node does not know is refused', async () => {
    const reason = await refusal(all, all.host({ keyFile: join(all.dir, 'stranger') }));
    expect(reason).toBe('permission denied (public key)');
  });

  it('may be encrypted when the passphrase is given', async () => {
    const file = join(all.dir, 'locked');
    const line = generateKey(file, 'ed25519', 'secret words');
    writeFileSync(join(all.dir, 'authorized_keys'), `${readFileSync(`${all.keyFile}.pub`, 'utf8')}${line}\n`);
    const host = all.host({ keyFile: file });
    expect(await tryHost(host, { passphrase: 'secret words' })).toMatchObject(accepted);
    expect(await refusal(all, host)).toBe(`the key file ${file} is encrypted and no passphrase was given`);
  });

  it.each([
    ['is open to others', () => write('wide', 'x', 0o644), /may be read by others \(mode 0644\); run: chmod 600/],
    ['is missing', () => join(all.dir, 'missing'), /cannot be read: it does not exist$/],
    ['is a directory', () => all.dir, /is not a file$/],
    ['is no key', () => write('rubbish', 'hello'), /cannot be used: /],
    ['is a public key', () => write('public', `${stranger}\n`), /holds no private key$/],
  ])('that %s is refused in words', async (_, make, words) => {
    const keyFile = make();
    const reason = await refusal(all, all.host({ keyFile }));
    expect(reason).toMatch(words);
    expect(reason).toContain(`the key file ${keyFile}`);
  });
});

describe('a jump host', () => {
  const viaJump = (jump: Partial<Host> = {}) => rsaOnly.host({ jump: all.host({ name: 'jump', ...jump }) });

  it('carries the connection, and both are logged in to', async () => {
    const before = [all.accepted(), rsaOnly.accepted()];
    expect(await tryHost(viaJump())).toMatchObject(accepted);
    expect([all.accepted(), rsaOnly.accepted()]).toEqual(before.map((count) => count + 1));
  });

  it('is shared by the nodes behind it', async () => {
    const before = all.accepted();
    const shell = createShell({ a: viaJump(), b: { ...viaJump(), name: 'b' } });
    open.push(shell);
    expect(await Promise.all([shell.run('a', command), shell.run('b', command)])).toMatchObject([accepted, accepted]);
    expect(all.accepted()).toBe(before + 1);
  });

  it('whose own key is unknown is refused', async () => {
    const { knownHostsFile } = all.hostWith(['# nothing']);
    expect(await refusal(all, viaJump({ knownHostsFile }))).toMatch(/^jump host jump: host key unknown: /);
  });

  it('does not vouch for the node behind it', async () => {
    const { jump } = viaJump();
    const host = rsaOnly.hostWith([`node-1 ${stranger}`], jump ? { jump } : {});
    expect(await refusal(rsaOnly, host)).toMatch(/^host key changed: node-1/);
  });

  it('says when it does not forward', async () => {
    const closed = await startSshd({ config: ['AllowTcpForwarding no'] });
    const outcome = await tryHost(rsaOnly.host({ jump: closed.host({ name: 'jump' }) }));
    await closed.stop();
    const reason = 'the jump host jump does not allow forwarding (AllowTcpForwarding)';
    expect(outcome).toEqual({ is: 'unreachable', reason });
  });

  it('says when the node behind it cannot be reached', async () => {
    const outcome = await tryHost({ ...viaJump(), port: 1 });
    expect(outcome).toEqual({ is: 'unreachable', reason: 'the jump host jump could not connect: connection refused' });
  });
});
