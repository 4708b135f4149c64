import { join } from 'node:path';
import { wordsOf } from '../base/errors.ts';
import type { Settings } from '../config/index.ts';
import { openReleases, withoutSigners } from '../releases/index.ts';
import type { Release } from '../upgrade/rollout/types.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const subject = 'releases';
/** Reading an archive takes a while, so only the newest are read. */
const readThrough = 5;

export interface ReleaseCheck {
  findings: Finding[];
  /** The one that needs most room on a node; null when none could be read. */
  largest: Release | null;
  /** null when it could not be read, too. */
  newest: Release | null;
}

/** Lists the archives and reads the newest through: signatures, hashes, and the binary that each should hold. */
export async function examineReleases(
  settings: Pick<Settings, 'releases' | 'fleet' | 'stateDir'>,
): Promise<ReleaseCheck> {
  const { releases, fleet, stateDir } = settings;
  const trust = trustOf(releases);
  if ('url' in releases) {
    const text = `from ${new URL(releases.url).host}; these cannot be listed, each is fetched and checked when it is asked for`;
    return { findings: [note(subject, text), trust], largest: null, newest: null };
  }
  if (trust.is === 'wrong') return { findings: [trust], largest: null, newest: null };
  const source = openReleases(releases, fleet.service, join(stateDir, 'releases'));
  try {
    const newest = (await source.versions()).toReversed().slice(0, readThrough);
    if (newest.length === 0) return none(`no ${fleet.service.name}-<version>.tar.gz in ${releases.directory}`);
    const read = await Promise.all(newest.map((version) => source.resolve(version).catch(wordsOf)));
    const sound = read.filter((each) => typeof each !== 'string');
    const [largest = null] = sound.toSorted((a, b) => b.binaryBytes - a.binaryBytes);
    const [first] = read;
    return { findings: [...findingsOf(read), trust], largest, newest: typeof first === 'object' ? first : null };
  } catch (error) {
    return { findings: [wrong(subject, `${wordsOf(error)} (${releases.directory})`)], largest: null, newest: null };
  }
}

const none = (what: string): ReleaseCheck => ({
  findings: [wrong(subject, `${what}: put archives, their .sha256 and their .sig there`)],
  largest: null,
  newest: null,
});

/** Whose signatures count, or that nothing can be accepted at all. */
function trustOf({ signers, unsigned }: Settings['releases']): Finding {
  if (signers.length === 0 && unsigned === 'refused') return wrong(subject, withoutSigners);
  const names = signers.map(({ name }) => name).join(', ') || 'nobody';
  return unsigned === 'allowed'
    ? note(subject, `signed by ${names}; what is NOT SIGNED IS ALLOWED by the settings (releases.unsigned)`)
    : right(subject, `what is not signed by ${names} is refused`);
}

function findingsOf(read: (Release | string)[]): Finding[] {
  const sound = read.filter((each) => typeof each !== 'string');
  const broken = read.filter((each) => typeof each === 'string').map((words) => wrong(subject, words));
  const signed = sound.filter((each) => each.signed !== null);
  const unsigned = sound.filter((each) => each.signed === null).map(({ version }) => version);
  return [
    ...(signed.length === 0 ? [] : [right(subject, `${signed.map(signedWord).join(', ')}: read and sound`)]),
    ...(unsigned.length === 0 ? [] : [note(subject, `${unsigned.join(', ')}: read and sound, NOT SIGNED`)]),
    ...broken,
  ];
}

const signedWord = ({ version, signed }: Release): string => `${version} (signed by ${signed?.by})`;
