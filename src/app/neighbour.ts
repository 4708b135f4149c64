import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Settings } from '../config/index.ts';
import { createStore, type Log, type Nearby, openRedis, type RedisHandle } from '../jobs/index.ts';
import { openBelief, type Signer } from './belief.ts';

/** The fleet on which a release must be proven, asked itself. */
export interface Neighbour {
  store: Nearby;
  /** Gives back what was opened for it. */
  leave(): Promise<void>;
}

/**
 * Where no file is brought, and that fleet's settings are here. What is stored of it is believed as its own programs believe it.
 * @param own the connection to the Redis that all fleets of a process share; null: one is opened
 */
export async function neighbour(
  { proven }: Pick<Settings, 'proven'>,
  known: readonly Settings[],
  own: RedisHandle | null,
  signer: Signer,
  log: Pick<Log, 'warn'>,
): Promise<Neighbour | null> {
  const other = otherOf(proven, known);
  if (other === undefined) return null;
  // A private one is each fleet's own.
  const isOwn = own === null || other.redis === null;
  const redis = isOwn ? await openRedis(other.redis, other.stateDir) : own;
  const store = createStore(redis.caller, other.fleet.name, await openBelief(other, signer, log));
  return { store, leave: async () => (isOwn ? redis.stop() : undefined) };
}

/** The same for a look that must leave nothing behind: not where that fleet never ran here. */
export async function neighbourThatRan(
  settings: Pick<Settings, 'proven'>,
  known: readonly Settings[],
  log: Pick<Log, 'warn'>,
): Promise<Neighbour | null> {
  const other = otherOf(settings.proven, known);
  const hasRun = other !== undefined && (await isThere(join(other.stateDir, 'keys')));
  return hasRun ? neighbour(settings, known, null, 'bot', log) : null;
}

const otherOf = (proven: Settings['proven'], known: readonly Settings[]): Settings | undefined =>
  proven?.journal === null ? known.find(({ fleet }) => fleet.name === proven.fleet) : undefined;

const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
