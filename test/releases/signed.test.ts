import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Refused } from '../../src/base/errors.ts';
import { openReleases, type Releases } from '../../src/releases/index.ts';
import type { Trust } from '../../src/releases/signed.ts';
import type { Release } from '../../src/upgrade/rollout/types.ts';
import { goodEntries, putRelease, sha256, tarGz } from '../support/release-archives.ts';
import { type ReleaseServer, startReleaseServer } from '../support/release-server.ts';
import { service as operator } from '../support/rollouts.ts';
import { signFile, testKey } from '../support/signing.ts';

const archive = 'zeitwork-operator-v2.0.0.tar.gz';
const ana = testKey();
const stranger = testKey();
const trust: Trust = { signers: [{ name: 'ana', keys: [ana.public] }], unsigned: 'refused' };
let directory: string;
let path: string;
let good: Buffer;
let evil: Buffer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'releases-'));
  path = join(directory, archive);
  good = await tarGz(goodEntries);
  evil = await tarGz([{ name: 'build/zeitwork-operator', content: '#!/bin/sh\nid >/tmp/owned\n' }]);
});
afterEach(() => rm(directory, { recursive: true }));

const open = (own: Parameters<typeof openReleases>[0] = { directory, ...trust }): Releases =>
  openReleases(own, operator, join(directory, 'cache'));

async function putSigned(content: Buffer, key = ana, namespace?: string): Promise<void> {
  await putRelease(directory, 'v2.0.0', content);
  await rm(`${path}.sig`, { force: true });
  signFile(path, key, namespace);
}

async function refusal(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it was accepted'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(Refused);
  return error instanceof Error ? error.message : '';
}

describe('a signed archive', () => {
  it('is a release, which notes who signed it', async () => {
    await putSigned(good);
    const release = await open().resolve('v2.0.0');
    expect(release).toMatchObject({
      archiveSha256: sha256(good),
      signed: { by: 'ana', key: ana.id, signature: await readFile(`${path}.sig`, 'utf8') },
    });
    expect(await open().archivePath(release)).toBe(path);
  });

  it('is checked by the worker against its own settings', async () => {
    await putSigned(good);
    const release = await open().resolve('v2.0.0');
    const others: Trust = { signers: [{ name: 'ana', keys: [stranger.public] }], unsigned: 'refused' };
    expect(await refusal(open({ directory, ...others }).archivePath(release))).toMatch(
      /cannot be accepted: .*with the key SHA256/,
    );
    expect(await refusal(open({ directory, ...others, signers: [] }).archivePath(release))).toMatch(
      /settings name nobody/,
    );
  });
});

describe('a release that was staged already', () => {
  const trusting = (own: Trust) => open({ directory, ...own });

  it('is withdrawn when the key that signed it counts no more, also when the archive is gone', async () => {
    await putSigned(good);
    const release = await open().resolve('v2.0.0');
    await rm(path);
    expect(open().withdrawn(release)).toBeNull();
    const others: Trust = { signers: [{ name: 'ana', keys: [stranger.public] }], unsigned: 'refused' };
    expect(trusting(others).withdrawn(release)).toMatch(/signed by ana with SHA256:.*does not count here any more/);
    expect(trusting({ ...others, unsigned: 'allowed' }).withdrawn(release)).toMatch(/does not count here any more/);
    expect(trusting({ signers: [], unsigned: 'refused' }).withdrawn(release)).toMatch(/does not count here any more/);
  });

  it('is judged by the signature itself, whatever stands beside it', async () => {
    await putSigned(good, stranger);
    const others: Trust = { signers: [{ name: 'eve', keys: [stranger.public] }], unsigned: 'refused' };
    const release = await trusting(others).resolve('v2.0.0');
    const signed = release.signed && { ...release.signed, by: 'ana', key: ana.id };
    expect(open().withdrawn({ ...release, signed })).toMatch(/does not count here any more/);
    expect(open().withdrawn({ ...release, signed: signed && { ...signed, signature: 'none' } })).toMatch(/not count/);
  });

  it('is withdrawn when nobody signed it and the settings want a signature by now', async () => {
    await putRelease(directory, 'v2.0.0', good);
    const lax = trusting({ signers: [], unsigned: 'allowed' });
    const release = await lax.resolve('v2.0.0');
    expect(lax.withdrawn(release)).toBeNull();
    expect(open().withdrawn(release)).toMatch(/without a signature/);
  });
});

describe('what is no signed archive', () => {
  it.each<[string, () => Promise<void>, RegExp]>([
    ['an archive that was changed, with a matching .sha256', changed, /cannot be accepted: it is of other bytes/],
    ['the signature of another archive', ofAnother, /cannot be accepted: it is of other bytes/],
    [
      'a signature for something else',
      () => putSigned(good, ana, 'git'),
      /it was made for "git", not for "zeitwork-release"/,
    ],
    ['the signature of a stranger', () => putSigned(good, stranger), /the key SHA256:\S+, which is not one .*\(ana\)/],
    ['no signature', () => putRelease(directory, 'v2.0.0', good).then(() => undefined), /is not signed: put .*\.sig/],
    ['a megabyte of garbage as one', garbage, /\.sig is larger than 16384 bytes/],
    ['an empty one', empty, /it is not a signature/],
  ])('%s is refused before anything is planned', async (_, attack, message) => {
    await attack();
    expect(await refusal(open().resolve('v2.0.0'))).toMatch(message);
  });

  async function changed(): Promise<void> {
    await putSigned(good);
    await putRelease(directory, 'v2.0.0', evil);
  }

  async function ofAnother(): Promise<void> {
    await putSigned(evil);
    await putRelease(directory, 'v2.0.0', good);
  }

  async function garbage(): Promise<void> {
    await putRelease(directory, 'v2.0.0', good);
    await writeFile(`${path}.sig`, Buffer.alloc(1 << 20, 'garbage'));
  }

  async function empty(): Promise<void> {
    await putRelease(directory, 'v2.0.0', good);
    await writeFile(`${path}.sig`, '');
  }
});

describe('between the plan and the staging', () => {
  let release: Release;
  beforeEach(async () => {
    await putSigned(good);
    release = await open().resolve('v2.0.0');
  });

  it('an archive that was replaced and signed by a stranger is refused', async () => {
    await putSigned(evil, stranger);
    expect(await refusal(open().archivePath(release))).toMatch(/it is of other bytes/);
  });

  it('a plan that was rewritten in the store to another archive is refused: its signature does not fit', async () => {
    await putSigned(evil, stranger);
    const forged = { ...release, archiveSha256: sha256(evil), binarySha256: sha256('x') };
    expect(await refusal(open().archivePath(forged))).toMatch(/it is of other bytes/);
  });

  it('a signature that was replaced in the store is refused', async () => {
    await putSigned(good, stranger);
    const signature = await readFile(`${path}.sig`, 'utf8');
    const forged = { ...release, signed: { by: 'ana', key: ana.id, signature } };
    expect(await refusal(open().archivePath(forged))).toMatch(/which is not one of those that count here/);
    expect(await refusal(open().archivePath({ ...release, signed: null }))).toMatch(/planned without a signature/);
  });

  it('one that was replaced in the directory does no harm: what was planned is checked, over the bytes that are sent', async () => {
    await writeFile(`${path}.sig`, 'garbage');
    expect(await open().archivePath(release)).toBe(path);
  });

  it('the same process notices a replaced archive, whatever it remembers', async () => {
    const releases = open();
    const planned = await releases.resolve('v2.0.0');
    await releases.archivePath(planned);
    await writeFile(path, evil);
    expect(await refusal(releases.archivePath(planned))).toMatch(/it is of other bytes/);
  });
});

describe('without signers', () => {
  it('nothing is planned, and both ways out are said', async () => {
    await putSigned(good);
    const message = await refusal(open({ directory, signers: [], unsigned: 'refused' }).resolve('v2.0.0'));
    expect(message).toMatch(/releases\.signers .*ssh-keygen -Y sign -n zeitwork-release.*releases\.unsigned: allowed/);
  });

  it('unsigned archives are releases where the settings allow them, and noted as such', async () => {
    await putRelease(directory, 'v2.0.0', good);
    const allowed = open({ directory, signers: [], unsigned: 'allowed' });
    const release = await allowed.resolve('v2.0.0');
    expect(release.signed).toBeNull();
    expect(await allowed.archivePath(release)).toBe(path);
    expect(await refusal(open().archivePath(release))).toMatch(/was planned without a signature/);
  });

  it('a signature that is there must be good even where none is needed', async () => {
    const allowed = open({ directory, ...trust, unsigned: 'allowed' });
    await putRelease(directory, 'v2.0.0', good);
    expect((await allowed.resolve('v2.0.0')).signed).toBeNull();
    await putSigned(good, stranger);
    expect(await refusal(allowed.resolve('v2.0.0'))).toMatch(/cannot be accepted/);
  });
});

describe('a signed archive behind a URL', () => {
  const file = '/v2.0.0/zeitwork-operator-v2.0.0.tar.gz';
  let server: ReleaseServer;
  beforeEach(async () => {
    server = await startReleaseServer();
    await publish(good);
  });
  afterEach(() => server.close());

  const pattern = (host: string) => `${host}/{version}/zeitwork-operator-{version}.tar.gz`;
  const remote = (url = pattern(server.url)) => open({ url, ...trust });

  async function publish(content: Buffer): Promise<void> {
    await putSigned(content);
    server.answers.set(file, content);
    server.answers.set(`${file}.sha256`, sha256(content));
    server.answers.set(`${file}.sig`, await readFile(`${path}.sig`));
  }

  it('is a release, and the copy of it is used without the server', async () => {
    const release = await remote().resolve('v2.0.0');
    expect(release.signed).toMatchObject({ by: 'ana', key: ana.id });
    server.answers.clear();
    expect(await readFile(await remote().archivePath(release))).toEqual(good);
  });

  it('is refused when it was changed there, with a matching .sha256', async () => {
    server.answers.set(file, evil);
    server.answers.set(`${file}.sha256`, sha256(evil));
    expect(await refusal(remote().resolve('v2.0.0'))).toMatch(/it is of other bytes/);
  });

  it('is refused without a signature, and with a megabyte of garbage as one', async () => {
    server.answers.set(`${file}.sig`, Buffer.alloc(1 << 20, 'garbage'));
    expect(await refusal(remote().resolve('v2.0.0'))).toMatch(/\.sig is larger than 16384 bytes/);
    server.answers.delete(`${file}.sig`);
    expect(await refusal(remote().resolve('v2.0.0'))).toMatch(/is not signed: put .*\.sig beside it/);
  });

  it('is fetched and checked again when its copy in the cache was replaced', async () => {
    const release = await remote().resolve('v2.0.0');
    const copy = await remote().archivePath(release);
    await writeFile(copy, evil);
    expect(await readFile(await remote().archivePath(release))).toEqual(good);
    await writeFile(copy, evil);
    server.answers.clear();
    expect(await refusal(remote().archivePath(release))).toMatch(/does not exist/);
  });

  it('is not taken from the folder of another hash that a rewritten plan names', async () => {
    const release = await remote().resolve('v2.0.0');
    await publish(evil);
    const other = await remote().resolve('v2.0.0');
    const forged = { ...release, archiveSha256: other.archiveSha256 };
    expect(await refusal(remote().archivePath(forged))).toMatch(/it is of other bytes/);
  });

  it.each(['http://files.example.com', 'http://127.0.0.1.example.com', 'http://10.0.0.7'])(
    'is not even asked for over plain http, like %s',
    async (host) => {
      expect(await refusal(remote(pattern(host)).resolve('v2.0.0'))).toMatch(
        /is not https, .*releases\.unsigned: allowed/,
      );
    },
  );

  it('is not followed to plain http elsewhere, nor round in circles', async () => {
    server.answers.set(`${file}.sha256`, (response) =>
      response.writeHead(302, { location: 'http://files.example.com/x.sha256' }).end(),
    );
    expect(await refusal(remote().resolve('v2.0.0'))).toMatch(/^http:\/\/files\.example\.com\/x\.sha256 is not https/);
    server.answers.set(`${file}.sha256`, (response) => response.writeHead(302, { location: `${file}.sha256` }).end());
    expect(await refusal(remote().resolve('v2.0.0'))).toMatch(/redirected more than 5 times/);
  });
});
