import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Refused } from '../base/errors.ts';
import { inOtherHands } from '../base/file-mode.ts';

/**
 * What a file holds that its owner alone may read; made anew, from `make`, when there is none.
 * @throws Refused when others may read it
 */
export async function ownFile(file: string, make: () => string): Promise<string> {
  const written = await readFile(file, 'utf8').catch(unlessMissing);
  if (written === null) {
    await create(file, make());
    return ownFile(file, make);
  }
  const { mode } = await stat(file);
  if ((mode & 0o077) !== 0) throw new Refused(`Others may read the key ${file}. Close it: chmod 600 ${file}`);
  return written;
}

/** Makes a folder that nobody else enters, unless it is there. @throws Refused when it is in the hands of others */
export async function ownFolder(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  const { mode, uid } = await stat(path);
  const reason = inOtherHands({ path, mode, uid }, process.getuid?.() ?? uid);
  if (reason !== null) throw new Refused(reason);
}

/** Two processes that begin together end up with the same key: the name is given once, and never to half a file. */
async function create(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const half = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(half, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
    await link(half, file).catch(unlessThere);
  } finally {
    await handle.close();
    await rm(half, { force: true });
  }
}

function unlessMissing(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error;
}
