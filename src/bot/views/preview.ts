import { short } from '../../base/hash.ts';
import type { Verdict } from '../../upgrade/compatibility/index.ts';
import {
  allBrought,
  approvals,
  isBegunFreely,
  lacksRehearsal,
  releaseOf,
  strategies,
  takesNodes,
  turns,
} from '../../upgrade/rollout/index.ts';
import type {
  ApprovalPhase,
  Elsewhere,
  NodeSurvey,
  NodesPhase,
  Policy,
  Release,
  Rollout,
} from '../../upgrade/rollout/types.ts';
import { describeLocal } from '../../windows/index.ts';
import type { Reply } from '../context.ts';
import { promisedTicks } from './checklist.ts';
import { differences } from './differences.ts';
import { beginsLater, forecast } from './forecast.ts';
import { broughtWords, titled, titleOf } from './goal.ts';
import { type Night, nightLines } from './night.ts';
import { promised } from './notice.ts';
import type { Button, Part } from './parts.ts';
import { looseness } from './policy.ts';
import { signedWithKey } from './signed.ts';
import { count, foreign, names, overrideWhy, span, when } from './text.ts';
import { rehearsalLines } from './way-back.ts';
import { askedOf } from './words.ts';

export interface NodeTroubles {
  node: string;
  words: string[];
}

export interface Preview {
  rollout: Rollout;
  survey: NodeSurvey[];
  /** What the nodes have that keeps nobody from working on them. */
  troubles: NodeTroubles[];
  now: number;
  /** Confirms exactly this plan over exactly this fleet; null for a dry run. */
  token: string | null;
  /** Said first, e.g. that the fleet has moved. */
  remark: string | null;
  /** Another breaker must start it. */
  second: boolean;
  /** The canary region of the settings. */
  canary: string | null;
  /** What is to be proven on another fleet first. */
  elsewhere: Elsewhere;
  /** What the compatibility matrix says; null where there is none. */
  compatible: Verdict | null;
  /** null: not foreseen. */
  night: Night | null;
}

/** What an upgrade would do, before anything is done. */
export function preview(plan: Preview): Reply {
  const { rollout, survey, troubles, now, token, remark, second, canary, elsewhere, compatible, night } = plan;
  const what = rollout.change === undefined ? `to ${broughtWords(rollout)}` : titleOf(rollout);
  const title = `${token === null ? 'Dry run' : 'Plan'}: ${titled(rollout, what)}`;
  const parts: Part[] = [
    ...(remark === null ? [] : [{ is: 'lines' as const, lines: [`*${remark}*`] }]),
    { is: 'title', text: title },
    { is: 'lines', lines: [...overridden(rollout), ...regionLines(rollout, survey)] },
    {
      is: 'lines',
      lines: [...skipped(rollout, survey), ...unwell(survey), ...unrehearsed(rollout, survey), ...beside(troubles)],
    },
    ...(night === null ? [] : [{ is: 'lines' as const, lines: nightLines(night, rollout) }]),
    {
      is: 'lines',
      lines: [
        ...(rollout.change === undefined
          ? [...allBrought(rollout).map(({ release }) => signedWithKey(release)), ...goesWith(rollout, survey)]
          : changed(rollout, survey)),
        ...provenLines(elsewhere, rollout.release, now),
        ...compatibleLines(compatible),
        ...promisedTicks(rollout),
        ...rules(rollout, canary),
      ],
    },
    { is: 'note', text: ending(rollout, token) },
  ];
  if (token === null) return { parts };
  const all = buttons(rollout, now, token);
  if (!second) return { parts: [...parts, { is: 'buttons', buttons: all }] };
  const lines = [`*Another breaker must start this*, within 30 min: \`/zeitwork start ${foreign(token)}\``];
  return { parts: [...parts, { is: 'lines', lines }, { is: 'buttons', buttons: all.slice(1) }] };
}

/** Before all else: whoever is to start it as the second one may read no further. */
const overridden = ({ override }: Rollout): string[] =>
  override === null
    ? []
    : [`‼ *Maintenance windows are overridden* until ${when(override.until)}: ${overrideWhy(override)}`];

function regionLines(rollout: Rollout, survey: NodeSurvey[]): string[] {
  const begins = forecast(rollout).regions;
  const lines = turns(rollout).flatMap((turn) => {
    if (!takesNodes(turn)) return [onItAlready(rollout, turn)];
    const approval = approvals(rollout).find(({ opens }) => opens.includes(turn.id));
    const asked = approval === undefined ? '' : `; after ${approvalWord(approval)} by ${askedOf(rollout, approval)}`;
    return byRegion(rollout, turn.nodes).map(([region, nodes]) => {
      const begin = begins.find((each) => each.phase === turn.id && each.region === region)?.begin;
      const zone = rollout.calendars[region]?.zone;
      const at =
        begin === undefined || zone === undefined ? '' : `; not before ${when(begin)}, ${describeLocal(begin, zone)}`;
      const to = rollout.change === undefined ? ` → ${releaseOf(rollout, region).version}` : ', restarted on it';
      return `*${foreign(region, 80)}* ${versions(survey, nodes)}${to}: ${names(nodes)}${asked}${at}`;
    });
  });
  return lines.map((line, index) => `${index + 1}. ${line}`);
}

const onItAlready = (rollout: Rollout, { title, nodes }: NodesPhase): string =>
  `*${foreign(title, 80)}* runs ${releaseOf(rollout, nodes[0] ?? '').version} already: ${names(nodes)} are only proven, and nobody is asked`;

function approvalWord({ needed, each }: ApprovalPhase): string {
  const many = needed === 1 ? 'approval' : `${needed} approvals`;
  return each === undefined ? many : `${many}, each region by its own,`;
}

function byRegion({ nodes: all }: Rollout, nodes: string[]): [string, string[]][] {
  const regions = [...new Set(nodes.map((name) => all[name]?.region ?? ''))];
  return regions.map((region) => [region, nodes.filter((name) => all[name]?.region === region)]);
}

function versions(survey: NodeSurvey[], nodes: string[]): string {
  const seen = survey.filter(({ node }) => nodes.includes(node)).map(({ version }) => version ?? 'unknown');
  return names([...new Set(seen)].sort(), 3) || 'unknown';
}

function skipped(rollout: Rollout, survey: NodeSurvey[]): string[] {
  const already = survey.filter(({ node }) => rollout.nodes[node]?.already);
  const left = survey.filter(({ node }) => rollout.nodes[node] === undefined);
  return [
    ...(already.length === 0 ? [] : [`Not restarted, on it already: ${names(already.map(({ node }) => node))}`]),
    ...(left.length === 0 ? [] : [`Left out of this rollout: ${names(left.map(({ node }) => node))}`]),
  ];
}

function unwell(survey: NodeSurvey[]): string[] {
  const sick = survey.filter(({ healthy }) => !healthy);
  return sick.length === 0
    ? [`All ${count(survey.length, 'node')} are healthy now`]
    : sick.slice(0, 5).map(({ node, detail }) => `‼ ${foreign(node, 80)} is not healthy now: ${foreign(detail, 200)}`);
}

/** One line for what several have in common. */
const unrehearsed = (rollout: Rollout, survey: NodeSurvey[]): string[] =>
  lacksRehearsal(rollout, survey)
    ? [
        `‼ The settings want the way back rehearsed, and it is not: no node of the first part is healthy and runs something else than ${rollout.release.version}`,
      ]
    : [];

function beside(troubles: NodeTroubles[]): string[] {
  const all = [...new Set(troubles.flatMap(({ words }) => words))];
  const told = all.slice(0, 5).map((text) => {
    const nodes = troubles.filter(({ words }) => words.includes(text)).map(({ node }) => node);
    return `‼ ${names(nodes)}: ${foreign(text, 300)}`;
  });
  return all.length > told.length ? [...told, '‼ and more: ask zeitwork doctor'] : told;
}

const changesNothing = ({ release, service }: Rollout): string =>
  `No file is changed: what runs is started anew (${release.version}, image ${short(release.binarySha256)})${service.envFile === null ? '' : `, with ${foreign(service.envFile, 120)} as it is then`}. There is nothing to bring back afterwards`;

/** The file goes with the binary, there and back. */
const goesWith = (rollout: Rollout, survey: NodeSurvey[]): string[] =>
  rollout.config === undefined
    ? []
    : [
        `With it, in the same restart, ${foreign(rollout.service.envFile ?? '', 120)}: ${differences(rollout, survey).join('. ')}. Both go back as a pair`,
      ];

function changed(rollout: Rollout, survey: NodeSurvey[]): string[] {
  const { change, service, release } = rollout;
  if (change?.is !== 'config') return [changesNothing(rollout)];
  const binary = `Its binary stays as it is (${release.version}, image ${short(release.binarySha256)})`;
  return [
    `${foreign(service.envFile ?? '', 120)}: ${differences(rollout, survey).join('. ')}. One restart each`,
    `${binary}. The old file is kept with it as a pair, and a rollback brings that back`,
  ];
}

const undoWords: Record<Policy['autoRollback'], string> = {
  node: 'rolled back by itself, then the rollout holds',
  region: 'rolled back by itself, then what else of its region was changed (once), and the rollout holds',
  everything: 'rolled back by itself, then all else that was changed (once)',
  none: 'left as it is and the rollout holds',
};

function rules(rollout: Rollout, canary: string | null): string[] {
  const { policy } = rollout;
  const undo = undoWords[policy.autoRollback];
  const made = rollout.change?.is === 'restart' ? 'looked at, restarted' : 'staged, backed up, restarted';
  const right = rollout.change?.is === 'config' ? 'the right image and what the file says' : 'the right image';
  return [
    `Each node: ${made}, proven healthy for ${span(policy.soak)} (the first of a region ${span(policy.canarySoak)}) with ${right}. ${policy.atOnce === 1 ? 'One at a time' : `Up to ${policy.atOnce} at a time`}, at least ${policy.minimumHealthy} healthy per region. A node that fails is ${undo}`,
    ...rehearsalLines(rollout),
    ...(approvals(rollout).length > 0 ? [watched(rollout)] : []),
    ...canaryLine(rollout, canary),
    ...promised(rollout),
    ...looseness(rollout),
  ];
}

const watched = ({ policy, strategy }: Rollout): string =>
  `Each ${strategies[strategy].part} is watched for ${span(policy.bake)} before the next is asked for`;

/** Nothing is begun before it is so; whoever reads the plan can still bring the proof. */
function provenLines(elsewhere: Elsewhere, { archiveSha256 }: Release, now: number): string[] {
  if (elsewhere.is === 'not wanted') return [];
  if (elsewhere.is === 'proven') {
    const { fleet, since, rollout } = elsewhere;
    const by =
      rollout === undefined
        ? ''
        : `: ${foreign(rollout, 80)}, done ${span(now - since)} ago, hash ${archiveSha256.slice(0, 12)}… the same`;
    return [`Proven on ${foreign(fleet, 80)}, since ${when(since)}${by}`];
  }
  if (elsewhere.is === 'doubted')
    return [`‼ *Not proven, and begun all the same*, as the settings want: ${foreign(elsewhere.reason, 500)}`];
  return [`‼ *No node is begun yet*: ${foreign(elsewhere.reason, 500)}`];
}

/** What was checked; and what cannot be undone, before anybody begins it. */
function compatibleLines(compatible: Verdict | null): string[] {
  if (compatible === null) return [];
  const { found, noReturn } = compatible;
  return [
    `Compatible${found.length === 0 ? ', by its version alone' : `: ${found.map((each) => foreign(each)).join(', ')}`}`,
    ...(noReturn === null ? [] : [`‼ *Point of no return*: ${foreign(noReturn, 500)}`]),
  ];
}

/** Where one person begins a release, and why this plan asks somebody first; whoever wonders at night reads it here. */
function canaryLine(rollout: Rollout, name: string | null): string[] {
  const { policy, release, change } = rollout;
  if (policy.oneMayBegin !== 'canary' || name === null) return [];
  if (change !== undefined) return ['It is no release, so it is asked for in every region before its first node'];
  const region = foreign(name, 80);
  const first = turns(rollout).find(takesNodes);
  const begins = first === undefined ? [] : byRegion(rollout, first.nodes).map(([each]) => each);
  if (isBegunFreely(rollout))
    return [`It begins in ${region}, the canary region, so nobody is asked first; that counts once for each release`];
  const here = begins.length === 1 && begins[0] === name;
  if (here)
    return [
      `It begins in ${region}, the canary region, and is asked for all the same: it is a major version, or was begun there before`,
    ];
  const isOver = turns(rollout).some(
    (turn) => !takesNodes(turn) && byRegion(rollout, turn.nodes).some(([each]) => each === name),
  );
  if (isOver) return [];
  const why =
    policy.order === 'next-opening'
      ? 'the region whose window opens first goes first'
      : 'that is the order of the settings';
  return [
    `It is asked for before its first node: it begins in ${names(begins)} (${why}), and not in ${region} alone, the canary region. To begin there: \`/zeitwork upgrade ${release.version} --regions ${region}\``,
  ];
}

function ending(rollout: Rollout, token: string | null): string {
  const { end } = forecast(rollout);
  const without = approvals(rollout).length > 0 ? ', not counting the time that approvals take' : '';
  const expected =
    end === null ? 'Expected end: unknown, a region has no window in sight' : `Expected end: ${when(end)}${without}`;
  return `${expected}. ${token === null ? 'Nothing was started.' : 'Nothing has started yet; this plan can be confirmed for 30 min.'}`;
}

function buttons(rollout: Rollout, now: number, token: string): Button[] {
  const reference = { r: token, g: '', v: rollout.revision };
  return [
    { label: startLabel(rollout, now), action: 'start', reference, style: 'primary', typed: `start ${token}` },
    { label: 'Cancel', action: 'cancel', reference, typed: `cancel ${token}` },
  ];
}

/** `Start`, or what pressing it means when the first node has to wait. */
function startLabel(rollout: Rollout, now: number): string {
  const later = beginsLater(rollout, now);
  return later === null ? 'Start' : `Schedule for ${later.replace(/ \(.*\)$/, '')}`;
}
