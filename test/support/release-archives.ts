import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { type Header, pack } from 'tar-stream';

/** One tar entry; without content it is whatever `type` says. */
export interface ReleaseEntry {
  name: string;
  type?: Header['type'];
  linkname?: string;
  content?: string;
}

export const goodEntries: ReleaseEntry[] = [
  { name: 'build/', type: 'directory' },
  { name: 'build/zeitwork-operator', content: '#!/bin/true\n' },
];

/** A real `.tar.gz` with these entries. */
export async function tarGz(entries: ReleaseEntry[]): Promise<Buffer> {
  const archive = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) archive.entry(header);
    else archive.entry({ mode: 0o755, ...header }, content);
  }
  archive.finalize();
  return promisify(gzip)(await buffer(archive));
}

export function sha256(content: Buffer | string): string {
  return createHash('sha256').update(content).digest('hex');
}

/** Writes an archive and, unless it is null, its `.sha256` (by default the right one). Gives the archive's hash. */
export async function putRelease(
  directory: string,
  version: string,
  content: Buffer,
  checksum: string | null = `${sha256(content)}  zeitwork-operator-${version}.tar.gz\n`,
): Promise<string> {
  const path = join(directory, `zeitwork-operator-${version}.tar.gz`);
  await writeFile(path, content);
  if (checksum !== null) await writeFile(`${path}.sha256`, checksum);
  return sha256(content);
}
