import type { Release, Rollout } from '../../upgrade/rollout/types.ts';
import { foreign } from './text.ts';

/** Whose release it is: said small when somebody signed it, loudly when nobody did. */
export function signedWord({ signed }: Release): string {
  return signed === null ? '‼ *NOT SIGNED* (allowed by the settings)' : `Signed by ${foreign(signed.by, 80)}`;
}

/** Of what a peer gave nobody knows the archive any more. */
export const signedLine = ({ release, recovery, change }: Rollout): string => {
  if (change?.is === 'config') return 'Its binary stays as it is: nothing of a release was put anywhere';
  if (change !== undefined) return 'Nothing was changed on any node, so there is nothing to bring back';
  return recovery?.from === undefined
    ? signedWord(release)
    : `Its binary came from ${foreign(recovery.from, 80)}, hash as in the ledger`;
};

/** The same with the key's fingerprint, for whoever decides. */
export function signedWithKey(release: Release): string {
  const { signed } = release;
  return signed === null ? signedWord(release) : `${signedWord(release)} with the key ${foreign(signed.key, 80)}`;
}

/** Said only when the new binary could not be asked what it is. */
export function unaskedLines({ asked }: Rollout): string[] {
  return asked !== null && asked.version === null
    ? ['The new binary was not asked for its version: nobody without rights could run it. What it is rests on its hash']
    : [];
}
