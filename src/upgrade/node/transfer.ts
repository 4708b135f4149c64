import { readFile } from 'node:fs/promises';
import { posix } from 'node:path';
import { createLimiter } from './limiter.ts';
import type { Lease } from './pool.ts';
import { reasonOf, Unreachable } from './reasons.ts';
import type { Sftp } from './sftp.ts';
import { sftpOf } from './sftp.ts';
import type { Transfer } from './types.ts';

const chunkBytes = 128 * 1024;
const chunksInFlight = 4;

export interface Sender {
  send(lease: () => Promise<Lease>, localPath: string, remotePath: string, signal?: AbortSignal): Promise<Transfer>;
}

async function makeParents(sftp: Sftp, path: string): Promise<void> {
  const parent = posix.dirname(path);
  if (parent === '.' || parent === '/') return;
  await sftp.mkdir(parent, 0o700).catch(async () => {
    await makeParents(sftp, parent);
    await sftp.mkdir(parent, 0o700).catch(() => {});
  });
}

async function writeAll(sftp: Sftp, handle: Buffer, data: Buffer): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < data.length) {
      const offset = next;
      next += chunkBytes;
      await sftp.write(handle, data, offset, Math.min(chunkBytes, data.length - offset));
    }
  };
  await Promise.all(Array.from({ length: chunksInFlight }, lane));
}

async function store(sftp: Sftp, data: Buffer, path: string): Promise<Transfer> {
  const handle = await sftp.open(path, 0o600).catch(async () => {
    await makeParents(sftp, path);
    return sftp.open(path, 0o600);
  });
  await sftp.chmod(handle, 0o600);
  await writeAll(sftp, handle, data);
  await sftp.sync(handle).catch(() => {});
  const size = await sftp.size(handle);
  await sftp.close(handle);
  if (size !== data.length) return { is: 'failed', reason: `${path} has ${size} of ${data.length} bytes` };
  return { is: 'sent', bytes: size };
}

/** Sends files, at most eight at once. */
export function createSender(): Sender {
  const limiter = createLimiter(8);
  const transfer = (lease: Lease, data: Buffer, path: string, signal?: AbortSignal) =>
    new Promise<Transfer>((resolve) => {
      const fail = (reason: string) => resolve({ is: 'failed', reason });
      lease.connection.onEnd(() => fail(lease.connection.reason()));
      signal?.addEventListener('abort', () => fail('cancelled'), { once: true });
      lease.connection.client.sftp((error, wrapper) => {
        if (error) return fail(`no SFTP: ${reasonOf(error)}`);
        store(sftpOf(wrapper), data, path)
          .then(resolve, (problem: unknown) => fail(reasonOf(problem)))
          .finally(() => wrapper.end());
      });
    });

  return {
    async send(lease, localPath, remotePath, signal) {
      const leave = await limiter.acquire(signal);
      try {
        const data = await readFile(localPath);
        const held = await lease();
        try {
          return await transfer(held, data, remotePath, signal);
        } finally {
          held.release();
        }
      } catch (error) {
        if (error instanceof Unreachable) throw error;
        return { is: 'failed', reason: reasonOf(error) };
      } finally {
        leave();
      }
    },
  };
}
