import { createHash } from 'node:crypto';
import { canonical } from '../trust/index.ts';
import { configurationOf } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';

/** What a person's signature is about, as SHA-256: the binary; where the environment file is changed, also all that becomes of it. */
export function subjectOf(rollout: Pick<Rollout, 'release' | 'change' | 'config'>): string {
  const { binarySha256 } = rollout.release;
  const configuration = configurationOf(rollout);
  if (configuration === null) return binarySha256;
  const { wanted, files } = configuration;
  return createHash('sha256')
    .update(canonical({ binary: binarySha256, wanted, files }))
    .digest('hex');
}
