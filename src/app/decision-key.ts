import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { openKey, type SigningKey } from '../trust/index.ts';

type Where = Pick<Settings, 'stateDir' | 'signers'>;

const fileOf = ({ stateDir }: Where): string => join(stateDir, 'keys', 'decisions.key');

/** The key with which this process signs the orders that its decisions bring with them; made at the first use. */
export const decisionKey = (settings: Where): Promise<SigningKey> => openKey(fileOf(settings));

/** Whose orders the nodes take, as far as is known here: as the settings say, else this process's own, if it has one. */
export async function knownSigners(settings: Where): Promise<string[]> {
  if (settings.signers.length > 0) return settings.signers;
  const isMade = await access(fileOf(settings)).then(
    () => true,
    () => false,
  );
  return isMade ? [(await decisionKey(settings)).public] : [];
}
