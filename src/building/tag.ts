import { createHash } from 'node:crypto';
import { Refused } from '../base/errors.ts';
import { verify } from '../trust/index.ts';
import { last, type Output } from '../upgrade/host/answer.ts';
import type { Source } from '../upgrade/ledger/types.ts';
import type { Building } from './types.ts';

/** What `ssh-keygen -Y sign` of git signs for. */
const namespace = 'git';
const begins = '-----BEGIN SSH SIGNATURE-----';

/** A tag as the machine that fetched it gave it. `object`: its text, byte by byte; null: it is no more than a name for the commit. */
export interface Tag {
  tag: string;
  commit: string;
  object: Buffer | null;
}

/**
 * Who signed the tag; null where the settings name nobody. What was fetched is not believed: the object must be the one that it is named by, lead
 * to this commit, and say this version, since the tag of an older version, signed as well, can be given a new name.
 * @throws Refused
 */
export async function signerOfTag(
  version: string,
  { tag, commit, object }: Tag,
  signedBy: Building['signedBy'],
): Promise<string | null> {
  const wrong = (why: string) => new Refused(`The tag ${version} ${why}; nothing was built.`);
  if (object !== null) {
    if (hashOf(object, tag) !== tag) throw wrong('is not the object that it is named by');
    const said = headersOf(object);
    if (said.object !== commit || said.type !== 'commit') throw wrong('does not lead straight to a commit');
    if (said.tag !== version) throw wrong(`says of itself that it is ${JSON.stringify((said.tag ?? '').slice(0, 80))}`);
  }
  if (signedBy === null) return null;
  const at = object === null ? -1 : object.lastIndexOf(`\n${begins}`);
  if (object === null || at === -1)
    throw wrong('bears no SSH signature, and `build.signedBy` wants one: git tag -s, with gpg.format=ssh');
  const verdict = await verify({
    data: object.subarray(0, at + 1),
    signature: object.subarray(at + 1).toString('latin1'),
    signers: signedBy.map((each) => ({ ...each })),
    namespace,
  });
  if (verdict.is === 'refused') throw wrong(`is not signed as \`build.signedBy\` wants it: ${verdict.reason}`);
  return verdict.by;
}

/** In a repository of either kind. */
function hashOf(object: Buffer, name: string): string {
  return createHash(name.length === 64 ? 'sha256' : 'sha1')
    .update(`tag ${object.length}\0`)
    .update(object)
    .digest('hex');
}

function headersOf(object: Buffer): Record<string, string> {
  const [head = ''] = object.toString('utf8').split('\n\n', 1);
  return Object.fromEntries(head.split('\n').map((line) => [line.split(' ', 1)[0], line.slice(line.indexOf(' ') + 1)]));
}

const isObject = (text: string | undefined): text is string => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text ?? '');

/** What the script that fetched a tag says of it. @throws Refused for what cannot be read, or is signed by nobody whose signature counts */
export async function sourceIn(output: Output, version: string, signedBy: Building['signedBy']): Promise<Source> {
  const [tag, commit, time] = ['tag', 'commit', 'time'].map((key) => last(output, key) ?? '');
  if (!isObject(tag) || !isObject(commit) || !/^\d{1,12}$/.test(time ?? ''))
    throw new Refused(`What git said of the tag ${version} cannot be read; nothing was done.`);
  const object = output.get('object');
  const text = object === undefined ? null : Buffer.from(object.join(''), 'base64');
  return {
    tag,
    commit,
    time: Number(time),
    signedBy: await signerOfTag(version, { tag, commit, object: text }, signedBy),
  };
}
