import { readFile, stat } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { createNotary, type Notary } from '../trust/index.ts';
import { allBrought } from '../upgrade/rollout/index.ts';
import type { Elsewhere, Release, Rollout } from '../upgrade/rollout/types.ts';
import { exportIn, faultInExport } from './exported.ts';
import { type ChainedEntry, spelledLine } from './journal.ts';
import { reasonOf } from './log.ts';
import { Newer, replay, Tampered } from './replay.ts';

/** Where a release must have been proven before it is begun here. */
export interface ProvenOn {
  fleet: string;
  /** A file: what `zeitwork export` wrote there. */
  journal: string;
  /** Public keys of that fleet's programs. */
  keys: { bot: readonly string[]; worker: readonly string[] };
  /** Milliseconds for which it must have stood there. */
  for: number;
}

/** Reads the proof of a release, now; it does not throw, and what cannot be read is no proof. */
export type AskElsewhere = (release: Pick<Release, 'version' | 'archiveSha256'>) => Promise<Elsewhere>;

/** Years of rollouts; more is not read into memory. */
const limit = 64 * 1024 * 1024;

/** What an export proves: each rollout as its signed journal has it, at that moment. */
interface Read {
  at: number;
  rollouts: Rollout[];
}

/** Why there is no proof, in words that say what to do. */
class Unproven extends Error {}

/** A file that is still the same is not read again: each look asks, and so does each stop. */
export function createElsewhere(source: ProvenOn | null, clock: Pick<Clock, 'now'>): AskElsewhere {
  if (source === null) return async () => ({ is: 'not wanted' });
  const notary = createNotary(null, { decisions: source.keys.bot, reports: source.keys.worker });
  let known: { state: string; read: Promise<Read> } | null = null;
  const read = async (): Promise<Read> => {
    const { ino, size, mtimeNs, ctimeNs, isFile } = await described(source.journal);
    if (!isFile) throw new Error('it is no file');
    if (size > limit) throw new Error(`it is larger than ${limit} bytes; export the one rollout`);
    const state = [ino, size, mtimeNs, ctimeNs].join();
    if (known?.state !== state) known = { state, read: readExport(source, notary) };
    return known.read;
  };
  return async (release) => {
    try {
      return judge(await read(), source, release, clock.now());
    } catch (error) {
      if (error instanceof Unproven) return { is: 'unproven', reason: error.message };
      const why = error instanceof Tampered ? error.what : reasonOf(error);
      return {
        is: 'unproven',
        reason: `nobody can tell whether ${release.version} was proven on ${source.fleet}: its journal in ${source.journal} cannot be believed: ${why}`,
      };
    }
  };
}

async function described(file: string) {
  const found = await stat(file, { bigint: true });
  const { ino, size, mtimeNs, ctimeNs } = found;
  return { ino, size: Number(size), mtimeNs, ctimeNs, isFile: found.isFile() };
}

/** @throws Error for whatever is missing, does not follow from what was signed, or was signed by nobody whose keys are named */
async function readExport({ journal, fleet }: ProvenOn, notary: Notary): Promise<Read> {
  const { journals, end } = exportIn(await readFile(journal, 'utf8'));
  if (end.fleet !== fleet) throw new Error(`it is of ${end.fleet}`);
  const fault = faultInExport(end, notary);
  if (fault !== null) throw new Error(`its last line: ${fault}`);
  const rollouts: Rollout[] = [];
  for (const [id, head] of Object.entries(end.heads)) {
    rollouts.push(folded({ fleet, journal: id }, journals.get(id) ?? [], head, notary));
    await nextTurn();
  }
  return { at: end.at, rollouts };
}

function folded(place: { fleet: string; journal: string }, stored: string[], head: string, notary: Notary): Rollout {
  const lines = stored.map((line) => {
    const entry = spelledLine<ChainedEntry['event']>(line);
    if (entry === null) throw new Error(`the journal of ${place.journal} has a line that is none of ours`);
    return entry;
  });
  if (lines.at(-1)?.hash !== head)
    throw new Error(`the journal of ${place.journal} does not go as far as it did there`);
  const { rollout } = foldedLines(place, lines, notary);
  if (rollout === null) throw new Error(`nobody signed the journal of ${place.journal}`);
  return rollout;
}

function foldedLines(place: { fleet: string; journal: string }, lines: ChainedEntry[], notary: Notary) {
  try {
    return replay(place, null, lines, notary);
  } catch (error) {
    if (error instanceof Newer) throw new Error(`a newer version of zeitwork wrote ${place.journal}: update this one`);
    throw error;
  }
}

/** The newest rollout of exactly this archive decides: what was gone back from, or is not over, proves nothing. */
function judge({ at, rollouts }: Read, source: ProvenOn, release: Parameters<AskElsewhere>[0], now: number): Elsewhere {
  const { fleet, journal } = source;
  const { version, archiveSha256 } = release;
  const [newest] = rollouts
    .filter((each) => allBrought(each).some(({ release: its }) => its.archiveSha256 === archiveSha256))
    .toSorted((a, b) => b.createdAt - a.createdAt);
  if (newest === undefined) {
    const isOther = rollouts.some((each) => allBrought(each).some(({ release: its }) => its.version === version));
    const what = isOther ? `another archive of ${version} was rolled out there` : 'it was not rolled out there';
    throw new Unproven(
      `${version} is not proven on ${fleet}: ${what}. Roll exactly this archive out there, then write ${journal} anew with zeitwork export`,
    );
  }
  const { status, id, unsigned, onlyBack } = newest;
  if (status.is !== 'done' || unsigned || onlyBack) {
    const how =
      status.is === 'rolled-back' ? 'was rolled back' : status.is === 'stopped' ? 'was stopped' : 'is not finished';
    throw new Unproven(
      `${version} is not proven on ${fleet}: ${id} ${how} there, as far as ${journal} goes; export it again when that has changed`,
    );
  }
  // As far as is known: what the file does not tell may have been the way back.
  const stood = Math.min(at, now) - status.at;
  if (stood >= source.for) return { is: 'proven', fleet, since: status.at };
  const enough = new Date(status.at + source.for).toISOString().slice(0, 16).replace('T', ' ');
  throw new Unproven(
    `${version} has not been proven on ${fleet} for long enough, as far as ${journal} goes: export it there again after ${enough} UTC`,
  );
}
