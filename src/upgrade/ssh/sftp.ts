import type { SFTPWrapper } from 'ssh2';

type Callback<T> = (error: Error | null | undefined, value: T) => void;

/** Free room on a file system; counts are null when the server does not say. */
export interface Space {
  bytes: number | null;
  inodes: number | null;
  readOnly: boolean;
}

/** The few SFTP requests that a transfer needs, as promises. Each rejects when the session ends first. */
export interface Sftp {
  open(path: string, mode: number): Promise<Buffer>;
  /** `position` counts in both the data and the file. */
  write(handle: Buffer, data: Buffer, position: number, length: number): Promise<void>;
  chmod(handle: Buffer, mode: number): Promise<void>;
  /** Does nothing when the server has no fsync. */
  sync(handle: Buffer): Promise<void>;
  size(handle: Buffer): Promise<number>;
  close(handle: Buffer): Promise<void>;
  mkdir(path: string, mode: number): Promise<void>;
  unlink(path: string): Promise<void>;
  /** Null when the server does not offer it. */
  space(path: string): Promise<Space | null>;
}

/** Status codes of the protocol (draft-ietf-secsh-filexfer-02, section 7). */
export const sftpStatus = { noSuchFile: 2, permissionDenied: 3, failure: 4 } as const;

export function sftpCode(error: unknown): number | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : null;
}

const count = (value: unknown) => (typeof value === 'number' ? value : null);

function spaceOf(value: unknown): Space | null {
  if (typeof value !== 'object' || value === null) return null;
  const fields: Record<string, unknown> = { ...value };
  const blocks = count(fields.f_bavail);
  const blockSize = count(fields.f_frsize) ?? 0;
  const inodes = count(fields.f_files) === 0 ? null : count(fields.f_favail);
  const bytes = blocks === null ? null : blocks * blockSize;
  return { bytes, inodes, readOnly: ((count(fields.f_flag) ?? 0) & 1) === 1 };
}

export function sftpOf(wrapper: SFTPWrapper): Sftp {
  const unanswered = new Set<(error: Error) => void>();
  wrapper.on('error', () => {});
  wrapper.on('close', () => {
    for (const reject of unanswered) reject(new Error('the SFTP session was closed by the node'));
  });

  const ask = <T>(start: (callback: Callback<T>) => void): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      unanswered.add(reject);
      start((error, value) => {
        unanswered.delete(reject);
        if (error) reject(error);
        else resolve(value);
      });
    });
  const tell = (start: (callback: (error?: Error | null) => void) => void): Promise<void> =>
    ask((callback) => start((error) => callback(error, undefined)));

  return {
    open: (path, mode) => ask((done) => wrapper.open(path, 'w', { mode }, done)),
    write: (handle, data, position, length) =>
      tell((done) => wrapper.write(handle, data, position, length, position, done)),
    chmod: (handle, mode) => tell((done) => wrapper.fchmod(handle, mode, done)),
    sync: (handle) => tell((done) => wrapper.ext_openssh_fsync(handle, done)).catch(unlessOffered),
    size: async (handle) => (await ask<{ size: number }>((done) => wrapper.fstat(handle, done))).size,
    close: (handle) => tell((done) => wrapper.close(handle, done)),
    mkdir: (path, mode) => tell((done) => wrapper.mkdir(path, { mode }, done)),
    unlink: (path) => tell((done) => wrapper.unlink(path, done)),
    space: (path) => ask<unknown>((done) => wrapper.ext_openssh_statvfs(path, done)).then(spaceOf, () => null),
  };
}

function unlessOffered(error: unknown): void {
  if (error instanceof Error && /does not support/.test(error.message)) return;
  throw error;
}
