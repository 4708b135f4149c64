import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../base/errors.ts';
import { maxSignatureBytes } from '../trust/index.ts';
import { publishedHash } from './checksum.ts';
import { exists, readSmall } from './files.ts';
import { archiveName, versionsAmong } from './names.ts';
import type { ArchiveSource } from './source.ts';

/** Archives with a `.sha256` and a `.sig` beside each, in one directory. */
export function directorySource(directory: string, service: string): ArchiveSource {
  async function versions(): Promise<string[]> {
    try {
      return versionsAmong(await readdir(directory), service);
    } catch (error) {
      throw new Refused(
        `the releases directory cannot be read (${codeOf(error)}); correct releases.directory in the settings`,
      );
    }
  }

  async function find(version: string) {
    const archive = archiveName(service, version);
    const path = join(directory, archive);
    if (!(await exists(path))) throw new Refused(noArchive(archive, await versions()));
    const text = await readFile(`${path}.sha256`, 'utf8').catch((error: unknown) => {
      throw new Refused(
        `${archive} has no readable ${archive}.sha256 beside it (${codeOf(error)}); make it with sha256sum`,
      );
    });
    const published = publishedHash(text, archive);
    if (published === null)
      throw new Refused(`${archive}.sha256 holds no SHA-256 of ${archive}; make it with sha256sum`);
    return { path, published };
  }

  const signature = (version: string) =>
    readSmall(join(directory, `${archiveName(service, version)}.sig`), maxSignatureBytes);

  return {
    versions,
    find,
    signature,
    locate: async (release) => join(directory, archiveName(service, release.version)),
  };
}

/** Read in a chat: where archives lie on the server is nobody's business there. */
function noArchive(archive: string, versions: string[]): string {
  const there = versions.length === 0 ? 'no archive is there' : `there are ${versions.slice(-12).join(', ')}`;
  return `there is no ${archive} among the releases; ${there}`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
