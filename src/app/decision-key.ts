import { access } from 'node:fs/promises';
import type { Settings } from '../config/index.ts';
import type { SigningKey } from '../trust/index.ts';
import { keyFile, keyOf } from './belief.ts';

type Where = Pick<Settings, 'stateDir' | 'signers' | 'keys'>;

/** The key with which this process signs the orders that its decisions bring with them: the one of its journal entries. */
export const decisionKey = (settings: Where): Promise<SigningKey> => keyOf(settings, 'bot');

/** Whose orders the nodes take, as far as is known here: as the settings say, else this process's own, if it has one. */
export async function knownSigners(settings: Where): Promise<readonly string[]> {
  if (settings.signers.length > 0) return settings.signers;
  if (settings.keys !== null) return settings.keys.bot;
  const isMade = await access(keyFile(settings, 'bot')).then(
    () => true,
    () => false,
  );
  return isMade ? [(await decisionKey(settings)).public] : [];
}
