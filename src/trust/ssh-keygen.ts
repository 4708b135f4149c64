import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Refused } from '../base/errors.ts';
import { keyId } from './keys.ts';

/** Somebody whose signatures count. */
export interface Signer {
  name: string;
  /** Public keys as OpenSSH writes them: `ssh-ed25519 AAAA… comment`. */
  keys: string[];
}

/** What is signed: bytes, or the path of a file. */
export type Data = Uint8Array | string;

export interface Claim {
  data: Data;
  /** What `ssh-keygen -Y sign` wrote, armored. */
  signature: string;
  signers: Signer[];
  /** What signatures are for: one made for something else proves nothing here. */
  namespace: string;
}

/** Who signed exactly these bytes (`sha256`, of what was read), with which key (`SHA256:…`); or in words why nobody did. */
export type Verdict =
  | { is: 'signed'; by: string; key: string; sha256: string }
  | { is: 'refused'; why: 'no signature' | 'namespace' | 'key' | 'content' | 'tool'; reason: string };

/** The signature of the largest RSA key that OpenSSH makes is a third of it. */
export const maxSignatureBytes = 16 * 1024;

/** A large archive on a slow disk; only what hangs takes longer. */
const limit = 5 * 60_000;

/** Key types whose signatures ssh-keygen verifies, with the fields that follow the type's name. */
const fieldsOf = new Map([
  ['ssh-ed25519', 1],
  ['sk-ssh-ed25519@openssh.com', 2],
  ['ecdsa-sha2-nistp256', 2],
  ['ecdsa-sha2-nistp384', 2],
  ['ecdsa-sha2-nistp521', 2],
  ['sk-ecdsa-sha2-nistp256@openssh.com', 3],
  ['ssh-rsa', 2],
]);

/** `type base64` of a key line, spelled anew so that nothing else of it is passed on; null when it is no such key. */
export function signingKeyIn(line: string): string | null {
  const [type = '', encoded = ''] = line.trim().split(/ +/);
  const blob = Buffer.from(encoded, 'base64');
  const [name, ...others] = fieldsIn(blob) ?? [];
  const isWhole = name?.toString('latin1') === type && others.length === fieldsOf.get(type);
  return isWhole && !/\p{Cc}/u.test(line) ? `${type} ${blob.toString('base64')}` : null;
}

/**
 * Asks ssh-keygen whether one of the signers signed the data. Only the one key that the signature names is shown to it,
 * under a name of our own: no name of a signer gets near its arguments or files.
 */
export async function verify({ data, signature, signers, namespace }: Claim): Promise<Verdict> {
  checkNamespace(namespace);
  const seal = sealIn(signature);
  if (seal === null) return refused('no signature', 'it is not a signature that ssh-keygen -Y sign wrote');
  if (seal.namespace !== namespace) {
    return refused('namespace', `it was made for ${shown(seal.namespace)}, not for "${namespace}"`);
  }
  const key = keyId(seal.line);
  const signer = signers.find(({ keys }) => keys.some((line) => signingKeyIn(line) === seal.line));
  if (signer === undefined) {
    const known = signers.map(({ name }) => name).join(', ') || 'nobody';
    return refused('key', `it was made with the key ${key}, which is not one of those that count here (${known})`);
  }
  const { code, sha256, said } = await inPrivate({ allowed: `signer ${seal.line}\n`, signature }, (files) =>
    run(['-Y', 'verify', '-n', namespace, '-I', 'signer', '-f', files.allowed, '-s', files.signature], data),
  );
  if (code === 0 && sha256 !== null) return { is: 'signed', by: signer.name, key, sha256 };
  if (code === null) return refused('tool', said);
  return /incorrect signature/.test(said)
    ? refused('content', `it is of other bytes than these: they were changed, or it belongs to something else`)
    : refused('no signature', `ssh-keygen does not accept it (${lastLine(said)})`);
}

/** Signs with a private key, or with the one of an agent or a hardware key that `keyFile` names. @throws Refused */
export async function sign(data: Data, keyFile: string, namespace: string): Promise<string> {
  checkNamespace(namespace);
  const { code, said, out } = await run(['-Y', 'sign', '-n', namespace, '-f', keyFile], data);
  if (code === 0 && sealIn(out) !== null) return out;
  throw new Refused(`${keyFile} did not sign: ${code === null ? said : lastLine(said)}.`);
}

const refused = (why: Extract<Verdict, { is: 'refused' }>['why'], reason: string): Verdict => ({
  is: 'refused',
  why,
  reason,
});

function checkNamespace(namespace: string): void {
  if (!/^[a-z0-9][a-z0-9.@-]{0,63}$/.test(namespace)) throw new TypeError(`Not a namespace: ${shown(namespace)}`);
}

const shown = (text: string) => JSON.stringify(text.slice(0, 64));

const lastLine = (said: string) => said.trim().split('\n').at(-1)?.slice(0, 200) || 'it says nothing';

/** The key and the namespace that a signature names (PROTOCOL.sshsig of OpenSSH); null when it is none. */
function sealIn(armored: string): { line: string; namespace: string } | null {
  if (armored.length > maxSignatureBytes) return null;
  const [, encoded] =
    /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\s*$/.exec(armored) ?? [];
  const blob = Buffer.from(encoded ?? '', 'base64');
  if (blob.subarray(0, 10).toString('latin1') !== 'SSHSIG\0\0\0\x01') return null;
  const [key, namespace] = fieldsIn(blob.subarray(10)) ?? [];
  const type = key === undefined ? undefined : fieldsIn(key)?.[0]?.toString('latin1');
  const line = key === undefined ? null : signingKeyIn(`${type} ${key.toString('base64')}`);
  return line === null || namespace === undefined ? null : { line, namespace: namespace.toString('utf8') };
}

/** The key that a signature says it was made with, as a line of OpenSSH; null when it is no signature. Proves nothing. */
export const keyNamedBy = (signature: string): string | null => sealIn(signature)?.line ?? null;

/** All length-prefixed strings, RFC 4251; null when bytes are left over or missing. */
function fieldsIn(bytes: Buffer): Buffer[] | null {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const from = at + 4;
    at = from > bytes.length ? from : from + bytes.readUInt32BE(at);
    if (at > bytes.length) return null;
    found.push(bytes.subarray(from, at));
  }
  return found;
}

/** Writes texts where only their owner reads them, for as long as `work` takes. */
async function inPrivate<Names extends string, T>(
  texts: Record<Names, string>,
  work: (files: Record<Names, string>) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'zeitwork-signature-'));
  try {
    const files = { ...texts };
    for (const name in texts) {
      files[name] = join(folder, name);
      await writeFile(files[name], texts[name], { mode: 0o600, flag: 'wx' });
    }
    return await work(files);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Ran {
  /** Null when it could not be run to its end; `said` has the words then. */
  code: number | null;
  out: string;
  said: string;
  /** Of everything that was read; null when it did not read to the end. */
  sha256: string | null;
}

/** Runs ssh-keygen with the data on its stdin. @throws when the data cannot be read */
async function run(args: string[], data: Data): Promise<Ran> {
  const child = spawn('ssh-keygen', args, { stdio: 'pipe', timeout: limit, killSignal: 'SIGKILL' });
  const [out, said] = [heard(child.stdout), heard(child.stderr)];
  const ended = new Promise<Pick<Ran, 'code'> & { why: string }>((resolve) => {
    child.once('error', (error) => resolve({ code: null, why: whyNot(error) }));
    child.once('close', (code) => resolve({ code, why: `ssh-keygen took longer than ${limit / 60_000} min` }));
  });
  const hash = createHash('sha256');
  const hashing = new Transform({
    transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
  const source: Readable =
    typeof data === 'string' ? createReadStream(data, { highWaterMark: 1 << 20 }) : Readable.from([data]);
  let unread: unknown = null;
  source.once('error', (error: Error) => {
    unread = error;
  });
  const isRead = await pipeline(source, hashing, child.stdin).then(
    () => true,
    () => false,
  );
  const { code, why } = await ended;
  if (unread !== null) throw unread;
  return { code, out: out(), said: code === null ? why : said(), sha256: isRead ? hash.digest('hex') : null };
}

/** The first of what a stream says. */
function heard(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    if (text.length < maxSignatureBytes) text += chunk;
  });
  return () => text;
}

const whyNot = (error: NodeJS.ErrnoException): string =>
  error.code === 'ENOENT' ? 'ssh-keygen is not installed here; install openssh-client' : `ssh-keygen: ${error.message}`;
