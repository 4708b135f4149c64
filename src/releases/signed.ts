import { Refused } from '../base/errors.ts';
import { keyNamedBy, type Signer, signingKeyIn, type Verdict, verify } from '../trust/index.ts';
import type { Release, Signed } from '../upgrade/rollout/types.ts';
import { hashFile } from './checksum.ts';

/** What a signature must have been made for: `ssh-keygen -Y sign -n zeitwork-release`. */
const namespace = 'zeitwork-release';

/** Whose signatures make an archive a release. */
export interface Trust {
  signers: Signer[];
  /** What becomes of an archive that nobody signed. */
  unsigned: 'refused' | 'allowed';
}

/** An archive that was read once: both are of exactly the same bytes. */
export interface Checked {
  sha256: string;
  signed: Release['signed'];
}

const anyway = 'or write releases.unsigned: allowed to do without (docs/releases.md)';

/** Why nothing at all is accepted, with both ways out. */
export const withoutSigners = `no release is accepted, because the settings name nobody who signs them: write public keys under releases.signers and sign each archive with ssh-keygen -Y sign -n ${namespace}, ${anyway}`;

/** @throws Refused while nothing at all could be accepted */
export function refuseWithoutSigners({ signers, unsigned }: Trust): void {
  if (signers.length === 0 && unsigned === 'refused') throw new Refused(withoutSigners);
}

/**
 * Reads the file at `path`, called `archive` in messages, through once.
 * @throws Refused unless one of the signers signed these bytes, or nobody has to
 */
export async function check(path: string, archive: string, signature: string | null, trust: Trust): Promise<Checked> {
  refuseWithoutSigners(trust);
  if (signature === null || trust.signers.length === 0) return unsigned(path, archive, trust);
  const verdict = await verify({ data: path, signature, signers: trust.signers, namespace });
  if (verdict.is === 'refused') throw new Refused(badly(archive, verdict));
  const signed: Signed = { by: verdict.by, key: verdict.key, signature };
  return { sha256: verdict.sha256, signed };
}

/**
 * Why a release that was accepted when it was staged is not any more; null while it is. Its archive is not read again: what
 * was staged is held by its hash, and the signature was found good for that.
 */
export function withdrawn({ archive, signed }: Release, { signers, unsigned }: Trust): string | null {
  if (unsigned === 'allowed' && (signed === null || signers.length === 0)) return null;
  if (signed === null) return `${archive} was planned without a signature, and the settings here want one`;
  const key = keyNamedBy(signed.signature);
  if (signers.some(({ keys }) => keys.some((line) => key !== null && signingKeyIn(line) === key))) return null;
  return `${archive} was signed by ${signed.by} with ${signed.key}, a key that does not count here any more`;
}

async function unsigned(path: string, archive: string, trust: Trust): Promise<Checked> {
  if (trust.unsigned === 'allowed') return { sha256: await hashFile(path), signed: null };
  throw new Refused(
    `${archive} is not signed: put ${archive}.sig beside it, made with ssh-keygen -Y sign -n ${namespace} -f KEY ${archive}, ${anyway}`,
  );
}

function badly(archive: string, { why, reason }: Extract<Verdict, { is: 'refused' }>): string {
  const todo = why === 'tool' ? '' : `; do not install it before you know why, then have it signed again`;
  return `the signature of ${archive} cannot be accepted: ${reason}${todo}`;
}
