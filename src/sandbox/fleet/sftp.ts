import { constants, type Stats } from 'node:fs';
import {
  chmod,
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  rmdir,
  stat,
  truncate,
  unlink,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Attributes, FileEntry, SFTPWrapper } from 'ssh2';
import ssh2 from 'ssh2';

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp;

export interface Disk {
  /** A remote path as one of this machine. */
  path(remote: string): string;
  /** A path of this machine as the node would name it. */
  outwards(local: string): string;
  full(): boolean;
}

/** The end of a listing, which SFTP reports as a status. */
class EndOfFile extends Error {}

type Handle = { is: 'file'; file: FileHandle } | { is: 'directory'; path: string; listed: boolean };

/** Serves the SFTP subsystem (version 3) from a node's tree, with the answers that OpenSSH gives. */
export function serveSftp(sftp: SFTPWrapper, disk: Disk): void {
  const handles = new Map<number, Handle>();
  let last = 0;

  const keep = (id: number, handle: Handle): void => {
    const number = ++last;
    handles.set(number, handle);
    const name = Buffer.alloc(4);
    name.writeUInt32BE(number);
    sftp.handle(id, name);
  };
  const handleOf = (name: Buffer): Handle => {
    const handle = name.length === 4 ? handles.get(name.readUInt32BE()) : undefined;
    if (!handle) throw new Error('no such handle');
    return handle;
  };
  const fileOf = (name: Buffer): FileHandle => {
    const handle = handleOf(name);
    if (handle.is !== 'file') throw new Error('not a file');
    return handle.file;
  };
  /** Runs one request; a status is sent when the work sends no answer of its own. */
  const answer = (id: number, work: () => Promise<unknown>): void => {
    work().then(
      (said) => said !== 'answered' && sftp.status(id, STATUS_CODE.OK),
      (error: unknown) => sftp.status(id, statusOf(error)),
    );
  };
  const named = (id: number, entries: FileEntry[]): 'answered' => {
    sftp.name(id, entries);
    return 'answered';
  };

  sftp.on('OPEN', (id, name, flags, attrs) =>
    answer(id, async () => {
      keep(id, { is: 'file', file: await open(disk.path(name), openFlags(flags), attrs.mode ?? 0o644) });
      return 'answered';
    }),
  );
  sftp.on('WRITE', (id, name, offset, data) =>
    answer(id, async () => {
      if (disk.full()) throw new Error('No space left on device');
      await fileOf(name).write(data, 0, data.length, offset);
    }),
  );
  sftp.on('READ', (id, name, offset, length) =>
    answer(id, async () => {
      const { bytesRead, buffer } = await fileOf(name).read(
        Buffer.alloc(Math.min(length, 262_144)),
        0,
        undefined,
        offset,
      );
      if (bytesRead === 0) throw new EndOfFile();
      sftp.data(id, buffer.subarray(0, bytesRead));
      return 'answered';
    }),
  );
  sftp.on('CLOSE', (id, name) =>
    answer(id, async () => {
      const handle = handleOf(name);
      handles.delete(name.readUInt32BE());
      if (handle.is === 'file') await handle.file.close();
    }),
  );
  const attributes = (id: number, look: () => Promise<Stats>): void =>
    answer(id, async () => {
      sftp.attrs(id, attributesOf(await look()));
      return 'answered';
    });
  sftp.on('STAT', (id, name) => attributes(id, () => stat(disk.path(name))));
  sftp.on('LSTAT', (id, name) => attributes(id, () => lstat(disk.path(name))));
  sftp.on('FSTAT', (id, name) => attributes(id, () => fileOf(name).stat()));
  sftp.on('SETSTAT', (id, name, attrs) => answer(id, () => setAttributes(disk.path(name), attrs)));
  sftp.on('FSETSTAT', (id, name, attrs) =>
    answer(id, async () => {
      if (attrs.mode !== undefined) await fileOf(name).chmod(attrs.mode & 0o7777);
      if (attrs.size !== undefined) await fileOf(name).truncate(attrs.size);
    }),
  );
  sftp.on('MKDIR', (id, name, attrs) => answer(id, () => mkdir(disk.path(name), { mode: attrs.mode ?? 0o755 })));
  sftp.on('RMDIR', (id, name) => answer(id, () => rmdir(disk.path(name))));
  sftp.on('REMOVE', (id, name) => answer(id, () => unlink(disk.path(name))));
  sftp.on('RENAME', (id, from, to) =>
    // OpenSSH links and unlinks here, so that an existing file is never replaced.
    answer(id, async () => {
      await link(disk.path(from), disk.path(to));
      await unlink(disk.path(from));
    }),
  );
  sftp.on('REALPATH', (id, name) =>
    answer(id, async () => {
      const local = join(disk.path(name === '' ? '.' : name)).replace(/(.)\/$/, '$1');
      return named(id, [{ filename: disk.outwards(local), longname: '', attrs: nothing }]);
    }),
  );
  sftp.on('OPENDIR', (id, name) =>
    answer(id, async () => {
      await readdir(disk.path(name));
      keep(id, { is: 'directory', path: disk.path(name), listed: false });
      return 'answered';
    }),
  );
  sftp.on('READDIR', (id, name) =>
    answer(id, async () => {
      const handle = handleOf(name);
      if (handle.is !== 'directory' || handle.listed) throw new EndOfFile();
      handle.listed = true;
      const names = ['.', '..', ...(await readdir(handle.path))];
      return named(id, await Promise.all(names.map((entry) => entryOf(handle.path, entry))));
    }),
  );
  const closeAll = (): void => {
    for (const handle of handles.values()) if (handle.is === 'file') handle.file.close().catch(() => {});
    handles.clear();
  };
  sftp
    .on('end', () => sftp.end())
    .on('close', closeAll)
    .on('error', closeAll);
}

const nothing: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };

function openFlags(flags: number): number {
  const writes = (flags & OPEN_MODE.WRITE) !== 0;
  const reads = (flags & OPEN_MODE.READ) !== 0;
  let result = writes ? (reads ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  if (flags & OPEN_MODE.APPEND) result |= constants.O_APPEND;
  if (flags & OPEN_MODE.CREAT) result |= constants.O_CREAT;
  if (flags & OPEN_MODE.TRUNC) result |= constants.O_TRUNC;
  if (flags & OPEN_MODE.EXCL) result |= constants.O_EXCL;
  return result;
}

/** OpenSSH has a status for the common errors; everything else, a full disk too, is a plain failure. */
function statusOf(error: unknown): number {
  if (error instanceof EndOfFile) return STATUS_CODE.EOF;
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR') return STATUS_CODE.NO_SUCH_FILE;
  return code === 'EACCES' || code === 'EPERM' ? STATUS_CODE.PERMISSION_DENIED : STATUS_CODE.FAILURE;
}

function attributesOf({ mode, uid, gid, size, atimeMs, mtimeMs }: Stats): Attributes {
  return { mode, uid, gid, size, atime: Math.floor(atimeMs / 1000), mtime: Math.floor(mtimeMs / 1000) };
}

async function setAttributes(path: string, attrs: Partial<Attributes>): Promise<void> {
  if (attrs.size !== undefined) await truncate(path, attrs.size);
  if (attrs.mode !== undefined) await chmod(path, attrs.mode & 0o7777);
  if (attrs.atime !== undefined && attrs.mtime !== undefined) await utimes(path, attrs.atime, attrs.mtime);
}

async function entryOf(directory: string, name: string): Promise<FileEntry> {
  const stats = await lstat(join(directory, name));
  return { filename: name, longname: `${stats.mode.toString(8)} ${stats.size} ${name}`, attrs: attributesOf(stats) };
}
