import { minute, second } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { redact, redactLines } from '../base/redact.ts';
import { sourceIn } from '../building/index.ts';
import { fetchScript, lookScript, type Machine, overThere, sightIn, talkTo, Unsure } from '../running/index.ts';
import type { Source } from '../upgrade/ledger/types.ts';
import type { Shell } from '../upgrade/ssh/types.ts';
import { askScript, fenceScript, startScript, statusScript } from './scripts.ts';
import type { Migrating } from './types.ts';

/** What the database's host tells of a migration. `lines`: the last ones of its log, redacted. */
export type MigrationSight =
  | { is: 'none' }
  | { is: 'running'; lines: string[] }
  /** `wrong`: why it is no success; null: it ended well. */
  | { is: 'ended'; wrong: string | null; lines: string[] };

/** A name that no other migration has, and the number that its host compares. */
export interface MigrationName {
  name: string;
  /** Digits of more than a JavaScript number holds. */
  number: string;
}

/** The host of the database. What it refuses is thrown as `Refused`, what nobody knows as `Unsure`. */
export interface Database {
  schema(signal: AbortSignal): Promise<number>;
  /** Epoch ms of the last backup. @throws Refused where the settings name nobody to ask */
  backedUpAt(signal: AbortSignal): Promise<number>;
  /**
   * Whether a lock of a session outlives it: then a pooler of transactions stands between, and the lock of a migration tool holds
   * nothing. Null: the database does not tell.
   */
  pooled(signal: AbortSignal): Promise<boolean | null>;
  /** What the status command of a version says, redacted; null: the settings have none. */
  status(source: Source, signal: AbortSignal): Promise<string[] | null>;
  /** Fetches the tag and makes an export of its commit there. */
  resolve(version: string, signal: AbortSignal): Promise<Source>;
  /** Whatever has a lower number begins nothing any more. */
  fence(number: string, signal: AbortSignal): Promise<void>;
  look(of: MigrationName, signal: AbortSignal): Promise<MigrationSight>;
  /** Begins it, once, however often it is asked to. */
  start(of: MigrationName, source: Source, which: 'before' | 'after', signal: AbortSignal): Promise<void>;
}

export interface DatabaseParts {
  fleet: string;
  settings: Migrating;
  machine: Machine;
  /** `group`: the worker's very machine, without systemd. */
  by: 'unit' | 'group';
  folders: { login: string; root: string };
}

/** Bytes of memory, and of a log. */
const memory = 4 * 1024 ** 3;
const logMost = 16 * 1024 * 1024;
const lastLines = 20;
/** Of advisory locks; nobody else's, one hopes, and nobody is kept waiting by it. */
const lockOfOurs = 20_610_424;
const longestLine = 300;

export function createDatabasePlace({ fleet, settings, machine, by, folders }: DatabaseParts): Database {
  const talk = talkTo(machine, 'Nothing was migrated', (word, detail) => refusal(word, detail, settings));
  const sudo = by === 'unit';
  const folder = `zeitwork-migration-${fleet}`;
  const answerTo = async (name: string, stdin: string, command: readonly string[], signal: AbortSignal) => {
    const args = [settings.env, by, stdin, ...command];
    const output = await talk(name, askScript, args, signal, { sudo, timeoutMs: 2 * minute });
    return redact((output.get('answer') ?? []).join('\n')).trim();
  };
  return {
    async schema(signal) {
      const answer = await answerTo('ask for the schema', settings.version, settings.query, signal);
      if (/^\d{1,9}$/.test(answer)) return Number(answer);
      throw new Unsure(`the database does not tell its schema: ${answer.slice(0, 300) || 'it says nothing'}`);
    },
    async backedUpAt(signal) {
      const { command } = settings.backup;
      if (command === null) throw new Refused('The settings name no command that tells of the last backup.');
      const answer = await answerTo('ask for the last backup', '', command, signal);
      const at = /^\d{9,11}$/.test(answer) ? Number(answer) * second : Date.parse(answer);
      if (Number.isFinite(at) && /^\d/.test(answer)) return at;
      throw new Unsure(`the command does not tell when the last backup was made: ${answer.slice(0, 300) || 'nothing'}`);
    },
    async pooled(signal) {
      const ask = (sql: string) => answerTo('ask for a lock', sql, settings.query, signal);
      if (!/^[tf]$/.test(await ask(`select pg_try_advisory_lock(${lockOfOurs})`))) return null;
      for (let looks = 0; ; looks += 1) {
        const held = await ask(
          `select count(*) from pg_locks where locktype = 'advisory' and objid = ${lockOfOurs} and granted and database = (select oid from pg_database where datname = current_database())`,
        );
        if (!/^\d+$/.test(held)) return null;
        if (held === '0') return false;
        // A session that was just left may take a moment to be gone.
        if (looks === 2) return true;
      }
    },
    async status({ commit }, signal) {
      if (settings.status === null) return null;
      const args = [settings.env, by, `${folders.login}/source/${commit}.tar`, settings.folder, ...settings.status];
      const output = await talk('ask what is applied', statusScript, args, signal, { sudo, timeoutMs: 5 * minute });
      return lastOf(Buffer.from((output.get('answer') ?? []).join('\n')));
    },
    async resolve(version, signal) {
      const args = [folders.login, version, settings.repository];
      const output = await talk('fetch a tag', fetchScript, args, signal, { sudo: false, timeoutMs: 10 * minute });
      return sourceIn(output, version, settings.signedBy);
    },
    async fence(number, signal) {
      await talk('fence a migration', fenceScript, [folders.root, number], signal, { sudo });
    },
    async look({ name }, signal) {
      const read = async (from: number) =>
        sightIn(
          await talk('look at a migration', lookScript, [folders.root, name, from, logMost * 2], signal, { sudo }),
        );
      const seen = await read(0);
      const end = seen.size > 20_000 ? await read(seen.size - 20_000) : seen;
      if (end.is === 'none') return { is: 'none' };
      const lines = lastOf(end.text);
      if (end.is === 'running') return { is: 'running', lines };
      return { is: 'ended', wrong: wrongIn(end.how, settings), lines };
    },
    async start({ name, number }, source, which, signal) {
      const command = settings[which];
      if (command === null) throw new Refused(`The settings have no database.${which}.`);
      const commands = [...(settings.prepare === null ? [] : [settings.prepare]), command];
      const words = commands.flatMap((each) => [each.length, ...each]);
      const limits = [Math.ceil(settings.limit / second), memory, logMost, folder];
      const from = `${folders.login}/source/${source.commit}.tar`;
      const args = [folders.root, name, number, by, from, settings.folder, settings.env, ...limits, ...words];
      await talk('begin a migration', startScript, args, signal, { sudo });
    },
  };
}

const lastOf = (text: Buffer): string[] =>
  redactLines(text.toString('utf8').trimEnd().split(/\r?\n/))
    .slice(-lastLines)
    .map((line) => (line.length > longestLine ? `${line.slice(0, longestLine - 1)}…` : line));

function wrongIn([word, detail]: readonly [string, string], { limit }: Migrating): string | null {
  switch (word) {
    case 'exited':
      return detail === '0' ? null : `it ended with ${detail}`;
    case 'signal':
      return `it was killed (signal ${detail})`;
    case 'time':
      return `it was not over after ${Math.round(limit / second)} s (database.limit)`;
    case 'memory':
      return 'it wanted more memory than it may have';
    case 'unstarted':
      return 'systemd did not begin it';
    case 'gone':
      return 'it was cut off: its host was restarted, or somebody ended it there';
    default:
      return `nobody knows how it ended (${redact(`${word} ${detail}`).slice(0, 80)})`;
  }
}

function refusal(word: string, detail: string, { env }: Migrating): Error | null {
  switch (word) {
    case 'newer':
      return new Refused(`A newer run had to do with the database already, number ${detail}.`);
    case 'no-file':
      return new Refused(`There is no ${env} on the database's host (database.env).`);
    case 'runs':
      return new Refused(`Another migration runs there still: ${detail}. Wait for its end, and look what it did.`);
    default:
      return null;
  }
}

/** The database of a fleet, on the host that its settings name. */
export const databaseOn = (fleet: string, settings: Migrating, shell: Pick<Shell, 'run'>): Database =>
  createDatabasePlace({
    ...{ fleet, settings, machine: overThere(shell, settings.host.name), by: 'unit' },
    folders: { login: `.zeitwork-migrations/${fleet}`, root: `/var/lib/zeitwork-migrations/${fleet}` },
  });
