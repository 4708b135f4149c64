import type { Logger } from 'pino';
import { Refused } from '../base/errors.ts';
import { type Fleets, loadFleets, type Settings, settingsFiles, soundFleets } from '../config/index.ts';
import { Ended } from './cli/exit.ts';
import { configIn, fleetsIn } from './cli/fleets.ts';
import type { Runtime } from './wiring.ts';

/** @throws SettingsError for a directory that has none */
export const settingsNamed = (): string[] => settingsFiles(configIn(process.env));

/** What was chosen, and every fleet that this process knows of. */
export interface Chosen {
  own: Settings;
  known: readonly Settings[];
}

/** @throws SettingsError, or Ended when it is not said which of several is meant */
export const settings = (): Settings => chosen().own;

/**
 * The one fleet that a command is about. What is wrong with the settings of others is told, and keeps nobody from it: at night one of them
 * must be stopped or brought back whatever somebody wrote into the file of the next.
 */
export function chosen(): Chosen {
  const all = loadFleets(settingsNamed(), process.env);
  const { fleets, faults, clashes } = all;
  const named = fleetsIn(process.env);
  if (named === null) {
    const [own, ...others] = soundFleets(all);
    if (own === undefined || others.length > 0) throw new Ended('usage', whichFleet(fleets));
    return { own, known: fleets };
  }
  const [name, ...more] = named;
  if (more.length > 0) throw new Ended('usage', `--fleet: one of ${named.join(', ')} is expected here`);
  const own = fleets.filter(({ fleet }) => fleet.name === name);
  if (own.length > 1) soundFleets(all);
  if (own[0] === undefined) throw unknownFleet(all, [name ?? '']);
  for (const each of [...faults.map(({ message }) => message), ...clashes])
    console.error(`zeitwork: beside ${name}: ${each}`);
  return { own: own[0], known: fleets };
}

/** Those that a role serves. @throws SettingsError when any file that was named cannot be used */
export function served(): { own: Settings[]; known: readonly Settings[] } {
  const all = loadFleets(settingsNamed(), process.env);
  const known = soundFleets(all);
  const named = fleetsIn(process.env);
  const unknown = named?.filter((name) => !known.some(({ fleet }) => fleet.name === name)) ?? [];
  if (unknown.length > 0) throw unknownFleet(all, unknown);
  return { own: known.filter(({ fleet }) => named?.includes(fleet.name) ?? true), known };
}

function unknownFleet(all: Fleets, names: string[]): Error {
  // It may be the one that cannot be read.
  if (all.faults.length > 0) soundFleets(all);
  return new Ended(
    'usage',
    `--fleet ${names.join(', ')}: there ${all.fleets.length === 1 ? 'is' : 'are'} ${listed(all.fleets)}`,
  );
}

const listed = (fleets: readonly Settings[]): string => fleets.map(({ fleet }) => fleet.name).join(', ');
const whichFleet = (fleets: readonly Settings[]): string =>
  `Which fleet? Add --fleet NAME, or set ZEITWORK_FLEET; there are ${listed(fleets)}.`;

/** @throws SettingsError, or Ended when the state directory cannot be used or Redis cannot be reached */
export async function openOwnRuntime({ own, known }: Chosen, log: Logger): Promise<Runtime> {
  const { openRuntime } = await import('./wiring.ts');
  return orEnded(() => openRuntime(own, log, { known }));
}

/** The same for all that a role serves, over one Redis. */
export async function openServed(
  { own, known }: ReturnType<typeof served>,
  log: Logger,
  roles: readonly ('bot' | 'worker')[],
): Promise<Runtime[]> {
  const { openRuntimes } = await import('./wiring.ts');
  return orEnded(() => openRuntimes(own, log, { roles, known }));
}

async function orEnded<T>(open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Errors of the file system name their system call; what Redis says is in words already.
    if (error instanceof Refused) throw new Ended('settings', error.message);
    if ('syscall' in error) throw new Ended('settings', `stateDir cannot be used: ${error.message}`);
    throw new Ended('unreachable', error.message);
  }
}
