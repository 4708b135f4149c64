import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Settings } from '../../src/config/index.ts';
import { examineReleases } from '../../src/doctor/releases.ts';
import { fleetOf } from '../support/rollouts.ts';
import { signFile, testKey } from '../support/signing.ts';
import { scratch } from './support.ts';

const made: string[] = [];
afterEach(() => Promise.all(made.splice(0).map((each) => rm(each, { recursive: true, force: true }))));

function directory(): string {
  const path = scratch();
  made.push(path);
  return path;
}
const archive = (version: string) => `zeitwork-operator-${version}.tar.gz`;

/** A real archive whose binary is `bytes` long, with its checksum. */
function build(where: string, version: string, bytes: number): void {
  const work = directory();
  mkdirSync(join(work, 'build'));
  writeFileSync(join(work, 'build/zeitwork-operator'), version.padEnd(bytes, '.'), { mode: 0o755 });
  execFileSync('tar', ['-czf', join(where, archive(version)), '-C', work, 'build/zeitwork-operator']);
  const hash = createHash('sha256')
    .update(readFileSync(join(where, archive(version))))
    .digest('hex');
  writeFileSync(join(where, `${archive(version)}.sha256`), `${hash}  ${archive(version)}\n`);
}
const look = (
  where: { directory: string } | { url: string },
  trust: Pick<Settings['releases'], 'signers' | 'unsigned'> = { signers: [], unsigned: 'allowed' },
) => examineReleases({ releases: { ...where, ...trust }, fleet: fleetOf(), stateDir: directory() });
const allowed = { is: 'note', text: expect.stringMatching(/^signed by nobody; what is NOT SIGNED IS ALLOWED/) };

describe('the look at the releases', () => {
  it('reads archives through, newest first, and knows which one needs most room', async () => {
    const where = directory();
    build(where, 'v1.9.0', 9_000);
    build(where, 'v1.10.0', 5_000);
    writeFileSync(join(where, 'notes.txt'), '');
    const { findings, largest } = await look({ directory: where });
    expect(findings).toMatchObject([{ is: 'note', text: 'v1.10.0, v1.9.0: read and sound, NOT SIGNED' }, allowed]);
    expect(largest).toMatchObject({ version: 'v1.9.0', binaryBytes: 9_000 });
  });

  it('names the archive that has no checksum, and the one that does not match its own', async () => {
    const where = directory();
    for (const version of ['v2.0.0', 'v2.1.0', 'v2.2.0']) build(where, version, 1_000);
    await rm(join(where, `${archive('v2.1.0')}.sha256`));
    writeFileSync(join(where, `${archive('v2.2.0')}.sha256`), `${'0'.repeat(64)}  ${archive('v2.2.0')}\n`);
    const { findings } = await look({ directory: where });
    expect(findings).toMatchObject([
      { is: 'note', text: 'v2.0.0: read and sound, NOT SIGNED' },
      { is: 'wrong', text: expect.stringContaining(archive('v2.2.0')) },
      { is: 'wrong', text: expect.stringMatching(/v2\.1\.0\.tar\.gz\.sha256.*sha256sum/) },
      allowed,
    ]);
  });

  it('tells an empty directory from one that cannot be read, and notes what it cannot list', async () => {
    const empty = await look({ directory: directory() });
    expect(empty.findings).toMatchObject([
      { is: 'wrong', text: expect.stringMatching(/^no zeitwork-operator-<version>/) },
    ]);
    const lost = await look({ directory: '/nowhere/releases' });
    expect(lost).toMatchObject({
      findings: [{ is: 'wrong', text: expect.stringMatching(/ENOENT.*\(\/nowhere\/releases\)$/) }],
      largest: null,
    });
    const far = await look({ url: 'https://files.example.com/{version}/x.tar.gz' });
    expect(far.findings).toMatchObject([
      { is: 'note', text: expect.stringMatching(/^from files\.example\.com/) },
      allowed,
    ]);
  });

  it('says by whom each archive is signed, and names those that nobody or the wrong one signed', async () => {
    const where = directory();
    const [ana, stranger] = [testKey(), testKey()];
    for (const version of ['v2.0.0', 'v2.1.0', 'v2.2.0']) build(where, version, 1_000);
    signFile(join(where, archive('v2.0.0')), ana);
    signFile(join(where, archive('v2.1.0')), stranger);
    const signers = [{ name: 'ana', keys: [ana.public] }];
    const { findings } = await look({ directory: where }, { signers, unsigned: 'refused' });
    expect(findings).toMatchObject([
      { is: 'right', text: 'v2.0.0 (signed by ana): read and sound' },
      { is: 'wrong', text: expect.stringMatching(/v2\.2\.0\.tar\.gz is not signed: put .*ssh-keygen -Y sign/) },
      { is: 'wrong', text: expect.stringMatching(/signature of .*v2\.1\.0\.tar\.gz cannot be accepted: .*SHA256/) },
      { is: 'right', text: 'what is not signed by ana is refused' },
    ]);
  });

  it('says once that no release is accepted while the settings name no signers', async () => {
    const where = directory();
    build(where, 'v2.0.0', 1_000);
    const { findings } = await look({ directory: where }, { signers: [], unsigned: 'refused' });
    expect(findings).toMatchObject([
      { is: 'wrong', text: expect.stringMatching(/releases\.signers .*releases\.unsigned: allowed/) },
    ]);
  });
});
