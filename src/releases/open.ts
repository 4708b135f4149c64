import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { minute } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { short } from '../base/hash.ts';
import { codeOf } from '../base/reasons.ts';
import type { Fleet, Release, Service } from '../upgrade/rollout/types.ts';
import { hashFile, mismatch } from './checksum.ts';
import { inspect } from './contents.ts';
import { directorySource } from './directory.ts';
import type { Limits } from './download.ts';
import { archiveName, checkVersion } from './names.ts';
import { remoteSource } from './remote.ts';
import { check, refuseWithoutSigners, type Trust, withdrawn } from './signed.ts';

export interface Releases {
  /** Finds the archive of a version, checks who signed it and its hash, and looks into it. @throws Refused with what to do. */
  resolve(version: string): Promise<Release>;
  /**
   * Local path of the archive. The plan's hash and signature are those of the same bytes; whose signatures count, these settings say.
   * @throws Refused when it changed since, is gone, or is not signed as it must be.
   */
  archivePath(release: Release): Promise<string>;
  /** Why these settings do not accept a release any more that was staged already, by who signed it; null while they do. */
  withdrawn(release: Release): string | null;
  /** Oldest first; empty when releases come from a URL, which cannot list them. @throws Refused */
  versions(): Promise<string[]>;
}

const defaultLimits: Limits = { maxBytes: 2 ** 30, timeoutMs: 15 * minute };

/** Opens the place where archives lie. Copies of fetched ones are kept in `cacheDir`. */
export function openReleases(
  where: ({ directory: string } | { url: string }) & Trust,
  service: Service,
  cacheDir: string,
  limits: Limits = defaultLimits,
): Releases {
  const plain = where.unsigned === 'allowed';
  const hash = remembering(hashFile);
  const checked = remembering((path: string, archive: string, signature: string | null) =>
    check(path, archive, signature, where),
  );
  /** Nothing is believed of what an archive holds before it is known whose it is. */
  const read = remembering(async (path: string, archive: string, signature: string | null, published: string) => {
    const found = await check(path, archive, signature, where);
    if (found.sha256 !== published) throw mismatch(archive, found.sha256, published);
    return { ...found, member: await inspect(path, archive, service.archiveMember) };
  });
  const source =
    'url' in where
      ? remoteSource(where.url, service.name, cacheDir, { ...limits, plain }, async (path) => (await hash(path)).value)
      : directorySource(where.directory, service.name);

  async function resolve(version: string): Promise<Release> {
    const archive = archiveName(service.name, checkVersion(version));
    refuseWithoutSigners(where);
    const { path, published } = await source.find(version);
    const signature = where.signers.length > 0 ? await source.signature(version) : null;
    const { value, bytes: archiveBytes } = await read(path, archive, signature, published);
    const { sha256: archiveSha256, signed, member } = value;
    return {
      version,
      archive,
      archiveSha256,
      archiveBytes,
      binarySha256: member.sha256,
      binaryBytes: member.bytes,
      signed,
    };
  }

  async function archivePath(release: Release): Promise<string> {
    checkVersion(release.version);
    refuseWithoutSigners(where);
    const reason = release.signed === null ? withdrawn(release, where) : null;
    if (reason !== null) throw new Refused(`${reason}; stop this upgrade and plan it again`);
    const path = await source.locate(release);
    const { value } = await checked(path, release.archive, release.signed?.signature ?? null);
    if (value.sha256 === release.archiveSha256) return path;
    const change = `it was ${short(release.archiveSha256)} and is ${short(value.sha256)}`;
    throw new Refused(`${release.archive} has changed since the plan: ${change}; stop this upgrade and plan it again`);
  }

  return { resolve, archivePath, withdrawn: (release) => withdrawn(release, where), versions: () => source.versions() };
}

/** Of several services, each with archives of its own name; null, or no key: the first. What is planned says by its name whose it is. */
export interface Shelves extends Releases {
  resolve(version: string, service?: string | null): Promise<Release>;
  versions(service?: string | null): Promise<string[]>;
}

export function openShelves(
  where: ({ directory: string } | { url: string }) & Trust,
  { service, services }: Pick<Fleet, 'service' | 'services'>,
  cacheDir: string,
): Shelves {
  const open = (own: Service): Releases =>
    openReleases(
      'url' in where ? { ...where, url: where.url.replaceAll('{service}', own.name) } : where,
      own,
      cacheDir,
    );
  const all = (services ?? [{ key: null, service }]).map((each) => ({ ...each, releases: open(each.service) }));
  const [first] = all as [(typeof all)[number]];
  const whose = ({ archive, version }: Release): Releases =>
    (all.find(({ service: { name } }) => archiveName(name, version) === archive) ?? first).releases;
  const of = (key: string | null): Releases => (all.find((each) => each.key === key) ?? first).releases;
  return {
    resolve: (version, key = null) => of(key).resolve(version),
    versions: (key = null) => of(key).versions(),
    archivePath: (release) => whose(release).archivePath(release),
    withdrawn: (release) => whose(release).withdrawn(release),
  };
}

/**
 * Remembers what was computed from a file until the file changes; callers at the same time share the work.
 * Inode and ctime see a replaced file even when its size and mtime were made to look the same.
 */
function remembering<T, More extends unknown[]>(compute: (path: string, ...more: More) => Promise<T>) {
  const known = new Map<string, { state: string; value: Promise<T> }>();
  return async (path: string, ...more: More): Promise<{ value: T; bytes: number }> => {
    const { state, bytes } = await stateOf(path);
    const key = JSON.stringify([path, ...more]);
    const entry = known.get(key);
    const value = entry?.state === state ? entry.value : compute(path, ...more);
    known.set(key, { state, value });
    try {
      const computed = await value;
      if ((await stateOf(path)).state === state) return { value: computed, bytes };
    } catch (error) {
      known.delete(key);
      throw isUnreadable(error) ? cannotBeRead(path, error) : error;
    }
    known.delete(key);
    throw new Refused(`${basename(path)} was being written while it was read; try again when that is done`);
  };
}

/** The file system did not give it: no file, or not for us. */
const isUnreadable = (error: unknown): boolean =>
  error instanceof Error && 'syscall' in error && (error.syscall === 'open' || error.syscall === 'read');

const cannotBeRead = (path: string, error: unknown): Refused =>
  new Refused(`${basename(path)} cannot be read (${codeOf(error) ?? 'unknown'}); put a readable archive there`);

async function stateOf(path: string): Promise<{ state: string; bytes: number }> {
  const found = await stat(path, { bigint: true }).catch((error: unknown) => {
    throw cannotBeRead(path, error);
  });
  return { state: [found.ino, found.size, found.mtimeNs, found.ctimeNs].join(), bytes: Number(found.size) };
}
