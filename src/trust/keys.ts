import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Refused } from '../base/errors.ts';
import { ownFile } from './own-file.ts';

const type = 'ssh-ed25519';

/** A key that signs. */
export interface SigningKey {
  private: KeyObject;
  /** `ssh-ed25519 AAAA…`, as the settings and a node's list of signers have it. */
  public: string;
  /** `SHA256:…`, as OpenSSH shows it. */
  id: string;
}

/**
 * Reads an Ed25519 key (PKCS #8, PEM); makes one, readable by its owner only, when there is none.
 * @throws Refused when others may read the file, or it holds no such key
 */
export async function openKey(file: string): Promise<SigningKey> {
  return signingKey(file, await ownFile(file, newKey));
}

function newKey(): string {
  return generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function signingKey(file: string, pem: string): SigningKey {
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is of type ${key.asymmetricKeyType}`);
    const line = publicLine(createPublicKey(key));
    return { private: key, public: line, id: keyId(line) };
  } catch (error) {
    throw new Refused(`The key ${file} cannot be used: ${error instanceof Error ? error.message : error}.`);
  }
}

function publicLine(key: KeyObject): string {
  const { x } = key.export({ format: 'jwk' });
  return `${type} ${Buffer.concat([field(type), field(Buffer.from(x ?? '', 'base64url'))]).toString('base64')}`;
}

/** A length-prefixed string, RFC 4251. */
export function field(bytes: string | Buffer): Buffer {
  const content = Buffer.from(bytes);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
}

/** Fingerprint of a public key line: `SHA256:` and unpadded base64, as OpenSSH shows it. */
export function keyId(line: string): string {
  const blob = Buffer.from(line.split(' ')[1] ?? '', 'base64');
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

/** The key of `ssh-ed25519 AAAA… comment`; null when it is not one. */
export function readPublicKey(line: string): KeyObject | null {
  const [kind, encoded = ''] = line.trim().split(/\s+/);
  const blob = Buffer.from(encoded, 'base64');
  const head = field(type);
  if (kind !== type || blob.length !== head.length + 36 || !blob.subarray(0, head.length).equals(head)) return null;
  const x = blob.subarray(head.length + 4).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}
