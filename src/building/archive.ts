import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';

/**
 * Packs the one file that belongs into a release. Nothing of it depends on who packs it, where or when: the same binary of the same commit makes the
 * same bytes.
 * @param time of the commit, epoch seconds
 */
export async function packArchive(binary: string, member: string, time: number, to: string): Promise<void> {
  const { size } = await stat(binary);
  const tar = pack();
  const written = pipeline(
    tar,
    createGzip({ level: 6 }),
    createWriteStream(to, { flags: 'wx', mode: 0o644, flush: true }),
  );
  const entry = tar.entry({ name: member, size, mode: 0o755, mtime: new Date(time * 1_000), uid: 0, gid: 0 });
  await Promise.all([pipeline(createReadStream(binary), entry).then(() => tar.finalize()), written]);
}
