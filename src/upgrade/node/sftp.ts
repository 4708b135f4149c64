import type { SFTPWrapper } from 'ssh2';

type Callback<T> = (error: Error | null | undefined, value: T) => void;

/** The few SFTP requests that a transfer needs, as promises. A request that the server does not offer rejects. */
export interface Sftp {
  open(path: string, mode: number): Promise<Buffer>;
  write(handle: Buffer, data: Buffer, offset: number, length: number): Promise<void>;
  chmod(handle: Buffer, mode: number): Promise<void>;
  sync(handle: Buffer): Promise<void>;
  size(handle: Buffer): Promise<number>;
  close(handle: Buffer): Promise<void>;
  mkdir(path: string, mode: number): Promise<void>;
  unlink(path: string): Promise<void>;
  /** What `statvfs` says about the file system of a path, unparsed. */
  space(path: string): Promise<unknown>;
}

function promised<T>(start: (callback: Callback<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, value) => (error ? reject(error) : resolve(value)));
  });
}

export function sftpOf(wrapper: SFTPWrapper): Sftp {
  return {
    open: (path, mode) => promised((done) => wrapper.open(path, 'w', { mode }, done)),
    write: (handle, data, offset, length) =>
      promised((done) => wrapper.write(handle, data, offset, length, offset, (error) => done(error, undefined))),
    chmod: (handle, mode) => promised((done) => wrapper.fchmod(handle, mode, (error) => done(error, undefined))),
    sync: (handle) => promised((done) => wrapper.ext_openssh_fsync(handle, (error) => done(error, undefined))),
    size: async (handle) => (await promised<{ size: number }>((done) => wrapper.fstat(handle, done))).size,
    close: (handle) => promised((done) => wrapper.close(handle, (error) => done(error, undefined))),
    mkdir: (path, mode) => promised((done) => wrapper.mkdir(path, { mode }, (error) => done(error, undefined))),
    unlink: (path) => promised((done) => wrapper.unlink(path, (error) => done(error, undefined))),
    space: (path) => promised((done) => wrapper.ext_openssh_statvfs(path, done)),
  };
}
