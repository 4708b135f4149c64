import { createHash } from 'node:crypto';
import { canonical } from '../trust/index.ts';
import { configurationOf } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';

/**
 * What a person's signature is about, as SHA-256: the binary; where the environment file is changed, also all that becomes of it; where
 * several services are brought, the binary of each; of a migration, which schema it makes out of which, by which commit.
 */
export function subjectOf(rollout: Pick<Rollout, 'release' | 'services' | 'change' | 'config'>): string {
  const { binarySha256 } = rollout.release;
  if (rollout.change?.is === 'migrate') {
    const { when, from, to, commit } = rollout.change;
    const migration = { version: rollout.release.version, when, from, to, commit };
    return createHash('sha256').update(canonical({ migration })).digest('hex');
  }
  const configuration = configurationOf(rollout);
  const { services } = rollout;
  if (configuration === null && services === undefined) return binarySha256;
  const { wanted, files } = configuration ?? {};
  const each = Object.entries(services ?? {}).map(([key, { release }]) => [key, release.binarySha256]);
  return createHash('sha256')
    .update(
      canonical({
        binary: binarySha256,
        ...(configuration === null ? {} : { wanted, files }),
        ...(services === undefined ? {} : { services: Object.fromEntries(each) }),
      }),
    )
    .digest('hex');
}
