import { short } from '../../base/hash.ts';
import { leadsBack } from '../../upgrade/rollout/index.ts';
import type { NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import type { Reply } from '../context.ts';
import type { Part } from './parts.ts';
import { signedWithKey } from './signed.ts';
import { foreign, names, span, when, who } from './text.ts';

export interface RecoveryPreview {
  rollout: Rollout;
  survey: NodeSurvey[];
  /** Confirms exactly this plan; null for a dry run. */
  token: string | null;
  /** Said first, e.g. that things have moved. */
  remark: string | null;
}

const nodeIn = ({ nodes }: Rollout): string => Object.keys(nodes)[0] ?? '';

/** What a recovery would do, before anything is done. */
export function recoveryPreview({ rollout, survey, token, remark }: RecoveryPreview): Reply {
  const { release } = rollout;
  const node = nodeIn(rollout);
  const seen = survey.find((each) => each.node === node);
  const parts: Part[] = [
    ...(remark === null ? [] : [{ is: 'lines' as const, lines: [`*${remark}*`] }]),
    { is: 'title', text: `${token === null ? 'Dry run' : 'Plan'}: ${node} gets ${release.version} back` },
    {
      is: 'lines',
      lines: [
        `*From ${sourceWord(rollout)}*, hash as in the ledger (${short(release.binarySha256)})`,
        recordLine(rollout),
        ...(seen === undefined ? [] : [lies(rollout, seen), environmentLine(rollout, seen)]),
      ],
    },
    {
      is: 'lines',
      lines: [
        ...(rollout.recovery?.from === undefined ? [signedWithKey(release)] : [throughUs]),
        ...rules(rollout),
        peersLine(rollout, survey),
      ],
    },
    {
      is: 'note',
      text: token === null ? 'Nothing was started.' : 'Nothing has started yet; this plan can be confirmed for 30 min.',
    },
  ];
  if (token === null) return { parts };
  const reference = { r: token, g: '', v: rollout.revision };
  const buttons = [
    { label: 'Recover', action: 'start', reference, style: 'primary' as const, typed: `start ${token}` },
    { label: 'Cancel', action: 'cancel', reference, typed: `cancel ${token}` },
  ];
  return { parts: [...parts, { is: 'buttons', buttons }] };
}

const sourceWord = ({ recovery, release }: Rollout): string =>
  recovery?.from === undefined ? `the shelf (${foreign(release.archive, 120)})` : foreign(recovery.from, 80);

const throughUs =
  'Its binary goes through a worker, which sends nothing on but what the ledger names; that node is only read';

function recordLine(rollout: Rollout): string {
  const { recordOf = [], since = 0, rollout: by = '' } = rollout.recovery ?? {};
  const own = recordOf.includes(nodeIn(rollout));
  if (own && by === null) return `Found on it at ${when(since)} by those who adopted that, and answer for it`;
  return own
    ? `Proven on it last, at ${when(since)}, by rollout ${foreign(by ?? '', 60)}`
    : `No rollout left anything on it yet; its healthy peers ${names(recordOf)} agree, and it was proven there`;
}

function lies({ service, release }: Rollout, { detail, healthy, fitness }: NodeSurvey): string {
  const disk = fitness?.seen?.disk ?? null;
  const now = healthy ? 'It serves now' : `It is not healthy now: ${foreign(detail, 200)}`;
  if (disk === null) return `${now}. Its ${foreign(service.binary, 120)} is gone`;
  if (disk === release.binarySha256) return `${now}. Its binary is the recorded one, and stays`;
  return `${now}. ‼ Its binary is one that nobody recorded (${short(disk)}): nothing is put in its place before two breakers say \`replace\`, which the rollout asks for`;
}

function environmentLine({ service, recovery }: Rollout, { fitness }: NodeSurvey): string {
  if (service.envFile === null) return 'It has no environment file';
  const { env = true, tornEnv } = fitness?.seen ?? {};
  if (env && !tornEnv) return 'Its own environment file is kept as it is';
  const why = env ? 'is empty or torn' : 'is gone';
  const which =
    recovery?.envSha256 === undefined ? 'that of its newest backup' : 'the one that was proven there last, of a backup';
  return `Its environment file ${why}: it gets ${which}. Where no backup on the node has it, nothing is changed`;
}

function rules({ policy }: Rollout): string[] {
  return [
    `Made ready beside what lies there, and verified, before anything is replaced; what is replaced is kept aside on the node. Then restarted and proven healthy for ${span(policy.canarySoak)} with the right image`,
    `It waits for no window, freeze or alert; at least ${policy.minimumHealthy} of its peers must be healthy where it still serves. There is no way back from it: what it ran before was broken`,
  ];
}

function peersLine(rollout: Rollout, survey: NodeSurvey[]): string {
  const node = nodeIn(rollout);
  const region = rollout.nodes[node]?.region ?? '';
  const peers = survey.filter((each) => each.region === region && each.node !== node);
  const healthy = peers.filter((each) => each.healthy);
  return `${healthy.length} of ${peers.length} other nodes of ${foreign(region, 80)} are healthy now`;
}

/** What comes of that which was begun, when the rollout is paused or stopped. */
export const finishedFirst = (rollout: Rollout): string =>
  leadsBack(rollout) ? 'finished or rolled back' : 'finished';

/** Why nothing of a recovery or restart that was begun goes back, for whoever asks for that; null where something may. */
export function noWayBackOf(rollout: Rollout): string | null {
  if (rollout.change?.is === 'migrate') return 'a schema is never brought back, and no node was touched';
  if (rollout.change?.is === 'restart' && rollout.startedAt !== null)
    return 'this was a restart, and every node runs what it ran before';
  if (rollout.recovery === undefined || rollout.startedAt === null) return null;
  return `${foreign(nodeIn(rollout), 80)} was recovered, and there is no way back from that: what it ran before was broken`;
}

/** On the live message. */
export function recoveryLine(rollout: Rollout): string {
  const { release, fleet, requester } = rollout;
  return `*${release.version} back* on ${foreign(nodeIn(rollout), 80)} of ${foreign(fleet)}, from ${sourceWord(rollout)}, hash as in the ledger; asked for by ${who(requester)}`;
}
