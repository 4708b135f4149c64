import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateKey, type KeyType } from './sshd.ts';

/** A signing key of its own, made by ssh-keygen. */
export interface TestKey {
  file: string;
  /** `ssh-ed25519 AAAA…` */
  public: string;
  /** `SHA256:…`, as ssh-keygen shows it. */
  id: string;
}

const folder = mkdtempSync(join(tmpdir(), 'zeitwork-signers-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

export function testKey(type: KeyType = 'ed25519'): TestKey {
  const file = join(mkdtempSync(join(folder, 'key-')), 'key');
  const line = generateKey(file, type);
  const id = execFileSync('ssh-keygen', ['-lf', `${file}.pub`], { encoding: 'utf8' }).split(' ')[1] ?? '';
  return { file, public: line, id };
}

/** Signs by the command that docs/releases.md gives. */
export function signFile(path: string, key: TestKey, namespace = 'zeitwork-release'): string {
  execFileSync('ssh-keygen', ['-q', '-Y', 'sign', '-n', namespace, '-f', key.file, path], { stdio: 'pipe' });
  return readFileSync(`${path}.sig`, 'utf8');
}
