import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openKey, type SigningKey, sshSignature } from '../../src/trust/index.ts';

const folder = mkdtempSync(join(tmpdir(), 'zeitwork-sshsig-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const namespace = 'zeitwork-order';
const message = 'fleet trial\nnode us-east-op-1\n';

/** What the real ssh-keygen says, for a node that trusts `signer`. */
function accepts(signer: string, text: string, signature: string | Buffer, under = namespace): boolean {
  writeFileSync(join(folder, 'signers'), `zeitwork namespaces="${namespace}" ${signer}\n`);
  writeFileSync(join(folder, 'signature'), signature);
  const words = ['-Y', 'verify', '-f', join(folder, 'signers'), '-I', 'zeitwork', '-n', under];
  const { status } = spawnSync('ssh-keygen', [...words, '-s', join(folder, 'signature')], { input: text });
  return status === 0;
}

describe('a signature in the format of OpenSSH', () => {
  let key: SigningKey;
  let other: SigningKey;
  beforeAll(async () => {
    key = await openKey(join(folder, 'key'));
    other = await openKey(join(folder, 'other'));
  });

  it.each(['', 'x', message, 'ünï\n', 'z'.repeat(100_000)])('is accepted by ssh-keygen: %.20j', (text) => {
    expect(accepts(key.public, text, sshSignature(key, namespace, text))).toBe(true);
  });

  it('is refused of another key, for another purpose, and over another text', () => {
    const signature = sshSignature(key, namespace, message);
    expect(accepts(other.public, message, signature)).toBe(false);
    expect(accepts(key.public, message, sshSignature(key, 'git', message), 'git')).toBe(false);
    expect(accepts(key.public, message, signature, 'git')).toBe(false);
    for (let at = 0; at < message.length; at++) {
      const changed = `${message.slice(0, at)}${message[at] === 'x' ? 'y' : 'x'}${message.slice(at + 1)}`;
      expect(accepts(key.public, changed, signature), `byte ${at}`).toBe(false);
    }
  });

  it('is refused when one byte of it was changed', () => {
    const [begin, ...lines] = sshSignature(key, namespace, message).trimEnd().split('\n');
    const end = lines.pop();
    const bytes = Buffer.from(lines.join(''), 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      // Its highest bit: OpenSSH also takes a signature of version 0, which is not part of what is signed.
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      const signature = `${begin}\n${changed.toString('base64')}\n${end}\n`;
      expect(accepts(key.public, message, signature), `byte ${at}`).toBe(false);
    }
  });
});
