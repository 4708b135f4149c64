import { existsSync } from 'node:fs';
import { delimiter } from 'node:path';
import { Ended } from './exit.ts';

/** Flags of this command line that every word takes: which settings are read, and which of their fleets is meant. */
export const fleetFlags: readonly string[] = ['config', 'fleet'];

export interface Which {
  /** Files and directories of settings; empty: as the environment says. */
  config: string[];
  /** Names of fleets; empty: as the environment says. */
  fleet: string[];
}

/** Takes `--config FILE` and `--fleet NAME`, each as often as it is written, out of what was typed. @throws Ended */
export function takeWhich(argv: readonly string[]): Which & { rest: string[] } {
  const found: Which & { rest: string[] } = { config: [], fleet: [], rest: [] };
  for (let at = 0; at < argv.length; at++) {
    const word = argv[at] ?? '';
    const [, flag, inline] = /^--(config|fleet)(?:=([\s\S]*))?$/.exec(word) ?? [];
    if (flag !== 'config' && flag !== 'fleet') {
      found.rest.push(word);
      continue;
    }
    const value = inline ?? argv[++at];
    if (value === undefined || value === '' || value.startsWith('--'))
      throw new Ended('usage', `--${flag} needs a value: ${flag === 'config' ? '--config FILE' : '--fleet NAME'}`);
    found[flag].push(value);
  }
  return found;
}

/** What was typed counts instead of the environment, for this process and what it starts. */
export function heed({ config, fleet }: Which, env: NodeJS.ProcessEnv): void {
  if (config.some((each) => each.includes(delimiter)))
    throw new Ended('usage', `--config: a path with "${delimiter}" in it is read as several; give it another name`);
  if (config.length > 0) env.ZEITWORK_CONFIG = config.join(delimiter);
  if (fleet.length > 0) env.ZEITWORK_FLEET = fleet.join(',');
}

/** Files and directories, as PATH has them. */
export function configIn({ ZEITWORK_CONFIG: written = '' }: NodeJS.ProcessEnv): string[] {
  if (written === '') return ['zeitwork.yaml'];
  return existsSync(written) ? [written] : written.split(delimiter).filter((each) => each !== '');
}

/** The fleets that are named, each once; null: none is. */
export function fleetsIn({ ZEITWORK_FLEET: written = '' }: NodeJS.ProcessEnv): string[] | null {
  const named = [...new Set(written.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  return named.length === 0 ? null : named;
}
