import { constants, type Stats } from 'node:fs';
import { chmod, link, lstat, mkdir, readdir, rmdir, stat, truncate, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Attributes, FileEntry, SFTPWrapper } from 'ssh2';
import ssh2 from 'ssh2';
import { EndOfFile, Handles, respond, settle } from './sftp-handles.ts';

const { OPEN_MODE } = ssh2.utils.sftp;

export interface Disk {
  /** A remote path as one of this machine. */
  path(remote: string): string;
  /** A path of this machine as the node would name it. */
  outwards(local: string): string;
  full(): boolean;
}

const longestRead = 262_144;
const unknown: Attributes = { mode: 0, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 };

/** Serves the SFTP subsystem (version 3, no extensions) from a node's tree, with the answers that OpenSSH gives. */
export function serveSftp(sftp: SFTPWrapper, disk: Disk): void {
  const handles = new Handles();
  serveFiles(sftp, disk, handles);
  serveFolders(sftp, disk, handles);
  servePaths(sftp, disk);
  sftp.on('CLOSE', (id, name) => settle(sftp, id, () => handles.close(name)));
  sftp.on('end', () => sftp.end());
  for (const event of ['close', 'error']) sftp.on(event, () => handles.closeAll());
}

function serveFiles(sftp: SFTPWrapper, disk: Disk, handles: Handles): void {
  sftp.on('OPEN', (id, name, flags, { mode }: Partial<Attributes>) => {
    const work = () => handles.openFile(disk.path(name), openFlags(flags), mode ?? 0o644);
    respond(sftp, id, work, (handle) => sftp.handle(id, handle));
  });
  sftp.on('WRITE', (id, name, offset, data) =>
    settle(sftp, id, async () => {
      if (disk.full()) throw new Error('No space left on device');
      await handles.file(name).write(data, 0, data.length, offset);
    }),
  );
  sftp.on('READ', (id, name, offset, length) => {
    const work = async () => {
      const room = Buffer.alloc(Math.min(length, longestRead));
      const { bytesRead } = await handles.file(name).read(room, 0, room.length, offset);
      if (bytesRead === 0) throw new EndOfFile();
      return room.subarray(0, bytesRead);
    };
    respond(sftp, id, work, (data) => sftp.data(id, data));
  });
  sftp.on('FSTAT', (id, name) =>
    respond(
      sftp,
      id,
      async () => handles.file(name).stat(),
      (stats) => sftp.attrs(id, attributesOf(stats)),
    ),
  );
  sftp.on('FSETSTAT', (id, name, { mode, size }: Partial<Attributes>) =>
    settle(sftp, id, async () => {
      if (mode !== undefined) await handles.file(name).chmod(mode & 0o7777);
      if (size !== undefined) await handles.file(name).truncate(size);
    }),
  );
}

function serveFolders(sftp: SFTPWrapper, disk: Disk, handles: Handles): void {
  sftp.on('OPENDIR', (id, name) => {
    const work = async () => {
      await readdir(disk.path(name));
      return handles.openFolder(disk.path(name));
    };
    respond(sftp, id, work, (handle) => sftp.handle(id, handle));
  });
  sftp.on('READDIR', (id, name) => {
    const work = async () => {
      const folder = handles.folder(name);
      if (folder.listed) throw new EndOfFile();
      folder.listed = true;
      const names = ['.', '..', ...(await readdir(folder.path))];
      return Promise.all(names.map((entry) => entryOf(folder.path, entry)));
    };
    respond(sftp, id, work, (entries) => sftp.name(id, entries));
  });
}

function servePaths(sftp: SFTPWrapper, disk: Disk): void {
  const attributes = (id: number, look: () => Promise<Stats>): void =>
    respond(sftp, id, look, (stats) => sftp.attrs(id, attributesOf(stats)));
  sftp.on('STAT', (id, name) => attributes(id, () => stat(disk.path(name))));
  sftp.on('LSTAT', (id, name) => attributes(id, () => lstat(disk.path(name))));
  sftp.on('SETSTAT', (id, name, attrs) => settle(sftp, id, () => setAttributes(disk.path(name), attrs)));
  sftp.on('MKDIR', (id, name, { mode }: Partial<Attributes>) =>
    settle(sftp, id, () => mkdir(disk.path(name), { mode: mode ?? 0o755 })),
  );
  sftp.on('RMDIR', (id, name) => settle(sftp, id, () => rmdir(disk.path(name))));
  sftp.on('REMOVE', (id, name) => settle(sftp, id, () => unlink(disk.path(name))));
  sftp.on('RENAME', (id, from, to) =>
    // OpenSSH links and unlinks here, so that an existing file is never replaced.
    settle(sftp, id, async () => {
      await link(disk.path(from), disk.path(to));
      await unlink(disk.path(from));
    }),
  );
  sftp.on('REALPATH', (id, name) => {
    const local = join(disk.path(name === '' ? '.' : name)).replace(/(.)\/$/, '$1');
    sftp.name(id, [{ filename: disk.outwards(local), longname: '', attrs: unknown }]);
  });
}

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
