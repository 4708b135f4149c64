import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../base/errors.ts';
import { type Signer, type SigningKey, signingKeyIn, sshSignatureOver } from '../trust/index.ts';
import type { Made, Source } from '../upgrade/ledger/types.ts';
import { packArchive } from './archive.ts';
import { provenance } from './provenance.ts';
import type { Building } from './types.ts';

/** What a build is when it is over, and has not been put anywhere. */
export interface Ready {
  version: string;
  number: number;
  source: Source;
  began: number;
  on: string;
}

/** Where finished releases lie. */
export interface BuildShelf {
  /** @throws Refused while nothing could be put there: nobody would believe our signature, or an archive of this version lies there */
  refuse(version: string): Promise<void>;
  /**
   * Packs, signs and puts a binary there, as a whole: what is not whole has no name. Doing it again is harmless.
   * @param fetch writes the binary into the file that it is given, and tells what else is known of it
   * @param may asked right before it gets its name; throws when it shall not
   */
  put(
    ready: Ready,
    fetch: (to: string) => Promise<{ logSha256: string; tools: string[] }>,
    may: () => Promise<void>,
  ): Promise<Made>;
}

export interface ShelfParts {
  fleet: string;
  /** null: releases come from elsewhere, and nothing can be put there. */
  directory: string | null;
  signers: readonly Signer[];
  unsigned: 'refused' | 'allowed';
  /** With which key a finished release is signed. */
  key: SigningKey;
  service: { name: string; archiveMember: string };
  build: Building;
  now: () => number;
}

export function createBuildShelf(parts: ShelfParts): BuildShelf {
  const { fleet, directory, signers, unsigned, key, service, build, now } = parts;
  /** Another fleet may build into the same directory. */
  const scratch = `.build-${fleet}@`;
  const archiveOf = (version: string): string => `${service.name}-${version}.tar.gz`;

  const place = (): string => {
    if (directory !== null) return directory;
    throw new Refused(
      'Nothing can be built while releases come from `releases.url`: a build wants `releases.directory`.',
    );
  };

  const refuseUnbelieved = (): void => {
    const believed = signers.some(({ keys }) => keys.some((line) => signingKeyIn(line) === key.public));
    if (believed || (signers.length === 0 && unsigned === 'allowed')) return;
    throw new Refused(
      `Nobody would take what is built here: write { name: build, key: ${key.public} } under releases.signers, and start bot and workers anew.`,
    );
  };

  const signed = (namespace: string, sha512: Buffer): string => sshSignatureOver(key, namespace, sha512);

  async function put(ready: Ready, fetch: Parameters<BuildShelf['put']>[1], may: () => Promise<void>): Promise<Made> {
    const to = place();
    refuseUnbelieved();
    const { version, source } = ready;
    const archive = archiveOf(version);
    await sweep(to, scratch);
    const folder = await mkdtemp(join(to, `${scratch}${archive}-`));
    try {
      const binary = join(folder, 'binary');
      const known = await fetch(binary);
      const own = await digests(binary);
      const packed = join(folder, archive);
      await packArchive(binary, service.archiveMember, source.time, packed);
      const { sha256, sha512, bytes } = await digests(packed);
      const told = provenance({
        ...{ fleet, build, ...ready, ...known },
        archive: { name: archive, sha256 },
        binary: { name: service.archiveMember, sha256: own.sha256 },
        ended: now(),
      });
      const beside = {
        '.sha256': `${sha256}  ${archive}\n`,
        '.sig': signed('zeitwork-release', sha512),
        '.provenance.json': told,
        '.provenance.json.sig': signed('zeitwork-provenance', createHash('sha512').update(told).digest()),
      };
      for (const [ending, text] of Object.entries(beside)) await write(join(folder, `${archive}${ending}`), text);
      await may();
      if (!(await isSame(join(to, archive), sha256))) {
        // The archive last: without it, what lies beside it is of nothing.
        for (const ending of Object.keys(beside))
          await rename(join(folder, `${archive}${ending}`), join(to, `${archive}${ending}`));
        await link(packed, join(to, archive));
        await sync(to);
      }
      return { archiveSha256: sha256, archiveBytes: bytes, binarySha256: own.sha256, logSha256: known.logSha256 };
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    async refuse(version) {
      const to = place();
      refuseUnbelieved();
      const found = await readdir(to).catch((error: NodeJS.ErrnoException) => {
        throw new Refused(`The releases directory cannot be read (${error.code}); correct releases.directory.`);
      });
      if (found.includes(archiveOf(version)))
        throw new Refused(`${archiveOf(version)} is among the releases already: /zeitwork upgrade ${version}`);
    },
    put,
  };
}

/** @throws Refused for an archive of this name that is another one: nobody's release is replaced */
async function isSame(path: string, sha256: string): Promise<boolean> {
  const there = await digests(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (there === null) return false;
  if (there.sha256 === sha256) return true;
  throw new Refused('Another archive of this version was put among the releases meanwhile; it was left as it is.');
}

/** What somebody who was killed left behind: one build at a time is put there. */
async function sweep(directory: string, scratch: string): Promise<void> {
  const left = (await readdir(directory)).filter((name) => name.startsWith(scratch));
  for (const name of left) await rm(join(directory, name), { recursive: true, force: true });
}

async function digests(path: string): Promise<{ sha256: string; sha512: Buffer; bytes: number }> {
  const [short, long] = [createHash('sha256'), createHash('sha512')];
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) {
    short.update(chunk);
    long.update(chunk);
  }
  return { sha256: short.digest('hex'), sha512: long.digest(), bytes: (await stat(path)).size };
}

async function write(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function sync(directory: string): Promise<void> {
  const folder = await open(directory);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
