import { execFileSync } from 'node:child_process';
import { sign, verify } from 'node:crypto';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { canonical, keyId, openKey, ownFolder, readPublicKey } from '../../src/trust/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'zeitwork-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'keys', 'bot.key');

describe('the key of a process', () => {
  it('is made once, for its owner only, also when several begin together', async () => {
    const keys = await Promise.all([openKey(file), openKey(file), openKey(file)]);
    expect(new Set(keys.map(({ id }) => id)).size).toBe(1);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'keys'))).toEqual(['bot.key']);
    expect((await openKey(file)).public).toBe(keys[0]?.public);
  });

  it('is one that OpenSSH knows by the same fingerprint', async () => {
    const key = await openKey(file);
    writeFileSync(join(folder, 'bot.pub'), `${key.public} bot\n`);
    expect(execFileSync('ssh-keygen', ['-lf', join(folder, 'bot.pub')], { encoding: 'utf8' })).toContain(key.id);
  });

  it('signs what its public line verifies, and nothing else', async () => {
    const key = await openKey(file);
    const publicKey = readPublicKey(`${key.public} a comment`);
    if (publicKey === null) throw new Error('no key');
    const signature = sign(null, Buffer.from('said'), key.private);
    expect(verify(null, Buffer.from('said'), publicKey, signature)).toBe(true);
    expect(verify(null, Buffer.from('sais'), publicKey, signature)).toBe(false);
  });

  it('lies in a folder that nobody else may write to', async () => {
    const own = join(folder, 'state');
    await ownFolder(own);
    expect(statSync(own).mode & 0o777).toBe(0o700);
    await ownFolder(own);
    for (const mode of [0o770, 0o702, 0o1777]) {
      chmodSync(own, mode);
      await expect(ownFolder(own)).rejects.toThrow(/Others may write to .*chmod 700/);
    }
    chmodSync(own, 0o755);
    await ownFolder(own);
  });

  it('is refused while others may read it, and when it is something else', async () => {
    const open = join(folder, 'open.key');
    await openKey(open);
    chmodSync(open, 0o640);
    await expect(openKey(open)).rejects.toThrow(/chmod 600/);
    const broken = join(folder, 'broken.key');
    writeFileSync(broken, 'hello', { mode: 0o600 });
    await expect(openKey(broken)).rejects.toThrow(/cannot be used/);
  });

  it.each(['', 'ssh-ed25519', 'ssh-rsa AAAAB3NzaC1yc2E', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA==', 'ssh-ed25519 !'])(
    'is not read from %j',
    (line) => {
      expect(readPublicKey(line)).toBeNull();
      expect(keyId(line)).toMatch(/^SHA256:/);
    },
  );
});

describe('the canonical form', () => {
  it('does not depend on the order of keys, on spaces, or on what is not there', () => {
    const one = { b: [1, undefined, { d: 'é"', c: null }], a: undefined, '10': 1, '9': 2 };
    const other = JSON.parse(JSON.stringify(one));
    expect(canonical(one)).toBe('{"10":1,"9":2,"b":[1,null,{"c":null,"d":"é\\""}]}');
    expect(canonical(other)).toBe(canonical(one));
  });
});
