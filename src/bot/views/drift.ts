import { short } from '../../base/hash.ts';
import { type Compared, isProven, type Off } from '../../upgrade/ledger/index.ts';
import type { Ledger, Left } from '../../upgrade/ledger/types.ts';
import type { NodeSurvey } from '../../upgrade/rollout/types.ts';
import { runName } from './found.ts';
import { foreign, who } from './text.ts';

/** Nodes that do not run what was left there last, a line each. */
export function driftLines({ nodes }: Pick<Ledger, 'nodes'>, seen: readonly NodeSurvey[]): string[] {
  return seen.flatMap(({ node, version, sha256 }) => {
    const left = Object.hasOwn(nodes, node) ? nodes[node] : undefined;
    if (left === undefined || sha256 === null || sha256 === left.sha256) return [];
    return [`○ ${foreign(node, 80)} runs ${image(version, sha256)}; ${image(left.version, left.sha256)} ${how(left)}`];
  });
}

const image = (version: string | null, sha256: string): string =>
  `${foreign(version ?? 'an unknown version', 60)} (${short(sha256)})`;

const how = ({ rollout, accepted }: Left): string => {
  if (accepted !== undefined) return `was accepted there by ${who(accepted.by)} (${foreign(accepted.reason, 200)})`;
  return rollout === null ? 'was found there when the ledger was adopted' : `was left there by ${foreign(rollout, 60)}`;
};

/** A record, as the end of a sentence. */
export const recordWords = (left: Left): string => `${image(left.version, left.sha256)} ${how(left)}`;

export interface Found {
  found: Compared;
  version: string | null;
  sha256: string | null;
  disk: string | null;
}

/** What is not as it should be, in a few words; null for what is. */
export function driftKind({ found }: Pick<Found, 'found'>): string | null {
  switch (found.is) {
    case 'as-recorded':
    case 'no-record':
    case 'busy':
      return null;
    case 'unseen':
      return 'not seen';
    case 'unknown-run':
      return 'changed by a run that is not known here';
    case 'off':
      return offKind(found);
  }
}

function offKind({ gone, binary, environment, stopped, unproven, starts }: Off): string {
  if (gone.length > 0) return `missing: its ${gone.map((each) => words[each]).join(', its ')}`;
  if (binary !== null && unproven !== null && starts === undefined) return `left unproven by ${foreign(unproven, 60)}`;
  const kinds = {
    memory: 'never restarted',
    disk: stopped ? 'the next start would run another binary' : 'the next restart would run another binary',
    both: 'changed by hand',
  };
  const parts = [
    ...(binary === null ? [] : starts === undefined ? [kinds[binary]] : ['its unit starts another program']),
    ...(environment === null
      ? []
      : [environment === 'new' ? 'an environment file where none was' : 'environment file changed']),
  ];
  return parts.length === 0 ? 'stopped' : parts.join(', and ');
}

const words = { unit: 'unit', binary: 'binary', environment: 'environment file' };

/** What was seen, beside the record. */
export function driftDetail({ found, version, sha256, disk }: Found, left: Left | undefined): string {
  if (found.is === 'unseen') return `${foreign(found.why, 200)}. Nothing is said of what it runs`;
  if (found.is === 'unknown-run')
    return `${runName(found.run)}. The store was emptied, or put back to an earlier time: \`/zeitwork verify\``;
  if (found.is !== 'off' || left === undefined) return '';
  const runs = sha256 === null ? 'nothing runs' : `${image(version, sha256)} runs`;
  const lies =
    disk === null ? 'no binary lies there' : disk === sha256 ? 'and lies there' : `${short(disk)} lies there`;
  return [
    `${runs}, ${lies}; ${recordWords(left)}`,
    ...(found.starts === undefined ? [] : [programWords(found.starts)]),
    ...(found.environment === null && !found.gone.includes('environment') ? [] : [environmentWords(found)]),
  ].join('. ');
}

const programWords = (starts: string): string =>
  `Its unit starts ${foreign(starts, 120)}: neither a restart nor a recovery changes that, mend the unit`;

/** A recovery keeps the file that is there. */
function environmentWords({ gone, environment, kept }: Off): string {
  const where = kept === null ? '' : `; the recorded one is in its backup ${foreign(kept, 120)}`;
  const what = gone.includes('environment')
    ? 'Its environment file is gone, or a link is in its place'
    : environment === 'new'
      ? 'No environment file was there'
      : 'Its environment file is another one, which the next restart takes, if none has yet';
  return `${what}${where}`;
}

/** Whether a recovery can do something about it: it brings the recorded binary back, and keeps an environment file that is there. */
export const isRepairable = (
  { found }: Pick<Found, 'found'>,
  ledger: Pick<Ledger, 'nodes'>,
  left: Left | undefined,
): boolean =>
  found.is === 'off' &&
  left !== undefined &&
  left.version !== null &&
  isProven(ledger, left.sha256) &&
  !found.gone.includes('unit') &&
  found.starts === undefined &&
  (found.gone.length > 0 || found.binary !== null || found.stopped);

/** Whether what is there can be taken for the record: it must run, lie there as it runs, and be of no run that is not known. */
export const isAdoptable = ({ found, sha256, disk }: Pick<Found, 'found' | 'sha256' | 'disk'>): boolean =>
  found.is === 'off' && found.gone.every((each) => each === 'environment') && !found.stopped && sha256 === disk;
