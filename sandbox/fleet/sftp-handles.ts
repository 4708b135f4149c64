import { type FileHandle, open } from 'node:fs/promises';
import type { SFTPWrapper } from 'ssh2';
import ssh2 from 'ssh2';

const { STATUS_CODE } = ssh2.utils.sftp;

/** The end of a file or listing, which SFTP reports as a status. */
export class EndOfFile extends Error {}

/** A directory is listed in one answer; the second READDIR finds its end. */
export type Folder = { is: 'folder'; path: string; listed: boolean };
type Handle = { is: 'file'; file: FileHandle } | Folder;

/** What one SFTP session has open. */
export class Handles {
  readonly #open = new Map<number, Handle>();
  #last = 0;

  async openFile(path: string, flags: number, mode: number): Promise<Buffer> {
    return this.#keep({ is: 'file', file: await open(path, flags, mode) });
  }

  openFolder(path: string): Buffer {
    return this.#keep({ is: 'folder', path, listed: false });
  }

  file(name: Buffer): FileHandle {
    const handle = this.#find(name);
    if (handle.is !== 'file') throw new Error('the handle is of a directory');
    return handle.file;
  }

  folder(name: Buffer): Folder {
    const handle = this.#find(name);
    if (handle.is !== 'folder') throw new Error('the handle is of a file');
    return handle;
  }

  async close(name: Buffer): Promise<void> {
    const handle = this.#find(name);
    this.#open.delete(name.readUInt32BE());
    if (handle.is === 'file') await handle.file.close();
  }

  closeAll(): void {
    for (const handle of this.#open.values()) if (handle.is === 'file') handle.file.close().catch(() => {});
    this.#open.clear();
  }

  #keep(handle: Handle): Buffer {
    const name = Buffer.alloc(4);
    name.writeUInt32BE(++this.#last);
    this.#open.set(this.#last, handle);
    return name;
  }

  #find(name: Buffer): Handle {
    const handle = name.length === 4 ? this.#open.get(name.readUInt32BE()) : undefined;
    if (!handle) throw new Error('no such handle');
    return handle;
  }
}

/** Does the work of a request that is answered by a status alone. */
export function settle(sftp: SFTPWrapper, id: number, work: () => Promise<unknown>): void {
  respond(sftp, id, work, () => sftp.status(id, STATUS_CODE.OK));
}

/** Does the work of a request and sends what came of it. */
export function respond<T>(sftp: SFTPWrapper, id: number, work: () => Promise<T>, send: (result: T) => void): void {
  work().then(send, (error: unknown) => sftp.status(id, statusOf(error)));
}

/** OpenSSH has a status for the common errors; everything else, a full disk too, is a plain failure. */
function statusOf(error: unknown): number {
  if (error instanceof EndOfFile) return STATUS_CODE.EOF;
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return STATUS_CODE.NO_SUCH_FILE;
  return code === 'EACCES' || code === 'EPERM' ? STATUS_CODE.PERMISSION_DENIED : STATUS_CODE.FAILURE;
}
