import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { basename } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Refused } from '../base/errors.ts';
import { short } from '../base/hash.ts';

/**
 * The hash that a `.sha256` file gives for `archive`: a line of sha256sum(1) with its name, or the bare hash alone.
 * Null when there is none for it.
 */
export function publishedHash(text: string, archive: string): string | null {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const [only] = lines;
  if (only !== undefined && lines.length === 1 && /^[0-9a-f]{64}$/i.test(only.trim())) return only.trim().toLowerCase();
  for (const line of lines) {
    const [, hash, file] = /^([0-9a-f]{64}) [ *](.+)$/i.exec(line) ?? [];
    if (hash !== undefined && file !== undefined && basename(file) === archive) return hash.toLowerCase();
  }
  return null;
}

/** SHA-256 of a file, lower-case hex. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
}

export function mismatch(archive: string, hash: string, published: string): Refused {
  return new Refused(
    `${archive} does not match its .sha256: it is ${short(hash)}, published was ${short(published)}; publish both again`,
  );
}
