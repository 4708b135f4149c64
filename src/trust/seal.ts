import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { Refused } from '../base/errors.ts';
import { canonical } from './canonical.ts';
import { ownFile } from './own-file.ts';

/** Marks values that leave the house and come back, so that nobody else can make or change one. */
export interface Sealer {
  seal(value: unknown): string;
  /** In constant time. */
  fits(value: unknown, seal: string): boolean;
  /** Names the key without telling it: seals of another key do not fit. */
  id: string;
}

/** Reads the key of the seals; makes one, readable by its owner only, when there is none. @throws Refused */
export async function openSealKey(file: string): Promise<string> {
  const key = (await ownFile(file, () => `${randomBytes(32).toString('hex')}\n`)).trim();
  if (key.length < 32) throw new Refused(`The key ${file} is too short to be one. Remove it; another is made.`);
  return key;
}

/** HMAC-SHA-256 over the one spelling of a value. */
export function sealer(key: string): Sealer {
  const of = (what: string, value: unknown) =>
    createHmac('sha256', key)
      .update(`${what}\n${canonical(value)}`)
      .digest();
  const seal = (value: unknown) => of('zeitwork-seal', value).toString('base64url');
  return {
    seal,
    fits(value, given) {
      const [right, offered] = [Buffer.from(seal(value)), Buffer.from(given)];
      return right.length === offered.length && timingSafeEqual(right, offered);
    },
    id: of('zeitwork-seal-key', null).toString('hex').slice(0, 12),
  };
}
