import { constants } from 'node:fs';
import { access, mkdtemp, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hour } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';

const scratchPrefix = 'fetch-';
const abandonedAfterMs = 24 * hour;

export function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** A text of `maxBytes` at most; null when there is no such file. @throws Refused */
export async function readSmall(path: string, maxBytes: number): Promise<string | null> {
  // Whoever opens a pipe waits for the other end.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new Refused(`${basename(path)} cannot be read (${error.code}); make it readable`);
  });
  if (file === null) return null;
  try {
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(maxBytes + 1) });
    if (bytesRead > maxBytes)
      throw new Refused(`${basename(path)} is larger than ${maxBytes} bytes: it is something else`);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/** A new folder of our own in `directory`, which must be on the same file system as the place that it is renamed to. */
export async function makeScratch(directory: string): Promise<string> {
  await removeAbandoned(directory);
  return mkdtemp(join(directory, scratchPrefix));
}

/** The folder appears whole or not at all; one that another process put there first is left alone. */
export async function renameUnlessThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const first = error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST'].includes(String(error.code));
    if (!first) throw error;
  }
}

/** What a process that was killed while it fetched has left behind. */
async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    if (!name.startsWith(scratchPrefix)) continue;
    const path = join(cacheDir, name);
    const changed = await stat(path).catch(() => null);
    if (changed !== null && changed.mtimeMs < Date.now() - abandonedAfterMs)
      await rm(path, { recursive: true, force: true });
  }
}
