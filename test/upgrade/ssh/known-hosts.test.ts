import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fingerprint, judge, namesOf, parseKnownHosts, pinsFor } from '../../../src/upgrade/ssh/known-hosts.ts';
import { generateKey } from '../../support/sshd.ts';

const dir = mkdtempSync(join(tmpdir(), 'zeitwork-keys-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const key = generateKey(join(dir, 'a'), 'ed25519');
const other = generateKey(join(dir, 'b'), 'ed25519');
const rsa = generateKey(join(dir, 'c'), 'rsa');
const blob = (line: string) => Buffer.from(line.split(' ')[1] ?? '', 'base64');

function verdict(text: string, names: string[], shown = key): string {
  return judge(pinsFor(parseKnownHosts(text), names), blob(shown)).is;
}

/** What `ssh-keygen -H` makes of a file. */
function hashed(text: string): string {
  const file = join(dir, 'hashed');
  writeFileSync(file, text);
  execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
  return readFileSync(file, 'utf8');
}

describe('a known_hosts file', () => {
  it.each([
    ['a plain name', `op-1 ${key}`, ['op-1'], 'accepted'],
    ['another name', `op-2 ${key}`, ['op-1'], 'unknown'],
    ['an empty file', '', ['op-1'], 'unknown'],
    ['another key', `op-1 ${other}`, ['op-1'], 'changed'],
    ['one of several keys', `op-1 ${other}\nop-1 ${rsa}\nop-1 ${key}`, ['op-1'], 'accepted'],
    ['a comma list', `op-1,10.0.0.1 ${key}`, ['10.0.0.1'], 'accepted'],
    ['capitals in the name', `Op-1.Example.COM ${key}`, ['op-1.example.com'], 'accepted'],
    ['a port', `[op-1]:2222 ${key}`, ['[op-1]:2222'], 'accepted'],
    ['another port', `[op-1]:2222 ${key}`, ['[op-1]:2223'], 'unknown'],
    ['no port where one is needed', `10.0.0.1 ${key}`, ['[10.0.0.1]:2222'], 'unknown'],
    ['a star', `*.example.com ${key}`, ['op-1.example.com'], 'accepted'],
    ['a star that must not reach over', `*.example.com ${key}`, ['example.com'], 'unknown'],
    ['a question mark', `op-? ${key}`, ['op-1'], 'accepted'],
    ['a question mark that is no star', `op-? ${key}`, ['op-12'], 'unknown'],
    ['a dot that is no wildcard', `op.1 ${key}`, ['op-1'], 'unknown'],
    ['an exception', `op-*,!op-1 ${key}`, ['op-1'], 'unknown'],
    ['an exception for others', `op-*,!op-2 ${key}`, ['op-1'], 'accepted'],
    ['only an exception', `!op-2 ${key}`, ['op-1'], 'unknown'],
    ['comments and empty lines', `# op-1\n\n  op-1 ${key} a comment\r\n`, ['op-1'], 'accepted'],
    ['tabs', `op-1\t${key.replace(' ', '\t')}`, ['op-1'], 'accepted'],
    ['a revoked key', `@revoked op-1 ${key}`, ['op-1'], 'revoked'],
    ['a key that is pinned and revoked', `op-1 ${key}\n@revoked * ${key}`, ['op-1'], 'revoked'],
    ['a key revoked under its other name', `op-1 ${key}\n@revoked 10.0.0.1 ${key}`, ['op-1', '10.0.0.1'], 'revoked'],
    ['another revoked key', `op-1 ${key}\n@revoked op-1 ${other}`, ['op-1'], 'accepted'],
    ['a certificate authority', `@cert-authority * ${other}`, ['op-1'], 'authority'],
    ['the key of an authority as host key', `@cert-authority * ${key}`, ['op-1'], 'authority'],
    ['an authority beside a plain key', `@cert-authority * ${other}\nop-1 ${key}`, ['op-1'], 'accepted'],
    ['an unknown marker', `@trusted op-1 ${key}`, ['op-1'], 'unknown'],
    ['a key under another type', `op-1 ${key.replace('ssh-ed25519', 'ssh-rsa')}`, ['op-1'], 'unknown'],
    ['rubbish', 'op-1 ssh-ed25519 !!!\nop-1\nop-1 ssh-ed25519', ['op-1'], 'unknown'],
    ['another hash version', `|2|AAAA|AAAA ${key}`, ['op-1'], 'unknown'],
  ])('with %s', (_, text, names, expected) => {
    expect(verdict(text, names)).toBe(expected);
  });

  it('may be hashed', () => {
    const text = hashed(`op-1 ${key}\n[10.0.0.1]:2222 ${key}\n`);
    expect(text).not.toContain('op-1');
    expect(verdict(text, ['op-1'])).toBe('accepted');
    expect(verdict(text, ['OP-1'])).toBe('accepted');
    expect(verdict(text, ['[10.0.0.1]:2222'])).toBe('accepted');
    expect(verdict(text, ['op-2'])).toBe('unknown');
    expect(verdict(text, ['op-1'], other)).toBe('changed');
  });
});

describe('the names of a host', () => {
  it.each([
    [22, ['10.0.0.1', 'op-1']],
    [2222, ['[10.0.0.1]:2222', '[op-1]:2222', 'op-1']],
  ])('on port %i', (port, names) => {
    expect(namesOf({ name: 'op-1', address: '10.0.0.1', port })).toEqual(names);
  });
});

describe('a fingerprint', () => {
  it('is the one that ssh-keygen prints', () => {
    const printed = execFileSync('ssh-keygen', ['-l', '-f', join(dir, 'a.pub')], { encoding: 'utf8' });
    expect(printed).toContain(fingerprint(blob(key)));
  });
});
