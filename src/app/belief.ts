import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { type Belief, type Log, openAnchors, openUsed } from '../jobs/index.ts';
import { createNotary, openKey, type SigningKey } from '../trust/index.ts';

export type Signer = 'bot' | 'worker';

/** The key with which a role of this machine signs; made when there is none. */
export const keyOf = ({ stateDir }: Pick<Settings, 'stateDir'>, signer: Signer): Promise<SigningKey> =>
  openKey(keyFile({ stateDir }, signer));

export const keyFile = ({ stateDir }: Pick<Settings, 'stateDir'>, signer: Signer): string =>
  join(stateDir, 'keys', `${signer}.key`);

/** The key with which a worker of this machine signs what it builds: another one, so that whoever can report cannot publish. */
export const releaseKey = ({ stateDir }: Pick<Settings, 'stateDir'>): Promise<SigningKey> =>
  openKey(join(stateDir, 'keys', 'release.key'));

/**
 * Whose signatures count: the keys that the settings list, else those in the state directory, for programs that share it.
 * `signer`: with which key this program signs. The shell signs as a bot does: it admits what people decide.
 */
export async function openBelief(
  settings: Pick<Settings, 'stateDir' | 'keys'>,
  signer: Signer,
  log: Pick<Log, 'warn'>,
): Promise<Belief> {
  const own = await keyOf(settings, signer);
  const listed = settings.keys ?? {
    bot: [(await keyOf(settings, 'bot')).public],
    worker: [(await keyOf(settings, 'worker')).public],
  };
  const anchors = openAnchors(join(settings.stateDir, `seen-by-${signer}.json`), (reason) =>
    log.warn({ reason }, 'anchors'),
  );
  const used = openUsed(join(settings.stateDir, 'used-wishes.json'), (reason) => log.warn({ reason }, 'wishes'));
  return { notary: createNotary(own, { decisions: listed.bot, reports: listed.worker }), anchors, used };
}
