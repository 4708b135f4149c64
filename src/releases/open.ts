import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { minute } from '../base/duration.ts';
import { Refused, wordsOf } from '../base/errors.ts';
import { short } from '../base/hash.ts';
import type { Release, Service } from '../upgrade/rollout/types.ts';
import { hashFile, mismatch } from './checksum.ts';
import { inspect } from './contents.ts';
import { directorySource } from './directory.ts';
import type { Limits } from './download.ts';
import { archiveName, checkVersion } from './names.ts';
import { remoteSource } from './remote.ts';

export interface Releases {
  /** Finds the archive of a version, checks it and looks into it. @throws Refused with what to do. */
  resolve(version: string): Promise<Release>;
  /**
   * Local path of the archive, its hash verified against the plan.
   * @throws Refused when it changed since, or is gone.
   */
  archivePath(release: Release): Promise<string>;
  /** Oldest first; empty when releases come from a URL, which cannot list them. @throws Refused */
  versions(): Promise<string[]>;
}

const defaultLimits: Limits = { maxBytes: 2 ** 30, timeoutMs: 15 * minute };

/** Opens the place where archives lie. Copies of fetched ones are kept in `cacheDir`. */
export function openReleases(
  where: { directory: string } | { url: string },
  service: Service,
  cacheDir: string,
  limits: Limits = defaultLimits,
): Releases {
  const hashes = remembering(hashFile);
  const members = remembering((path, archive) => inspect(path, archive, service.archiveMember));
  const source =
    'url' in where
      ? remoteSource(where.url, service.name, cacheDir, limits, async (path) => (await hashes(path)).value)
      : directorySource(where.directory, service.name);

  async function resolve(version: string): Promise<Release> {
    const archive = archiveName(service.name, checkVersion(version));
    const { path, published } = await source.find(version);
    const { value: archiveSha256, bytes: archiveBytes } = await hashes(path);
    if (archiveSha256 !== published) throw mismatch(archive, archiveSha256, published);
    const { value: member } = await members(path, archive);
    return { version, archive, archiveSha256, archiveBytes, binarySha256: member.sha256, binaryBytes: member.bytes };
  }

  async function archivePath(release: Release): Promise<string> {
    checkVersion(release.version);
    const path = await source.locate(release);
    const { value: hash } = await hashes(path);
    if (hash === release.archiveSha256) return path;
    const change = `it was ${short(release.archiveSha256)} and is ${short(hash)}`;
    throw new Refused(`${release.archive} has changed since the plan: ${change}; stop this upgrade and plan it again`);
  }

  return { resolve, archivePath, versions: () => source.versions() };
}

/**
 * Remembers what was computed from a file until the file changes; callers at the same time share the work.
 * Inode and ctime see a replaced file even when its size and mtime were made to look the same.
 */
function remembering<T>(compute: (path: string, archive: string) => Promise<T>) {
  const known = new Map<string, { state: string; value: Promise<T> }>();
  return async (path: string, archive = basename(path)): Promise<{ value: T; bytes: number }> => {
    const { state, bytes } = await stateOf(path);
    const entry = known.get(path);
    const value = entry?.state === state ? entry.value : compute(path, archive);
    known.set(path, { state, value });
    try {
      const computed = await value;
      if ((await stateOf(path)).state === state) return { value: computed, bytes };
    } catch (error) {
      known.delete(path);
      throw error;
    }
    known.delete(path);
    throw new Refused(`${path} was being written while it was read; try again when that is done`);
  };
}

async function stateOf(path: string): Promise<{ state: string; bytes: number }> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw new Refused(`${path} cannot be read (${wordsOf(error)}); put the archive back`);
  });
  return { state: [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(), bytes: Number(found.size) };
}
