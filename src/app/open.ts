import type { Logger } from 'pino';
import { Refused } from '../base/errors.ts';
import { loadSettings, type Settings } from '../config/index.ts';
import { Ended } from './cli/exit.ts';
import type { Runtime } from './wiring.ts';

export const settingsFile = (): string => process.env.ZEITWORK_CONFIG ?? 'zeitwork.yaml';

/** @throws SettingsError */
export const settings = (): Settings => loadSettings(settingsFile(), process.env);

/** @throws SettingsError, or Ended when the state directory cannot be used or Redis cannot be reached */
export async function openOwnRuntime(
  own: Settings,
  log: Logger,
  roles: readonly ('bot' | 'worker')[] = [],
): Promise<Runtime> {
  const { openRuntime } = await import('./wiring.ts');
  try {
    return await openRuntime(own, log, undefined, roles);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // Errors of the file system name their system call; what Redis says is in words already.
    if (error instanceof Refused) throw new Ended('settings', error.message);
    if ('syscall' in error) throw new Ended('settings', `stateDir cannot be used: ${error.message}`);
    throw new Ended('unreachable', error.message);
  }
}
