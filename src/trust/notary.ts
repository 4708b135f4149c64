import { type KeyObject, sign, verify } from 'node:crypto';
import { Bug, Refused } from '../base/errors.ts';
import { keyId, readPublicKey, type SigningKey } from './keys.ts';

/** What a key may say: what people decided, or what was seen and done on nodes. */
export type Says = 'decisions' | 'reports';

/** Who signed, and the signature over the text, base64. */
export interface Signature {
  /** Fingerprint of the key. */
  key: string;
  signature: string;
}

/** Signs with the key of this process, and knows whose signatures count for what. */
export interface Notary {
  /** @throws Refused for what nobody would believe from this key */
  sign(text: string, as: readonly Says[]): Signature;
  /** What is wrong with a signature, in words; null when it counts. `as`: any of these will do. */
  fault(text: string, signed: Signature, as: readonly Says[]): string | null;
}

/**
 * @param own null: it only reads
 * @param trusted public key lines (`ssh-ed25519 AAAA…`), by what they may say
 * @throws Bug for a line that is no such key
 */
export function createNotary(own: SigningKey | null, trusted: Record<Says, readonly string[]>): Notary {
  const keys = { decisions: keysOf(trusted.decisions), reports: keysOf(trusted.reports) };
  const saying = (id: string, as: readonly Says[]) => as.map((each) => keys[each].get(id)).find((key) => key);
  return {
    sign(text, as) {
      if (own === null || !saying(own.id, as)) {
        throw new Refused(
          `Nobody would believe this program: its key is not among the keys of the settings for ${as.join(' or ')}. It is ${own?.public}`,
        );
      }
      return { key: own.id, signature: sign(null, Buffer.from(text), own.private).toString('base64') };
    },
    fault(text, { key: id, signature }, as) {
      const key = saying(id, as);
      if (key) return isBy(key, text, signature) ? null : 'its signature is wrong';
      return saying(id, ['decisions', 'reports'])
        ? `it is signed by ${id}, whose key may not say that`
        : `it is signed by ${id}, a key that the settings do not name`;
    },
  };
}

/** Base64 has several spellings of the same bytes, and one of ours. */
function isBy(key: KeyObject, text: string, signature: string): boolean {
  const bytes = Buffer.from(signature, 'base64');
  return bytes.toString('base64') === signature && verify(null, Buffer.from(text), key, bytes);
}

function keysOf(lines: readonly string[]): Map<string, KeyObject> {
  return new Map(
    lines.map((line) => {
      const key = readPublicKey(line);
      if (key === null) throw new Bug(`not an Ed25519 public key: ${line}`);
      return [keyId(line), key];
    }),
  );
}
