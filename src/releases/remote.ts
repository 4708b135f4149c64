import { access, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused, type Release } from '../upgrade/rollout/types.ts';
import { publishedHash, short } from './checksum.ts';
import { existsAt, fetchFile, fetchText, type Limits, shown } from './download.ts';
import { archiveName } from './names.ts';
import type { Shelf } from './shelf.ts';

type HashFile = (path: string) => Promise<string>;

const checksumLimits: Limits = { maxBytes: 64 * 1024, timeoutMs: 30_000 };

/** Archives behind a URL pattern with `{version}`; copies are kept in `cacheDir/<sha256>/` and used without the server. */
export function remoteShelf(
  pattern: string,
  service: string,
  cacheDir: string,
  limits: Limits,
  hashFile: HashFile,
): Shelf {
  const urlOf = (version: string) => new URL(pattern.replaceAll('{version}', version));
  const copyOf = (hash: string, version: string) => join(cacheDir, hash, archiveName(service, version));

  async function publishedFor(version: string): Promise<string> {
    const url = urlOf(version);
    const text = await fetchText(beside(url), checksumLimits);
    if (text === null) {
      const there = await existsAt(url, checksumLimits);
      const missing = there
        ? `has no ${shown(beside(url))} beside it; publish one made with sha256sum`
        : 'does not exist; check the version';
      throw new Refused(`${shown(url)} ${missing}`);
    }
    const published = publishedHash(text, fileOf(url)) ?? publishedHash(text, archiveName(service, version));
    if (published !== null) return published;
    throw new Refused(`${shown(beside(url))} holds no SHA-256 of ${fileOf(url)}; publish one made with sha256sum`);
  }

  async function download(version: string, published: string): Promise<string> {
    await mkdir(cacheDir, { recursive: true });
    const scratch = await mkdtemp(join(cacheDir, 'fetch-'));
    try {
      const fetched = join(scratch, archiveName(service, version));
      await fetchFile(urlOf(version), fetched, limits);
      const hash = await hashFile(fetched);
      if (hash !== published) throw mismatch(shown(urlOf(version)), hash, published);
      await renameUnlessThere(scratch, join(cacheDir, published));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return copyOf(published, version);
  }

  /** A copy that was damaged since is removed, so that it is fetched again. */
  async function soundCopy(hash: string, version: string): Promise<string | null> {
    const copy = copyOf(hash, version);
    if (!(await exists(copy))) return null;
    if ((await hashFile(copy)) === hash) return copy;
    await rm(join(cacheDir, hash), { recursive: true, force: true });
    return null;
  }

  async function find(version: string) {
    const published = await publishedFor(version);
    const path = (await soundCopy(published, version)) ?? (await download(version, published));
    return { path, published };
  }

  async function locate(release: Release): Promise<string> {
    const copy = await soundCopy(release.archiveSha256, release.version);
    return copy ?? (await find(release.version)).path;
  }

  return { versions: async () => [], find, locate };
}

export function mismatch(archive: string, hash: string, published: string): Refused {
  return new Refused(
    `${archive} does not match its .sha256: it is ${short(hash)}, published was ${short(published)}; publish both again`,
  );
}

/** The copy appears whole or not at all; one that another process put there first is left alone. */
async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const first = error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(String(error.code));
    if (!first) throw error;
  }
}

function beside(url: URL): URL {
  const checksum = new URL(url);
  checksum.pathname += '.sha256';
  return checksum;
}

function fileOf(url: URL): string {
  return decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
