import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createBuildShelf } from '../../src/building/index.ts';
import { openReleases } from '../../src/releases/index.ts';
import { openKey, verify } from '../../src/trust/index.ts';
import { buildingWorld, service } from '../support/building.ts';
import { service as profile } from '../support/rollouts.ts';

const dir = mkdtempSync(join(tmpdir(), 'zw-shelf-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const version = 'v2.0.0';
const archive = `zeitwork-operator-${version}.tar.gz`;
const source = { tag: 'a'.repeat(40), commit: 'b'.repeat(40), time: 1_735_700_000, signedBy: 'ana' };
const ready = { version, number: 3, source, began: Date.parse('2026-01-01T00:00:00Z'), on: 'build-1' };
const known = { logSha256: 'c'.repeat(64), tools: ['GNU Make 4.3'] };
const always = async () => undefined;
const fetching =
  (text = '#!/bin/sh\necho v2.0.0\n') =>
  async (to: string) => {
    writeFileSync(to, text);
    return known;
  };

describe('what was built', () => {
  it('is a release that the settings accept, as one that somebody signed by hand', async () => {
    const { shelf, signers, finished } = await buildingWorld(dir);
    const made = await (await finished()).put(ready, fetching(), always);
    const releases = openReleases({ directory: shelf, signers, unsigned: 'refused' }, profile, join(dir, 'cache'));
    expect(await releases.versions()).toEqual([version]);
    const release = await releases.resolve(version);
    expect(release.signed?.by).toBe('build');
    expect(release).toMatchObject({
      archiveSha256: made.archiveSha256,
      archiveBytes: made.archiveBytes,
      binarySha256: made.binarySha256,
    });
    execFileSync('sha256sum', ['-c', `${archive}.sha256`], { cwd: shelf, stdio: 'pipe' });
    expect(execFileSync('tar', ['-tvf', join(shelf, archive)], { encoding: 'utf8' })).toMatch(
      /^-rwxr-xr-x 0\/0 .*zeitwork-operator$/m,
    );
  });

  it('is the same bytes each time, whenever and wherever it is packed', async () => {
    const made = [];
    for (const number of [1, 2]) {
      const { finished, shelf } = await buildingWorld(dir);
      await (await finished()).put({ ...ready, number, began: number }, fetching(), always);
      made.push(readFileSync(join(shelf, archive)));
    }
    expect(made[0]?.equals(made[1] ?? Buffer.alloc(0))).toBe(true);
  });

  it('tells from what it was made, signed', async () => {
    const { shelf, signers, finished } = await buildingWorld(dir);
    const made = await (await finished()).put(ready, fetching(), always);
    const text = readFileSync(join(shelf, `${archive}.provenance.json`), 'utf8');
    const told = JSON.parse(text);
    expect(told.subject[0]).toEqual({ name: archive, digest: { sha256: made.archiveSha256 } });
    expect(told.predicate.buildDefinition.resolvedDependencies[0].digest.gitCommit).toBe(source.commit);
    expect(told.predicate.buildDefinition.internalParameters).toMatchObject({ signedBy: 'ana', tools: known.tools });
    expect(told.predicate.runDetails.byproducts[0].digest.sha256).toBe(known.logSha256);
    const signature = readFileSync(join(shelf, `${archive}.provenance.json.sig`), 'utf8');
    const claim = { signature, signers, namespace: 'zeitwork-provenance' };
    expect(await verify({ ...claim, data: Buffer.from(text) })).toMatchObject({ is: 'signed', by: 'build' });
    expect(await verify({ ...claim, data: Buffer.from(`${text} `) })).toMatchObject({ is: 'refused' });
  });

  it('replaces nobody’s release, and is left alone where it lies already', async () => {
    const { shelf, finished } = await buildingWorld(dir);
    const on = await finished();
    writeFileSync(join(shelf, archive), 'somebody else’s');
    await expect(on.refuse(version)).rejects.toThrow('is among the releases already');
    await expect(on.put(ready, fetching(), always)).rejects.toThrow('Another archive of this version');
    expect(readFileSync(join(shelf, archive), 'utf8')).toBe('somebody else’s');
    expect(readdirSync(shelf)).toEqual([archive]);
    rmSync(join(shelf, archive));
    const made = await on.put(ready, fetching(), always);
    expect(await on.put({ ...ready, number: 4 }, fetching(), always)).toEqual(made);
  });

  it('has no name while it is not whole, and none when it shall not have one', async () => {
    const { shelf, fleet, finished } = await buildingWorld(dir);
    const on = await finished();
    const seen: string[] = [];
    const refused = on.put(ready, fetching(), async () => {
      seen.push(...readdirSync(shelf));
      throw new Error('somebody stopped it');
    });
    await expect(refused).rejects.toThrow('somebody stopped it');
    expect(seen).toEqual([expect.stringMatching(new RegExp(`^\\.build-${fleet}@`))]);
    expect(readdirSync(shelf)).toEqual([]);
    // As a worker leaves it that is killed.
    execFileSync('mkdir', [join(shelf, `.build-${fleet}@x`), join(shelf, `.build-${fleet}-other@x`)]);
    writeFileSync(join(shelf, `${archive}.sig`), 'half');
    await on.put(ready, fetching(), always);
    expect(existsSync(join(shelf, `.build-${fleet}@x`))).toBe(false);
    expect(existsSync(join(shelf, `.build-${fleet}-other@x`))).toBe(true);
    expect(readFileSync(join(shelf, `${archive}.sig`), 'utf8')).toMatch(/^-----BEGIN SSH SIGNATURE/);
  });

  it('is not even begun where nobody would believe who signs it', async () => {
    const { shelf, fleet, building, folder } = await buildingWorld(dir);
    const key = await openKey(join(folder, 'another.key'));
    const parts = { fleet, directory: shelf, key, service, build: building, now: () => 0 };
    const stranger = createBuildShelf({
      ...parts,
      signers: [{ name: 'ana', keys: ['ssh-ed25519 AAAA'] }],
      unsigned: 'allowed',
    });
    await expect(stranger.refuse(version)).rejects.toThrow(`write { name: build, key: ${key.public} }`);
    await createBuildShelf({ ...parts, signers: [], unsigned: 'allowed' }).refuse(version);
    const elsewhere = createBuildShelf({ ...parts, directory: null, signers: [], unsigned: 'allowed' });
    await expect(elsewhere.refuse(version)).rejects.toThrow('a build wants `releases.directory`');
  });
});
