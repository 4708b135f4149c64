import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from '../base/errors.ts';
import { serviceOf } from '../upgrade/rollout/index.ts';
import type { Host } from '../upgrade/ssh/types.ts';
import { loadSettings } from './load.ts';
import { type Path, showPath } from './problems.ts';
import { readSource } from './source.ts';
import { type Settings, SettingsError } from './types.ts';

/** What several settings files come to: each sound one is one fleet. */
export interface Fleets {
  fleets: Settings[];
  /** One for each file that cannot be used, with all that is wrong in it. */
  faults: SettingsError[];
  /** What is wrong between files that are right one by one; a line each, with file, line and key. */
  clashes: string[];
}

/**
 * A directory stands for every settings file in it, by its name.
 * @param named files and directories @throws SettingsError for one that cannot be looked into, or has none
 */
export function settingsFiles(named: readonly string[]): string[] {
  return [...new Set(named.flatMap(filesIn))];
}

function filesIn(named: string): string[] {
  // A file that is not there is told by whoever reads it.
  if (statSync(named, { throwIfNoEntry: false })?.isDirectory() !== true) return [named];
  const found = namesIn(named).filter((name) => /^[^.].*\.ya?ml$/.test(name));
  if (found.length === 0)
    throw new SettingsError(`${named}: there is no settings file in it; their names end with .yaml`);
  return found.toSorted().map((name) => join(named, name));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    throw new SettingsError(`${directory} cannot be read: ${wordsOf(error)}`);
  }
}

/** Reads them all; whoever starts for good wants neither faults nor clashes. */
export function loadFleets(files: readonly string[], env: NodeJS.ProcessEnv): Fleets {
  const fleets: Settings[] = [];
  const faults: SettingsError[] = [];
  for (const file of files) {
    try {
      fleets.push(loadSettings(file, env));
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      faults.push(error);
    }
  }
  return { fleets, faults, clashes: clashesOf(fleets) };
}

/** @throws SettingsError with all that is wrong: of several fleets none is begun while one of them cannot be */
export function soundFleets({ fleets, faults, clashes }: Fleets): Settings[] {
  const wrong = [...faults.map(({ message }) => message), ...clashes];
  if (wrong.length === 0) return fleets;
  const alone = fleets.length + faults.length === 1;
  throw new SettingsError(alone ? wrong.join('\n') : [...wrong, wayOn(fleets, faults)].join('\n'));
}

const wayOn = (fleets: readonly Settings[], faults: readonly SettingsError[]): string =>
  faults.length === 0 || fleets.length === 0
    ? 'No fleet is begun before that is mended.'
    : `No fleet is begun before that is mended, or that file is left out: the others are ${fleets.map(({ fleet }) => fleet.name).join(', ')}.`;

/** Something that only one fleet of a process may have. */
interface Own {
  what: string;
  /** Equal for the same thing. */
  key: string;
  path: Path;
  settings: Settings;
  /** @param other the fleet that has it already */
  words(other: Settings): string;
}

function clashesOf(fleets: readonly Settings[]): string[] {
  const taken = new Map<string, Settings>();
  const own = fleets.flatMap(ownOf).flatMap((each) => {
    const key = `${each.what} ${each.key}`;
    const other = taken.get(key);
    if (other === undefined) taken.set(key, each.settings);
    return other === undefined || other === each.settings ? [] : [line(each.settings, each.path, each.words(other))];
  });
  return [...own, ...common(fleets), ...fleets.flatMap((each) => withoutProof(each, fleets))];
}

function ownOf(settings: Settings): Own[] {
  const { fleet, slack, stateDir } = settings;
  const of = (what: string, key: string, path: Path, words: Own['words']): Own => ({
    what,
    key,
    path,
    settings,
    words,
  });
  return [
    of(
      'fleet',
      fleet.name,
      ['fleet'],
      (other) => `"${fleet.name}" is the fleet of ${other.file}, too; each has a name of its own`,
    ),
    of(
      'channel',
      slack.channel,
      ['channel'],
      (other) =>
        `${slack.channel} is the channel of ${nameOf(other)}, too; the channel says which fleet is meant, so each has its own`,
    ),
    of(
      'state',
      stateDir,
      ['stateDir'],
      (other) =>
        `${stateDir} is the one of ${nameOf(other)}, too; its keys and what it has seen are of one fleet: write another, like stateDir: state/${fleet.name}`,
    ),
    ...fleet.regions.flatMap(({ nodes }, at) =>
      nodes.flatMap(({ name }, index) => {
        const host = settings.hosts[name];
        if (host === undefined) return [];
        return [serviceOf(fleet, name).unit].map((unit) =>
          of(
            'unit',
            `${machineOf(host)} ${unit}`,
            ['regions', at, 'nodes', index],
            (other) =>
              `${name} is a node of ${nameOf(other)}, too (${host.address}:${host.port}), with the same unit ${unit}; a unit of a machine belongs to one fleet`,
          ),
        );
      }),
    ),
  ];
}

const nameOf = ({ fleet, file }: Settings): string => `${fleet.name} (${file})`;

/** The same address behind another jump host is another machine. */
function machineOf({ address, port, jump }: Host): string {
  const own = `${address.toLowerCase()}:${port}`;
  return jump === undefined ? own : `${machineOf(jump)} ${own}`;
}

/** What a process has once, so that all of its fleets must say the same or nothing. */
function common(fleets: readonly Settings[]): string[] {
  const differing = (path: Path, of: (settings: Settings) => string | null, why: string) => {
    const [first, ...others] = fleets.filter((each) => of(each) !== null);
    return others
      .filter((each) => first !== undefined && of(each) !== of(first))
      .map((each) =>
        line(each, path, `is another one than that of ${first === undefined ? '' : nameOf(first)}; ${why}`),
      );
  };
  return [
    ...differing(['team'], ({ slack }) => slack.team, 'one connection serves one workspace'),
    ...differing(
      ['metrics', 'listen'],
      ({ metrics }) => (metrics === null ? null : `${metrics.host} ${metrics.port}`),
      'a process is asked at one place',
    ),
  ];
}

/** Without a file the proof is read where that fleet's own rollouts are. */
function withoutProof(settings: Settings, fleets: readonly Settings[]): string[] {
  const { proven } = settings;
  if (proven === null || proven.journal !== null || fleets.some(({ fleet }) => fleet.name === proven.fleet)) return [];
  const words = `"${proven.fleet}" is not among the settings of this process; give them as well (--config), or write proven.journal and proven.keys`;
  return [line(settings, ['proven', 'fleet'], words)];
}

/** The line is looked up anew: what was parsed has forgotten it. */
function line({ file }: Settings, path: Path, words: string): string {
  return `${file}:${lineIn(file, path)}: ${showPath(path)}: ${words}`;
}

function lineIn(file: string, path: Path): number {
  try {
    return readSource(readFileSync(file, 'utf8')).source?.lineOf(path) ?? 1;
  } catch {
    return 1;
  }
}
