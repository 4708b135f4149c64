import { posix } from 'node:path';
import { reasonOf } from './reasons.ts';
import type { Sftp } from './sftp.ts';
import { sftpCode, sftpStatus } from './sftp.ts';

const chunkBytes = 128 * 1024;
/** About 512 KB in flight fills a short way, about 1 MB a long one; beyond that it gets slower again. */
const lanes = { near: 4, far: 8 };
const farMs = 30;

/** The file could not be stored; `message` says why, in words. */
export class UploadFailed extends Error {
  override readonly name = 'UploadFailed';
}

export interface UploadWatch {
  /** Called after every acknowledged chunk. */
  progress(): void;
  /** Asked before every chunk; true ends the upload. */
  stopped(): boolean;
}

async function makeParents(sftp: Sftp, path: string): Promise<void> {
  const parent = posix.dirname(path);
  if (parent === '.' || parent === '/') return;
  try {
    await sftp.mkdir(parent, 0o700);
  } catch (error) {
    if (sftpCode(error) !== sftpStatus.noSuchFile) return;
    await makeParents(sftp, parent);
    await sftp.mkdir(parent, 0o700);
  }
}

async function openFile(sftp: Sftp, path: string): Promise<Buffer> {
  try {
    return await sftp.open(path, 0o600);
  } catch (error) {
    if (sftpCode(error) !== sftpStatus.noSuchFile) throw error;
    await makeParents(sftp, path);
    return await sftp.open(path, 0o600);
  }
}

async function writeAll(sftp: Sftp, handle: Buffer, data: Buffer, count: number, watch: UploadWatch): Promise<void> {
  let next = 0;
  let failed = false;
  const lane = async () => {
    while (next < data.length && !failed) {
      if (watch.stopped()) throw new UploadFailed('cancelled');
      const position = next;
      next += chunkBytes;
      await sftp.write(handle, data, position, Math.min(chunkBytes, data.length - position));
      watch.progress();
    }
  };
  const guarded = async () => {
    try {
      await lane();
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  const results = await Promise.allSettled(Array.from({ length: count }, guarded));
  const broken = results.find((result) => result.status === 'rejected');
  if (broken) throw broken.reason;
}

/** OpenSSH answers a full disk, a read-only file system and most else with the same "Failure": look at the disk. */
async function explain(sftp: Sftp, error: unknown, path: string, missing: number): Promise<string> {
  if (error instanceof UploadFailed) return error.message;
  const code = sftpCode(error);
  if (code === sftpStatus.permissionDenied) return `permission denied for ${path}`;
  if (code === sftpStatus.noSuchFile) return `${path} cannot be created: no such directory`;
  if (code !== sftpStatus.failure) return reasonOf(error);
  const place = posix.dirname(path);
  const space = await sftp.space(place);
  if (space?.readOnly) return `the file system of ${place} is read-only`;
  if (space?.inodes === 0) return `no inodes left on the file system of ${place}`;
  const free = space?.bytes;
  if (free !== undefined && free !== null && free < missing) {
    return `no space left on the file system of ${place}: ${free} bytes free, ${missing} needed`;
  }
  return `the node could not write ${path} and gave no cause`;
}

async function fill(sftp: Sftp, handle: Buffer, data: Buffer, path: string, watch: UploadWatch): Promise<void> {
  const asked = performance.now();
  await sftp.chmod(handle, 0o600);
  const far = performance.now() - asked > farMs;
  await writeAll(sftp, handle, data, far ? lanes.far : lanes.near, watch);
  await sftp.sync(handle);
  const size = await sftp.size(handle);
  if (size !== data.length) throw new UploadFailed(`${path} has ${size} of ${data.length} bytes on the node`);
}

/** Writes the data to a path of mode 0600 and syncs it; throws UploadFailed and then leaves no partial file. */
export async function upload(sftp: Sftp, data: Buffer, path: string, watch: UploadWatch): Promise<void> {
  if (watch.stopped()) throw new UploadFailed('cancelled');
  let handle: Buffer | null = null;
  try {
    handle = await openFile(sftp, path);
    await fill(sftp, handle, data, path, watch);
    await sftp.close(handle);
  } catch (error) {
    const reason = await explain(sftp, error, path, data.length);
    if (handle) await sftp.unlink(path).catch(() => {});
    throw new UploadFailed(reason);
  }
}
