import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Signer, sign, signingKeyIn, type Verdict, verify } from '../../src/trust/index.ts';
import { testKey } from '../support/signing.ts';

const folder = mkdtempSync(join(tmpdir(), 'zeitwork-signed-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const ana = testKey();
const bo = testKey();
const signers: Signer[] = [
  { name: 'ana', keys: [`${ana.public} ana@laptop`] },
  { name: 'bo', keys: ['nonsense', bo.public] },
];
const namespace = 'zeitwork-release';
const said = Buffer.from('what was said');
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');
const check = (signature: string, changes: Partial<Parameters<typeof verify>[0]> = {}) =>
  verify({ data: said, signature, signers, namespace, ...changes });
const reasonOf = (verdict: Verdict) => (verdict.is === 'refused' ? `${verdict.why}: ${verdict.reason}` : verdict.by);

describe('a signature', () => {
  it('tells who made it, with which key, and over which bytes', async () => {
    expect(await check(await sign(said, ana.file, namespace))).toEqual({
      is: 'signed',
      by: 'ana',
      key: ana.id,
      sha256: sha256(said),
    });
    expect(await check(await sign(said, bo.file, namespace))).toMatchObject({ by: 'bo', key: bo.id });
  });

  it.each(['ed25519', 'rsa', 'ecdsa'] as const)('may be of a key of type %s', async (type) => {
    const key = testKey(type);
    const verdict = await check(await sign(said, key.file, namespace), {
      signers: [{ name: 'cy', keys: [key.public] }],
    });
    expect(verdict).toMatchObject({ is: 'signed', by: 'cy', key: key.id });
  });

  it('may be of a large file, whose hash is that of the bytes that were verified', async () => {
    const file = join(folder, 'large');
    const bytes = Buffer.alloc(20_000_000, 'large');
    writeFileSync(file, bytes);
    const signature = await sign(file, ana.file, namespace);
    expect(await check(signature, { data: file })).toMatchObject({ by: 'ana', sha256: sha256(bytes) });
    writeFileSync(file, bytes.fill('x', 19_999_999));
    expect(reasonOf(await check(signature, { data: file }))).toMatch(/^content: it is of other bytes than these/);
  });

  it.each<[string, () => Promise<Verdict>, RegExp]>([
    [
      'of other content',
      async () => check(await sign(Buffer.from('something else'), ana.file, namespace)),
      /^content: .*belongs to something else/,
    ],
    [
      'for another purpose',
      async () => check(await sign(said, ana.file, 'git')),
      /^namespace: it was made for "git", not for "zeitwork-release"$/,
    ],
    [
      'by a stranger',
      async () => check(await sign(said, testKey().file, namespace)),
      /^key: it was made with the key SHA256:\S{43}, which is not one of those that count here \(ana, bo\)$/,
    ],
    [
      'when nobody counts',
      async () => check(await sign(said, ana.file, namespace), { signers: [] }),
      /^key: .*\(nobody\)/,
    ],
    ['of nothing', () => check(''), /^no signature/],
    ['of a megabyte of noise', () => check('A'.repeat(1 << 20)), /^no signature/],
    [
      'of noise in armor',
      () => check(`-----BEGIN SSH SIGNATURE-----\n${'AAAA'.repeat(1000)}\n-----END SSH SIGNATURE-----\n`),
      /^no signature/,
    ],
    [
      'that was made by another program in another form',
      () => check('-----BEGIN PGP SIGNATURE-----\nAAAA\n-----END PGP SIGNATURE-----\n'),
      /^no signature/,
    ],
    [
      'whose last part was exchanged',
      async () => {
        const [own, others] = [await sign(said, ana.file, namespace), await sign(said, bo.file, namespace)];
        const half = (text: string) => Buffer.from(text.split('\n').slice(1, -2).join(''), 'base64');
        const mixed = Buffer.concat([half(own).subarray(0, 100), half(others).subarray(100)]);
        return check(`-----BEGIN SSH SIGNATURE-----\n${mixed.toString('base64')}\n-----END SSH SIGNATURE-----\n`);
      },
      /^content/,
    ],
  ])('%s proves nothing, and the reason says why', async (_, tried, reason) => {
    expect(reasonOf(await tried())).toMatch(reason);
  });

  it('is never looked for in what a name says: it reaches neither the arguments nor the list of signers', async () => {
    const stranger = testKey();
    const evil = [
      { name: `x\n* ${stranger.public}`, keys: [ana.public] },
      { name: 'y', keys: [`${ana.public}\nsigner ${stranger.public}`, `cert-authority ${stranger.public}`] },
      { name: '-f', keys: [bo.public] },
    ];
    const signature = await sign(said, stranger.file, namespace);
    expect(await check(signature, { signers: evil })).toMatchObject({ is: 'refused', why: 'key' });
    expect(await check(await sign(said, bo.file, namespace), { signers: evil })).toMatchObject({ by: '-f' });
  });

  it.each(['-n', 'a b', 'a\nb', 'A*', ''])('is for no such purpose as %j', async (odd) => {
    await expect(check('', { namespace: odd })).rejects.toThrow(TypeError);
    await expect(sign(said, ana.file, odd)).rejects.toThrow(TypeError);
  });

  it('leaves no file behind', async () => {
    // Others verify on this machine as well.
    const own = mkdtempSync(join(folder, 'tmp-'));
    const former = process.env.TMPDIR;
    onTestFinished(() => {
      if (former === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = former;
    });
    process.env.TMPDIR = own;
    await check(await sign(said, ana.file, namespace));
    await expect(check(await sign(said, ana.file, namespace), { data: join(folder, 'nowhere') })).rejects.toThrow(
      /ENOENT/,
    );
    expect(readdirSync(own)).toEqual([]);
  });
});

describe('a key that does not sign', () => {
  it('is told in words', async () => {
    await expect(sign(said, join(folder, 'nokey'), namespace)).rejects.toThrow(/nokey did not sign: .*No such file/);
  });
});

describe('without ssh-keygen', () => {
  const path = process.env.PATH;
  afterEach(() => {
    process.env.PATH = path;
  });

  it('nothing is taken for signed, and what to install is said', async () => {
    const signature = await sign(said, ana.file, namespace);
    process.env.PATH = folder;
    expect(reasonOf(await check(signature))).toBe('tool: ssh-keygen is not installed here; install openssh-client');
    await expect(sign(said, ana.file, namespace)).rejects.toThrow(/install openssh-client/);
  });
});

/** The same key with another field behind it. */
function withMore(line: string): string {
  const [type = '', encoded = ''] = line.split(' ');
  return `${type} ${Buffer.concat([Buffer.from(encoded, 'base64'), Buffer.from('\0\0\0\x01x')]).toString('base64')}`;
}

describe('a line with a key', () => {
  it('is spelled anew, without what follows', () => {
    expect(signingKeyIn(`  ${ana.public} ana@laptop and more`)).toBe(ana.public);
  });

  it.each([
    '',
    'ssh-ed25519',
    'ssh-ed25519 AAAA',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==',
    `ssh-rsa ${ana.public.split(' ')[1]}`,
    `cert-authority ${ana.public}`,
    withMore(ana.public),
    `${ana.public}\n`.repeat(2),
    ana.public.replace('ssh-ed25519', 'ssh-ed25519-cert-v01@openssh.com'),
    '-----BEGIN OPENSSH PRIVATE KEY-----',
  ])('is not read from %j', (line) => {
    expect(signingKeyIn(line)).toBeNull();
  });
});
