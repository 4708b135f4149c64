import { short } from '../../base/hash.ts';
import { type Calendar, weekdays } from '../../windows/types.ts';
import { compileRecovery } from './compile.ts';
import { troublesIn } from './fitness.ts';
import { unseen, untouched } from './plan.ts';
import {
  type Actor,
  type Fleet,
  type NodeSurvey,
  type Pace,
  type Pair,
  type Policy,
  type Recovery,
  Refused,
  type Release,
  type Rollout,
} from './types.ts';

export interface RecoveryInput {
  id: string;
  fleet: Fleet;
  node: string;
  /** What the ledger says was proven there, and is to be there again. */
  recorded: Pair & Recovery;
  /** The same, as the shelf has it. */
  release: Release;
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
  const { fleet, recorded, release, now } = input;
  const region = fleet.regions.find(({ nodes }) => nodes.some(({ name }) => name === input.node));
  if (region === undefined) throw new Refused(`There is no node ${input.node}.`);
  const seen = seenOf(input);
  refuseOther(input);
  refuseNothingToDo(input, seen);
  const { recordOf, since, rollout } = recorded;
  return {
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
    run: 1,
    epoch: input.epoch,
    revision: 1,
    recovery: { recordOf, since, rollout },
    status: { is: 'running' },
    phases: compileRecovery(input.node, seen.healthy, fleet.service),
    calendars: Object.fromEntries(fleet.regions.map(({ name, calendar }) => [name, always(calendar)])),
    nodes: { [input.node]: untouched({ name: input.node, region: region.name }, now) },
    peers: Object.fromEntries(fleet.regions.map(({ name, nodes }) => [name, nodes.map((node) => node.name)])),
    looks: Object.fromEntries(fleet.regions.map(({ name }) => [name, unseen])),
    lastNodeAt: null,
    rest: null,
    unattended: [],
    startedAt: null,
    asked: null,
    lastWord: null,
    reminded: {},
    pace: input.pace,
    ahead: null,
  };
}

/** Nothing goes back by itself: what lay there was broken. */
const policyOf = ({ policy }: Fleet): Policy => ({ ...policy, autoRollback: 'none', rehearse: 'never', atOnce: 1 });

/** Whoever reads the plan is told of no window that nobody waits for. */
const always = ({ zone }: Calendar): Calendar => ({
  zone,
  windows: [{ days: [...weekdays], from: '00:00', to: '00:00' }],
  freezes: [],
});

function seenOf({ node, survey, fleet, release }: RecoveryInput): NodeSurvey {
  const seen = survey.find((each) => each.node === node);
  const troubles =
    seen?.fitness === undefined ? [] : troublesIn(seen.fitness, fleet.service, release, 'recovery').filter(isStop);
  if (troubles.length > 0)
    throw new Refused(`Nothing was started: ${node}: ${troubles.map(({ text }) => text).join('; ')}.`);
  if (seen?.unit == null)
    throw new Refused(`Nothing was started: nobody can work on ${node} (${seen?.detail ?? 'no answer'}).`);
  return seen;
}

const isStop = ({ stops }: { stops: boolean }): boolean => stops;

/** What is put there is what was proven there, or it is an upgrade, which takes other people. */
function refuseOther({ node, recorded, release }: RecoveryInput): void {
  if (release.binarySha256 === recorded.sha256) return;
  throw new Refused(
    `The ${release.version} on the shelf is another build (${short(release.binarySha256)}) than the one that was proven on ${node} (${short(recorded.sha256)}). Put that one back on the shelf, or start an upgrade.`,
  );
}

function refuseNothingToDo({ node, release }: RecoveryInput, { healthy, sha256, version, fitness }: NodeSurvey): void {
  if (!healthy) return;
  const { disk = release.binarySha256, env = true } = fitness?.seen ?? {};
  if (sha256 === release.binarySha256) {
    if (disk === sha256 && env) throw new Refused(`Nothing to do: ${node} runs ${release.version} and is healthy.`);
    return;
  }
  throw new Refused(
    `${node} runs ${version ?? 'another build'} and is healthy, so it is not broken: that is somebody's work. To bring it to ${release.version}, start an upgrade, which asks about it.`,
  );
}
