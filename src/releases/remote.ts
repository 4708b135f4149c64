import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Refused } from '../base/errors.ts';
import { maxSignatureBytes } from '../trust/index.ts';
import type { Release } from '../upgrade/rollout/types.ts';
import { mismatch, publishedHash } from './checksum.ts';
import { existsAt, fetchFile, fetchText, shown, type Way } from './download.ts';
import { exists, makeScratch, renameUnlessThere } from './files.ts';
import { archiveName } from './names.ts';
import type { ArchiveSource } from './source.ts';

type HashFile = (path: string) => Promise<string>;

const smallTimeoutMs = 30_000;

/** Archives behind a URL pattern with `{version}`; copies are kept in `cacheDir/<sha256>/` and used without the server. */
export function remoteSource(
  pattern: string,
  service: string,
  cacheDir: string,
  way: Way,
  hashFile: HashFile,
): ArchiveSource {
  const checksumWay: Way = { ...way, maxBytes: 64 * 1024, timeoutMs: smallTimeoutMs };
  const signatureWay: Way = { ...way, maxBytes: maxSignatureBytes, timeoutMs: smallTimeoutMs };
  const urlOf = (version: string) => new URL(pattern.replaceAll('{version}', version));
  // Without the version: a release candidate and the release may be the same bytes.
  const fileName = `${service}.tar.gz`;
  const copyOf = (hash: string) => join(cacheDir, hash, fileName);

  async function publishedFor(version: string): Promise<string> {
    const url = urlOf(version);
    const text = await fetchText(beside(url, '.sha256'), checksumWay);
    if (text === null) {
      const there = await existsAt(url, checksumWay);
      const missing = there
        ? `has no ${shown(beside(url, '.sha256'))} beside it; publish one made with sha256sum`
        : 'does not exist; check the version';
      throw new Refused(`${shown(url)} ${missing}`);
    }
    const published = publishedHash(text, fileOf(url)) ?? publishedHash(text, archiveName(service, version));
    if (published !== null) return published;
    throw new Refused(
      `${shown(beside(url, '.sha256'))} holds no SHA-256 of ${fileOf(url)}; publish one made with sha256sum`,
    );
  }

  async function download(version: string, published: string): Promise<string> {
    await mkdir(cacheDir, { recursive: true });
    const scratch = await makeScratch(cacheDir);
    try {
      const fetched = join(scratch, fileName);
      await fetchFile(urlOf(version), fetched, way);
      const hash = await hashFile(fetched);
      if (hash !== published) throw mismatch(shown(urlOf(version)), hash, published);
      await renameUnlessThere(scratch, join(cacheDir, published));
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
    return copyOf(published);
  }

  /** A copy that was damaged since is removed, so that it is fetched again. */
  async function soundCopy(hash: string): Promise<string | null> {
    const copy = copyOf(hash);
    if (!(await exists(copy))) return null;
    if ((await hashFile(copy)) === hash) return copy;
    await rm(join(cacheDir, hash), { recursive: true, force: true });
    return null;
  }

  async function find(version: string) {
    const published = await publishedFor(version);
    const path = (await soundCopy(published)) ?? (await download(version, published));
    return { path, published };
  }

  const signature = (version: string) => fetchText(beside(urlOf(version), '.sig'), signatureWay);

  async function locate(release: Release): Promise<string> {
    const copy = await soundCopy(release.archiveSha256);
    return copy ?? (await find(release.version)).path;
  }

  return { versions: async () => [], find, signature, locate };
}

function beside(url: URL, ending: string): URL {
  const other = new URL(url);
  other.pathname += ending;
  return other;
}

function fileOf(url: URL): string {
  return decodeURIComponent(url.pathname.split('/').at(-1) ?? '');
}
