import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { posix } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { Refused, wordsOf } from '../base/errors.ts';

/** A binary of more bytes than this is a mistake, or an archive made to fill a disk. */
const maxBytes = 2 ** 31;
const maxEntries = 100;

type Entries = ReturnType<typeof extract>;
type Entry = Entries extends AsyncIterable<infer Each> ? Each : never;

export interface Member {
  sha256: string;
  bytes: number;
}

/**
 * Looks into the `.tar.gz` at `path`, called `archive` in messages: besides directories it may hold one thing only, the regular file `member`.
 * @throws Refused saying what is wrong with the archive.
 */
export async function inspect(path: string, archive: string, member: string): Promise<Member> {
  const entries = extract();
  const unpacked = pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), createGunzip(), entries);
  const [read, piped] = await Promise.allSettled([readEntries(entries, archive, member), unpacked]);
  if (read.status === 'rejected' && read.reason instanceof Refused) throw read.reason;
  const failure = [piped, read].find((result) => result.status === 'rejected');
  if (failure !== undefined)
    throw new Refused(`${archive} is not a whole .tar.gz (${wordsOf(failure.reason)}); build it again`);
  if (read.status === 'fulfilled' && read.value !== null) return read.value;
  throw new Refused(`${archive} does not hold ${member}; build it again, or correct service.archiveMember`);
}

async function readEntries(entries: Entries, archive: string, member: string): Promise<Member | null> {
  let found: Member | null = null;
  let count = 0;
  for await (const entry of entries) {
    count += 1;
    if (count > maxEntries)
      throw new Refused(`${archive} holds more than ${maxEntries} entries; only ${member} belongs in it`);
    const name = safeName(entry.header.name, archive);
    if (entry.header.type === 'directory') {
      entry.resume();
      continue;
    }
    if (entry.header.type !== 'file')
      throw new Refused(`${archive} holds ${name}, which is a ${entry.header.type}; only files are accepted`);
    if (name !== member) throw new Refused(`${archive} holds ${name}; only ${member} belongs in it`);
    if (found !== null) throw new Refused(`${archive} holds ${member} twice; build it again`);
    found = await readMember(entry, archive);
  }
  return found;
}

async function readMember(entry: Entry, archive: string): Promise<Member> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of entry) {
    if (!Buffer.isBuffer(chunk)) throw new TypeError('a tar entry gives bytes');
    bytes += chunk.length;
    if (bytes > maxBytes) throw new Refused(`${archive} holds a file of more than ${maxBytes} bytes; build it again`);
    hash.update(chunk);
  }
  if (bytes === 0) throw new Refused(`${archive} holds an empty ${entry.header.name}; build it again`);
  return { sha256: hash.digest('hex'), bytes };
}

/** `./build/x` and `build/x` are the same; anything that could leave the folder is refused. */
function safeName(name: string, archive: string): string {
  if (posix.isAbsolute(name) || name.split('/').includes('..')) {
    throw new Refused(`${archive} holds the unsafe path ${JSON.stringify(name)}; build it again`);
  }
  return posix.normalize(name);
}
