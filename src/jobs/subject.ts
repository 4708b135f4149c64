import { createHash } from 'node:crypto';
import { canonical } from '../trust/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';

/** What a person's signature is about, as SHA-256: the binary; where the environment file is changed, also all that becomes of it. */
export function subjectOf({ release, change }: Pick<Rollout, 'release' | 'change'>): string {
  if (change?.is !== 'config') return release.binarySha256;
  return createHash('sha256')
    .update(canonical({ binary: release.binarySha256, change }))
    .digest('hex');
}
