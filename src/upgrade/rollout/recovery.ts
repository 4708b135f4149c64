import { short } from '../../base/hash.ts';
import { type Calendar, weekdays } from '../../windows/types.ts';
import { compileRecovery } from './compile.ts';
import { troublesIn } from './fitness.ts';
import {
  type Actor,
  type Fleet,
  type NodeSurvey,
  type Pace,
  type Pair,
  type Policy,
  type Recovery,
  Refused,
  type RegionLooks,
  type Release,
  type Rollout,
} from './types.ts';
import { unbegun, unseen, untouched } from './unbegun.ts';

export interface RecoveryInput {
  id: string;
  fleet: Fleet;
  node: string;
  /** What the ledger says was proven there, and is to be there again. */
  recorded: Pair & Omit<Recovery, 'envSha256'>;
  /** The same, as the shelf has it; null where that does not. */
  shelf: Release | null;
  /** Why it does not, in words; absent where nobody said. */
  lack?: string;
  /** The peer that somebody named; null: the shelf, else the first that can give it. */
  from: string | null;
  requester: Actor;
  now: number;
  epoch: number;
  survey: NodeSurvey[];
  pace: Pace;
}

/**
 * A rollout of one node that gives it back what was proven on it: the same journal, fence, lock and proof as an upgrade, and the
 * gates of a way back.
 * @throws Refused with what to do instead
 */
export function planRecovery(input: RecoveryInput): Rollout {
  const { fleet, recorded, now } = input;
  const region = fleet.regions.find(({ nodes }) => nodes.some(({ name }) => name === input.node));
  if (region === undefined) throw new Refused(`There is no node ${input.node}.`);
  const from = sourceOf(input, region.name);
  const release = from === null && input.shelf !== null ? input.shelf : lentBy(recorded);
  const seen = seenOf(input, release, from !== null);
  refuseNothingToDo(input, release, seen);
  const { recordOf, since, rollout, envSha256 } = recorded;
  return {
    ...unbegun(fleet),
    id: input.id,
    fleet: fleet.name,
    service: fleet.service,
    release,
    strategy: 'rolling',
    policy: policyOf(fleet),
    requester: input.requester,
    createdAt: now,
    startAt: null,
    override: null,
    epoch: input.epoch,
    recovery: {
      ...(from === null ? {} : { from }),
      ...(envSha256 === null ? {} : { envSha256 }),
      ...{ recordOf, since, rollout },
    },
    phases: compileRecovery(input.node, seen.healthy, fleet.service),
    calendars: Object.fromEntries(fleet.regions.map(({ name, calendar }) => [name, always(calendar)])),
    nodes: { [input.node]: untouched({ name: input.node, region: region.name }, now) },
    looks: Object.fromEntries(
      fleet.regions.map(({ name }) => [name, name === region.name ? seenAt(input, name) : unseen]),
    ),
    pace: input.pace,
  };
}

/** Nothing of a recovery waits for a look, so none may follow: whoever is called learns what serves there from this one. */
const seenAt = ({ survey, now }: RecoveryInput, region: string): RegionLooks => ({
  ...unseen,
  at: now,
  standing: Object.fromEntries(
    survey.filter((each) => each.region === region).map(({ node, healthy }) => [node, healthy ? 'healthy' : 'unclear']),
  ),
});

/** Nothing goes back by itself: what lay there was broken. */
const policyOf = ({ policy }: Fleet): Policy => ({ ...policy, autoRollback: 'none', rehearse: 'never', atOnce: 1 });

/** Whoever reads the plan is told of no window that nobody waits for. */
const always = ({ zone }: Calendar): Calendar => ({
  zone,
  windows: [{ days: [...weekdays], from: '00:00', to: '00:00' }],
  freezes: [],
});

/** null: the shelf. What is put there is what was proven there, or it is an upgrade, which takes other people. */
function sourceOf(input: RecoveryInput, region: string): string | null {
  const { node, recorded, shelf, survey, from } = input;
  const isSame = shelf?.binarySha256 === recorded.sha256;
  if (from === null && isSame) return null;
  const peers = survey.filter((each) => each.region === region && each.node !== node);
  const able = peers.filter((each) => lackOf(each, recorded) === null).map((each) => each.node);
  if (from === null && able[0] !== undefined) return able[0];
  if (from !== null) {
    const peer = peers.find((each) => each.node === from);
    const lack = peer === undefined ? `is no other node of ${region}` : lackOf(peer, recorded);
    if (lack === null) return from;
    throw new Refused(
      `${from} ${lack}, so ${node} cannot be recovered from it. Those that can: ${able.join(', ') || 'none'}.`,
    );
  }
  const why =
    shelf === null
      ? `The shelf does not give ${recorded.version ?? 'what was proven there'}${input.lack === undefined ? '' : ` (${input.lack.replace(/\.$/, '')})`}`
      : `The ${shelf.version} on the shelf is another build (${short(shelf.binarySha256)}) than the one that was proven on ${node} (${short(recorded.sha256)})`;
  throw new Refused(
    `${why}, and no healthy peer in ${region} can give it. Put that archive back on the shelf, or start an upgrade.`,
  );
}

/** Why a peer cannot give its binary, as the end of a sentence; null when it can. */
function lackOf({ healthy, sha256, fitness }: NodeSurvey, recorded: Pair): string | null {
  if (!healthy) return 'is not healthy';
  const lies = fitness?.seen?.disk ?? null;
  if (sha256 !== recorded.sha256 || lies !== recorded.sha256)
    return `does not have ${short(recorded.sha256)}, which is what the ledger has`;
  return fitness?.helper == null ? null : 'has a helper, which gives no binary away';
}

/** What a peer gives is the binary itself; nobody knows any more who signed the archive that it came in. */
const lentBy = ({ version, sha256 }: Pair): Release => ({
  version: version ?? short(sha256),
  archive: 'binary',
  archiveSha256: sha256,
  binarySha256: sha256,
  archiveBytes: 0,
  binaryBytes: 0,
  signed: null,
});

function seenOf({ node, survey, fleet }: RecoveryInput, release: Release, isLent: boolean): NodeSurvey {
  const seen = survey.find((each) => each.node === node);
  const troubles =
    seen?.fitness === undefined ? [] : troublesIn(seen.fitness, fleet.service, release, 'recovery').filter(isStop);
  if (troubles.length > 0)
    throw new Refused(`Nothing was started: ${node}: ${troubles.map(({ text }) => text).join('; ')}.`);
  if (seen?.unit == null)
    throw new Refused(`Nothing was started: nobody can work on ${node} (${seen?.detail ?? 'no answer'}).`);
  if (isLent && seen.fitness?.helper != null)
    throw new Refused(
      `${node} has a helper, which takes what it gets back from the shelf alone: put the archive of ${release.version} there.`,
    );
  return seen;
}

const isStop = ({ stops }: { stops: boolean }): boolean => stops;

/** What differs from the node's own record is brought back although it serves: as an upgrade would be, it asks two breakers about somebody's work. */
function refuseNothingToDo(
  { node, recorded }: RecoveryInput,
  release: Release,
  { healthy, sha256, version, fitness }: NodeSurvey,
): void {
  if (!healthy) return;
  const { disk = release.binarySha256, env = true } = fitness?.seen ?? {};
  if (sha256 === release.binarySha256) {
    if (disk === sha256 && env) throw new Refused(`Nothing to do: ${node} runs ${release.version} and is healthy.`);
    return;
  }
  if (recorded.recordOf.includes(node)) return;
  throw new Refused(
    `${node} runs ${version ?? 'another build'} and is healthy, so it is not broken: that is somebody's work. To bring it to ${release.version}, start an upgrade, which asks about it.`,
  );
}
