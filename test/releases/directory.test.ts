import { mkdir, mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Refused } from '../../src/base/errors.ts';
import { openReleases, type Releases } from '../../src/releases/index.ts';
import { goodEntries, putRelease, type ReleaseEntry, sha256, tarGz } from '../support/release-archives.ts';
import { service as operator } from '../support/rollouts.ts';

const archive = 'zeitwork-operator-v2.0.0.tar.gz';
let directory: string;
let releases: Releases;
let good: Buffer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'releases-'));
  releases = openReleases({ directory, signers: [], unsigned: 'allowed' }, operator, join(directory, 'cache'));
  good = await tarGz(goodEntries);
});

afterEach(() => rm(directory, { recursive: true }));

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it was accepted'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refused);
  return error instanceof Error ? error.message : '';
}

describe('a sound archive', () => {
  it('is resolved to its hashes and sizes', async () => {
    await putRelease(directory, 'v2.0.0', good);
    expect(await releases.resolve('v2.0.0')).toEqual({
      version: 'v2.0.0',
      archive,
      archiveSha256: sha256(good),
      archiveBytes: good.length,
      binarySha256: sha256('#!/bin/true\n'),
      binaryBytes: 12,
      signed: null,
    });
  });

  it.each([
    ['sha256sum in text mode', (hash: string) => `${hash}  ${archive}\n`],
    ['sha256sum in binary mode', (hash: string) => `${hash} *${archive}\n`],
    ['sha256sum with a folder', (hash: string) => `${hash}  ./dist/${archive}\n`],
    ['several files', (hash: string) => `${'0'.repeat(64)}  other.tar.gz\n${hash}  ${archive}\n`],
    ['the bare hash', (hash: string) => `${hash.toUpperCase()}\r\n`],
  ])('is accepted with a .sha256 of %s', async (_, checksum) => {
    await putRelease(directory, 'v2.0.0', good, checksum(sha256(good)));
    expect((await releases.resolve('v2.0.0')).archiveSha256).toBe(sha256(good));
  });

  it('may name its file with ./ in front', async () => {
    const content = await tarGz([
      { name: './', type: 'directory' },
      { name: './build/zeitwork-operator', content: 'x' },
    ]);
    await putRelease(directory, 'v2.0.0', content);
    expect((await releases.resolve('v2.0.0')).binarySha256).toBe(sha256('x'));
  });

  it('is listed by version, oldest first, among other files', async () => {
    for (const version of ['v10.0.0', 'v2.0.0', 'v2.0.0-rc.1']) await putRelease(directory, version, good);
    await writeFile(join(directory, 'zeitwork-operator-latest.tar.gz'), good);
    await writeFile(join(directory, 'other-v1.0.0.tar.gz'), good);
    expect(await releases.versions()).toEqual(['v2.0.0-rc.1', 'v2.0.0', 'v10.0.0']);
  });
});

describe('a version', () => {
  it.each([
    '2.0.0',
    'v2.0',
    'v2',
    'latest',
    'v2.0.0; reboot',
    '../v2.0.0',
    'v2.0.0\n',
    'v02.0.0',
    'v2.0.0-',
    'v2.0.0-a..b',
    '',
  ])('%j is refused before any file is looked for', async (version) => {
    expect(await refusal(releases.resolve(version))).toMatch(/is not a version; write it like v2\.0\.0/);
  });

  it('without an archive is refused with the versions that exist', async () => {
    await putRelease(directory, 'v1.1.0', good);
    await putRelease(directory, 'v2.0.0', good);
    expect(await refusal(releases.resolve('v2.0.1'))).toBe(
      'there is no zeitwork-operator-v2.0.1.tar.gz among the releases; there are v1.1.0, v2.0.0',
    );
  });

  it('is refused in words when the directory is not there', async () => {
    await rm(directory, { recursive: true });
    expect(await refusal(releases.resolve('v2.0.0'))).toBe(
      'the releases directory cannot be read (ENOENT); correct releases.directory in the settings',
    );
    await mkdir(directory);
  });
});

describe('whatever is wrong', () => {
  it('no refusal shows where on the server the archives lie', async () => {
    await putRelease(directory, 'v2.0.0', good);
    const { archivePath, resolve } = releases;
    const known = await resolve('v2.0.0');
    const path = join(directory, known.archive);
    const refusals = [await refusal(resolve('v9.0.0'))];
    await rm(path);
    refusals.push(await refusal(resolve('v2.0.0')), await refusal(archivePath(known)));
    await mkdir(path);
    refusals.push(await refusal(resolve('v2.0.0')));
    await rm(path, { recursive: true });
    for (const words of refusals) {
      expect(words).not.toContain(directory);
      expect(words.length).toBeGreaterThan(10);
    }
  });
});

describe('a .sha256', () => {
  it('that is missing is asked for', async () => {
    await putRelease(directory, 'v2.0.0', good, null);
    expect(await refusal(releases.resolve('v2.0.0'))).toBe(
      `${archive} has no readable ${archive}.sha256 beside it (ENOENT); make it with sha256sum`,
    );
  });

  it('that does not match shows both hashes, shortened', async () => {
    await putRelease(directory, 'v2.0.0', good, `${'a'.repeat(64)}  ${archive}\n`);
    expect(await refusal(releases.resolve('v2.0.0'))).toBe(
      `${archive} does not match its .sha256: it is ${sha256(good).slice(0, 12)}, published was aaaaaaaaaaaa; publish both again`,
    );
  });

  it.each([
    ['is empty', ''],
    ['is of another file', `${'a'.repeat(64)}  zeitwork-operator-v1.0.0.tar.gz\n`],
    ['holds a hash that is too short', `${'a'.repeat(40)}  ${archive}\n`],
  ])('that %s proves nothing', async (_, checksum) => {
    await putRelease(directory, 'v2.0.0', good, checksum);
    expect(await refusal(releases.resolve('v2.0.0'))).toMatch(/holds no SHA-256 of/);
  });
});

describe('the content of an archive', () => {
  const binary: ReleaseEntry = { name: 'build/zeitwork-operator', content: 'x' };

  it.each<[string, ReleaseEntry[], RegExp]>([
    ['nothing', [], /does not hold build\/zeitwork-operator/],
    ['a directory only', [{ name: 'build/', type: 'directory' }], /does not hold build\/zeitwork-operator/],
    [
      'the binary in another place',
      [{ name: 'zeitwork-operator', content: 'x' }],
      /holds zeitwork-operator; only build\/zeitwork-operator/,
    ],
    ['one file more', [binary, { name: 'build/README', content: 'x' }], /holds build\/README; only/],
    ['the binary twice', [binary, binary], /twice/],
    ['an empty binary', [{ name: 'build/zeitwork-operator', content: '' }], /an empty build\/zeitwork-operator/],
    [
      'a symbolic link',
      [{ name: 'build/zeitwork-operator', type: 'symlink', linkname: '/bin/sh' }],
      /which is a symlink/,
    ],
    [
      'a hard link',
      [binary, { name: 'build/other', type: 'link', linkname: 'build/zeitwork-operator' }],
      /which is a link/,
    ],
    ['a device', [{ name: 'build/zeitwork-operator', type: 'character-device' }], /which is a character-device/],
    ['a path upwards', [{ name: '../build/zeitwork-operator', content: 'x' }], /unsafe path/],
    ['a path that turns around', [{ name: 'build/../build/zeitwork-operator', content: 'x' }], /unsafe path/],
    ['an absolute path', [{ name: '/build/zeitwork-operator', content: 'x' }], /unsafe path/],
    [
      'too many entries',
      Array.from({ length: 101 }, (_, at) => ({ name: `d${at}/`, type: 'directory' as const })),
      /more than 100 entries/,
    ],
  ])('is refused with %s', async (_, entries, message) => {
    await putRelease(directory, 'v2.0.0', await tarGz(entries));
    expect(await refusal(releases.resolve('v2.0.0'))).toMatch(message);
  });

  it.each<[string, () => Buffer]>([
    ['text instead of an archive', () => Buffer.from('<html>not found</html>')],
    ['an archive that was cut short', () => good.subarray(0, good.length - 20)],
    [
      'an archive with a flipped bit',
      () => Buffer.from(good.map((byte, at) => (at === good.length - 30 ? byte ^ 1 : byte))),
    ],
    ['an empty file', () => Buffer.alloc(0)],
  ])('is refused for %s, although its .sha256 matches', async (_, content) => {
    await putRelease(directory, 'v2.0.0', content());
    expect(await refusal(releases.resolve('v2.0.0'))).toMatch(/is not a whole \.tar\.gz|does not hold/);
  });
});

describe('the archive of a plan', () => {
  it('is where it was', async () => {
    await putRelease(directory, 'v2.0.0', good);
    const release = await releases.resolve('v2.0.0');
    expect(await releases.archivePath(release)).toBe(join(directory, archive));
  });

  it('is refused when the tag was published again, even with a matching .sha256', async () => {
    await putRelease(directory, 'v2.0.0', good);
    const release = await releases.resolve('v2.0.0');
    const other = await tarGz([{ name: 'build/zeitwork-operator', content: 'another build' }]);
    await putRelease(directory, 'v2.0.0', other);
    expect(await refusal(releases.archivePath(release))).toBe(
      `${archive} has changed since the plan: it was ${sha256(good).slice(0, 12)} and is ${sha256(other).slice(0, 12)}; ` +
        'stop this upgrade and plan it again',
    );
  });

  it('is refused when it was replaced by one of the same size and time', async () => {
    const path = join(directory, archive);
    await putRelease(directory, 'v2.0.0', good);
    await utimes(path, 1_700_000_000, 1_700_000_000);
    const release = await releases.resolve('v2.0.0');
    await writeFile(`${path}.new`, Buffer.alloc(good.length));
    await utimes(`${path}.new`, 1_700_000_000, 1_700_000_000);
    await rename(`${path}.new`, path);
    expect(await refusal(releases.archivePath(release))).toMatch(/has changed since the plan/);
  });

  it('is refused when it is gone', async () => {
    await putRelease(directory, 'v2.0.0', good);
    const release = await releases.resolve('v2.0.0');
    await rm(join(directory, archive));
    expect(await refusal(releases.archivePath(release))).toMatch(/cannot be read .*; put a readable archive there/);
  });

  it('is read once for many who ask at the same time', async () => {
    await putRelease(directory, 'v2.0.0', good);
    const release = await releases.resolve('v2.0.0');
    const paths = await Promise.all(Array.from({ length: 20 }, () => releases.archivePath(release)));
    expect(new Set(paths)).toEqual(new Set([join(directory, archive)]));
  });
});
