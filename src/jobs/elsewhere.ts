import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../base/clock.ts';
import { isNewer } from '../base/version.ts';
import { createNotary, type Notary } from '../trust/index.ts';
import { allBrought } from '../upgrade/rollout/index.ts';
import type { Elsewhere, Release, Rollout } from '../upgrade/rollout/types.ts';
import { exportIn, faultInExport } from './exported.ts';
import { type ChainedEntry, spelledLine } from './journal.ts';
import { reasonOf } from './log.ts';
import { Newer, replay, Tampered } from './replay.ts';
import type { Store } from './types.ts';

/** Where a release must have been proven before it is begun here. */
export interface ProvenOn {
  fleet: string;
  /** What `zeitwork export` wrote: a file, or a folder of such files (`*.jsonl`). null: that fleet is asked itself. */
  journal: string | null;
  /** Public keys of that fleet's programs; null where it is asked itself. */
  keys: { bot: readonly string[]; worker: readonly string[] } | null;
  /** Milliseconds for which it must have stood there. */
  for: number;
  /** Milliseconds after which that counts no more; null, or absent: never. */
  within?: number | null;
  /** `well`: also on the day after. `done` when absent. */
  atLeast?: 'done' | 'well';
  /** `held` when absent. */
  otherwise?: 'held' | 'refused' | 'warned';
}

/** Reads the proof of a release, now; it does not throw, and what cannot be read is no proof. */
export type AskElsewhere = (release: Pick<Release, 'version' | 'archiveSha256'>) => Promise<Elsewhere>;

/** A fleet whose store is at hand: what it believes of itself is what its own programs believe. */
export type Nearby = Pick<Store, 'latest' | 'headOf'>;

/** Years of rollouts; more is not read into memory. */
const limit = 64 * 1024 * 1024;
/** Files of a folder. */
const mostFiles = 100;
/** Of a fleet that is at hand, so many of its newest rollouts are looked through. */
const mostLooked = 30;

/** A rollout as its signed journal has it. */
interface Known {
  rollout: Rollout;
  /** Hash of the last line. */
  head: string;
  /** Epoch ms up to which it is known. */
  at: number;
}

/** Why there is no proof, in words that say what to do. */
class Unproven extends Error {}

/**
 * Files that are still the same are not read again: each look asks, and so does each stop.
 * @param nearby the fleet of `source`, where its settings are here; null where they are not
 */
export function createElsewhere(
  source: ProvenOn | null,
  clock: Pick<Clock, 'now'>,
  nearby: Nearby | null = null,
): AskElsewhere {
  if (source === null) return async () => ({ is: 'not wanted' });
  const read = readerOf(source, clock, nearby);
  return async (release) => {
    try {
      return judge(await read(), source, release, clock.now());
    } catch (error) {
      if (error instanceof Unproven) return lacking(source, error.message);
      const why = error instanceof Tampered ? `${error.rollout}: ${error.what}` : reasonOf(error);
      return lacking(
        source,
        `nobody can tell whether ${release.version} was proven on ${source.fleet}: its journal${source.journal === null ? '' : ` in ${source.journal}`} cannot be believed: ${why}`,
      );
    }
  };
}

function lacking({ otherwise = 'held' }: ProvenOn, reason: string): Elsewhere {
  if (otherwise === 'warned') return { is: 'doubted', reason };
  return { is: 'unproven', reason, ...(otherwise === 'refused' ? { refuses: true as const } : {}) };
}

function readerOf(source: ProvenOn, clock: Pick<Clock, 'now'>, nearby: Nearby | null): () => Promise<Known[]> {
  const { journal, keys, fleet } = source;
  if (journal !== null && keys !== null) return readerOfFiles(journal, fleet, keys);
  return async () => {
    if (nearby === null) throw new Error(`the settings of ${fleet} are not among those of this process`);
    const at = clock.now();
    const latest = await nearby.latest(mostLooked);
    return latest.map((rollout) => ({ rollout, head: nearby.headOf(rollout.id)?.hash ?? '', at }));
  };
}

function readerOfFiles(journal: string, fleet: string, keys: NonNullable<ProvenOn['keys']>): () => Promise<Known[]> {
  const notary = createNotary(null, { decisions: keys.bot, reports: keys.worker });
  let known: { state: string; read: Promise<Known[]> } | null = null;
  return async () => {
    const files = await filesIn(journal);
    const found = await Promise.all(files.map(described));
    const size = found.reduce((sum, each) => sum + each.size, 0);
    if (found.some(({ isFile }) => !isFile)) throw new Error('it is no file');
    if (size > limit) throw new Error(`it is larger than ${limit} bytes; export the one rollout`);
    const state = JSON.stringify([
      files,
      found.map(({ ino, size, mtimeNs, ctimeNs }) => [ino, size, mtimeNs, ctimeNs].join()),
    ]);
    if (known?.state !== state) known = { state, read: readExports(files, fleet, notary) };
    return known.read;
  };
}

/** One that was only half copied is not looked for under that name. */
async function filesIn(journal: string): Promise<string[]> {
  if (!(await stat(journal)).isDirectory()) return [journal];
  const names = (await readdir(journal)).filter((name) => /^[^.].*\.jsonl$/.test(name));
  if (names.length === 0) throw new Error('there is no export in it; their names end with .jsonl');
  if (names.length > mostFiles) throw new Error(`it holds more than ${mostFiles} exports; take the old ones away`);
  return names.toSorted().map((name) => join(journal, name));
}

async function described(file: string) {
  const found = await stat(file, { bigint: true });
  const { ino, size, mtimeNs, ctimeNs } = found;
  return { ino, size: Number(size), mtimeNs, ctimeNs, isFile: found.isFile() };
}

/** Of each rollout what goes furthest. One file that cannot be believed is enough to believe none: it may be the one that tells of a way back. */
async function readExports(files: readonly string[], fleet: string, notary: Notary): Promise<Known[]> {
  const furthest = new Map<string, Known>();
  for (const file of files) {
    for (const each of await readExport(file, fleet, notary).catch((error: unknown) => inFile(files, file, error))) {
      const before = furthest.get(each.rollout.id);
      const isLater = before === undefined || each.rollout.revision > before.rollout.revision;
      if (isLater || (each.head === before.head && each.at > before.at)) furthest.set(each.rollout.id, each);
    }
  }
  return [...furthest.values()];
}

function inFile(files: readonly string[], file: string, error: unknown): never {
  if (files.length === 1) throw error;
  throw new Error(`${basename(file)}: ${error instanceof Tampered ? error.what : reasonOf(error)}`);
}

/** @throws Error for whatever is missing, does not follow from what was signed, or was signed by nobody whose keys are named */
async function readExport(file: string, fleet: string, notary: Notary): Promise<Known[]> {
  const { journals, end } = exportIn(await readFile(file, 'utf8'));
  if (end.fleet !== fleet) throw new Error(`it is of ${end.fleet}`);
  const fault = faultInExport(end, notary);
  if (fault !== null) throw new Error(`its last line: ${fault}`);
  const found: Known[] = [];
  for (const [id, head] of Object.entries(end.heads)) {
    const rollout = folded({ fleet, journal: id }, journals.get(id) ?? [], head, notary);
    found.push({ rollout, head, at: end.at });
    await nextTurn();
  }
  return found;
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
function judge(all: readonly Known[], source: ProvenOn, release: Parameters<AskElsewhere>[0], now: number): Elsewhere {
  const { fleet, within = null } = source;
  const { version, archiveSha256 } = release;
  const again =
    source.journal === null ? '' : `, as far as ${source.journal} goes; export it again when that has changed`;
  const unproven = (what: string) => new Unproven(`${version} is not proven on ${fleet}: ${what}`);
  const newest = newestOf(all.filter(({ rollout }) => isUpgrade(rollout) && brings(rollout, archiveSha256)));
  if (newest === null) {
    const isOther = all.some(({ rollout }) => isUpgrade(rollout) && versionsIn(rollout).includes(version));
    const what = isOther ? `another archive of ${version} was rolled out there` : 'it was not rolled out there';
    const how = source.journal === null ? '' : `, then write ${source.journal} anew with zeitwork export`;
    throw unproven(`${what}. Roll exactly this archive out there${how}`);
  }
  const { status, id, unsigned, onlyBack, afterwards } = newest.rollout;
  if (status.is !== 'done' || unsigned || onlyBack) {
    const how =
      status.is === 'rolled-back' ? 'was rolled back' : status.is === 'stopped' ? 'was stopped' : 'is not finished';
    throw unproven(`${id} ${how} there${again}`);
  }
  const next = replacedBy(all, newest.rollout, archiveSha256);
  if (next !== null && isNewer(version, next.version))
    throw unproven(`${id} was followed there by the older ${next.version} (${next.rollout.id})`);
  if (source.atLeast === 'well' && afterwards?.end?.is !== 'well')
    throw unproven(`${id} was ${notWell(afterwards)}${again}`);
  // As far as is known: what came after that may have been the way back.
  const until = Math.min(newest.at, now, next?.rollout.startedAt ?? Number.POSITIVE_INFINITY);
  if (until - status.at < source.for) throw new Unproven(tooShort(source, release, status.at, next));
  if (within !== null && now - status.at > within)
    throw unproven(
      `${id} was finished there at ${minuteOf(status.at)}, which is longer ago than proven.within lets count; roll it out there anew`,
    );
  return { is: 'proven', fleet, since: status.at, rollout: id, head: newest.head };
}

function tooShort(
  { fleet, journal, for: wanted }: ProvenOn,
  { version }: Parameters<AskElsewhere>[0],
  since: number,
  next: Replacement | null,
): string {
  const what = `${version} has not been proven on ${fleet} for long enough`;
  if (next !== null)
    return `${what}: ${next.version} (${next.rollout.id}) took its place there. Roll it out there anew`;
  const enough = minuteOf(since + wanted);
  return journal === null
    ? `${what}: it has at ${enough}`
    : `${what}, as far as ${journal} goes: export it there again after ${enough}`;
}

const minuteOf = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

const brings = (rollout: Rollout, archive: string): boolean =>
  allBrought(rollout).some(({ release }) => release.archiveSha256 === archive);
const versionsIn = (rollout: Rollout): string[] => allBrought(rollout).map(({ release }) => release.version);

/** What brings nothing new says nothing of a release. */
const isUpgrade = ({ change, recovery }: Rollout): boolean => change === undefined && recovery === undefined;

function newestOf(all: readonly Known[]): Known | null {
  return all.toSorted((a, b) => b.rollout.createdAt - a.rollout.createdAt)[0] ?? null;
}

interface Replacement {
  version: string;
  rollout: Rollout;
}

/** What worked on nodes there after it, with another archive of the same service. */
function replacedBy(all: readonly Known[], proven: Rollout, archive: string): Replacement | null {
  const of = allBrought(proven).find(({ release }) => release.archiveSha256 === archive)?.service.name;
  const later = all.flatMap(({ rollout }) => {
    if (rollout.createdAt <= proven.createdAt || rollout.startedAt === null || !isUpgrade(rollout)) return [];
    const other = allBrought(rollout).find(({ service }) => service.name === of)?.release;
    return other === undefined || other.archiveSha256 === archive ? [] : [{ version: other.version, rollout }];
  });
  return later.toSorted((a, b) => a.rollout.createdAt - b.rollout.createdAt)[0] ?? null;
}

function notWell(afterwards: Rollout['afterwards']): string {
  if (afterwards === undefined) return 'not looked after once it was done (aftercare.watch in the settings there)';
  return afterwards.end === null ? 'not seen through its day after yet' : 'not well on its day after';
}
