import { join } from 'node:path';
import { wordsOf } from '../base/errors.ts';
import type { Settings } from '../config/index.ts';
import { openReleases } from '../releases/index.ts';
import type { Release } from '../upgrade/rollout/types.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const subject = 'releases';
/** Reading an archive takes a while, so only the newest are read. */
const readThrough = 5;

export interface ReleaseCheck {
  findings: Finding[];
  /** The one that needs most room on a node; null when none could be read. */
  largest: Release | null;
}

/** Lists the archives and reads the newest through: hashes, and the binary that each should hold. */
export async function examineReleases(
  settings: Pick<Settings, 'releases' | 'fleet' | 'stateDir'>,
): Promise<ReleaseCheck> {
  const { releases, fleet, stateDir } = settings;
  if ('url' in releases) {
    const text = `from ${new URL(releases.url).host}; these cannot be listed, each is fetched and checked when it is asked for`;
    return { findings: [note(subject, text)], largest: null };
  }
  const source = openReleases(releases, fleet.service, join(stateDir, 'releases'));
  try {
    const newest = (await source.versions()).toReversed().slice(0, readThrough);
    if (newest.length === 0) return none(`no ${fleet.service.name}-<version>.tar.gz in ${releases.directory}`);
    const read = await Promise.all(newest.map((version) => source.resolve(version).catch(wordsOf)));
    const sound = read.filter((each) => typeof each !== 'string');
    const [largest = null] = sound.toSorted((a, b) => b.binaryBytes - a.binaryBytes);
    return { findings: findingsOf(read), largest };
  } catch (error) {
    return { findings: [wrong(subject, wordsOf(error))], largest: null };
  }
}

const none = (what: string): ReleaseCheck => ({
  findings: [wrong(subject, `${what}: put archives and their .sha256 there`)],
  largest: null,
});

function findingsOf(read: (Release | string)[]): Finding[] {
  const sound = read.filter((each) => typeof each !== 'string').map(({ version }) => version);
  const broken = read.filter((each) => typeof each === 'string').map((words) => wrong(subject, words));
  return sound.length === 0 ? broken : [right(subject, `${sound.join(', ')}: read and sound`), ...broken];
}
