import {
  type BackLack,
  type BackPlan,
  backPlan,
  isOpen,
  readiness,
  seenNoWayBack,
  turns,
  wasOnlyOut,
} from '../../upgrade/rollout/index.ts';
import type { BackSeen, NodeRun, NodeSurvey, RollbackScope, Rollout } from '../../upgrade/rollout/types.ts';
import type { Reply } from '../context.ts';
import { goalOf } from './goal.ts';
import type { Part } from './parts.ts';
import { count, cut, foreign, gateReason, names, when } from './text.ts';
import { scopeName } from './words.ts';

const lackWords: Record<BackLack, string> = {
  'no backup': 'backup missing or damaged',
  'other binary': 'binary changed by hand since',
  'other environment': 'environment changed since',
  unseen: 'cannot be looked at',
  'not seen': 'not looked at yet',
  peers: 'too few healthy peers',
};

/** Whether what this rollout changed could go back now, as looks saw it; nothing while nothing is changed. */
export function readinessLines(rollout: Rollout): string[] {
  const { all, lacks, seenAt } = readiness(rollout);
  if (all.length === 0) return [];
  const lost = isOpen(rollout) ? seenNoWayBack(rollout, all) : null;
  if (lost !== null) return [`‼ *Nothing can be brought back*: ${foreign(lost, 500)}`];
  const kinds = (Object.keys(lackWords) as BackLack[]).flatMap((lack) => {
    const nodes = lacks.filter((each) => each.lack === lack).map(({ node }) => node.name);
    return nodes.length === 0 ? [] : [`; ${lackWords[lack]}: ${names(nodes)}`];
  });
  const sign = lacks.some(({ lack }) => lack !== 'not seen') ? '‼ ' : '';
  const seen = seenAt === null ? '' : `; last seen ${when(seenAt)}`;
  return [`${sign}Way back: ready on ${all.length - lacks.length} of ${all.length}${kinds.join('')}${seen}`];
}

/** That the way back is tried out first, or was; nothing where it is not, and nothing that a node says otherwise. */
export function rehearsalLines(rollout: Rollout): string[] {
  return turns(rollout).flatMap(({ rehearsal }) => {
    const node = rehearsal === undefined ? undefined : rollout.nodes[rehearsal.node];
    if (node === undefined || node.already) return [];
    const name = foreign(node.name, 80);
    return node.rehearsedAt === undefined
      ? [
          `Rehearsal on ${name} first: upgraded, proven, brought back, proven, and upgraded again, before anything else is begun`,
        ]
      : [`The way back works: ${name} went back and was proven at ${when(node.rehearsedAt)}`];
  });
}

/** So long may the text of a confirm dialog be in Slack. */
const longestConfirm = 300;

/** What the button would do, in short: the last thing that is read before it is done. */
export function confirmText(rollout: Rollout, scope: RollbackScope): string {
  const asked = { type: 'rollback-asked', at: rollout.createdAt, by: rollout.requester, scope } as const;
  const { back } = backPlan(rollout, { ...asked, epoch: rollout.epoch + 1 }, null);
  const lacking = readiness(rollout).lacks.filter(({ node }) => back.some((each) => each.node.name === node.name));
  const kinds = [...new Set(lacking.map(({ lack }) => lackWords[lack]))];
  const doubt = kinds.length === 0 ? '' : ` Not ready on ${lacking.length} of them: ${kinds.join(', ')}.`;
  const order = (most: number) =>
    names(
      back.map(({ node }) => node.name),
      most,
    );
  const others = scope.is === 'all' ? 'Untouched nodes stay as they are' : 'All other nodes stay as they are';
  const stay = isOpen(rollout) ? others : unlessChanged;
  const text = (most: number) =>
    `${count(back.length, 'node')} will go back to ${versions(back.map(({ node }) => node))}, one at a time: ${order(most)}.${doubt} Windows are not waited for. ${stay}.`;
  const fitting = [4, 3, 2, 1].map(text).find((each) => each.length <= longestConfirm);
  return cut(fitting ?? text(1), longestConfirm);
}

/** What nobody looks at any more may have been changed since. */
const unlessChanged = 'If one of them runs something else by now, none is touched, and you are told which';

const versions = (nodes: NodeRun[]): string => {
  const all = [...new Set(nodes.map(({ before }) => before?.version ?? null))];
  return all.length > 0 && all.length < 3 && all.every((each) => each !== null)
    ? all.map((each) => foreign(each ?? '', 30)).join(' or ')
    : 'what they ran before this rollout';
};

/** What a rollback would do, node by node, before anything is done. */
export function dryRun(rollout: Rollout, scope: RollbackScope, plan: BackPlan, survey: NodeSurvey[]): Reply {
  const { back, stays } = plan;
  const parts: Part[] = [
    {
      is: 'title',
      text: `Dry run: rollback of ${scopeName(scope)} from ${goalOf(rollout)}`,
    },
    { is: 'lines', lines: back.flatMap((each, index) => goes(each, index, survey)) },
    { is: 'lines', lines: stays.length === 0 ? [] : stayLines(stays) },
    {
      is: 'note',
      text: 'Nothing was done. One at a time, in this order as things are now: it is decided anew before each. Windows, freezes and approvals are not waited for, the quorum always is.',
    },
  ];
  return { parts: parts.filter((part) => part.is !== 'lines' || part.lines.length > 0) };
}

function goes({ node, shut }: BackPlan['back'][number], index: number, survey: NodeSurvey[]): string[] {
  const seen = survey.find((each) => each.node === node.name);
  const runs = seen?.version == null ? '' : `${foreign(seen.version, 80)} → `;
  const to = node.touched
    ? `${runs}${foreign(node.before?.version ?? 'what it ran before', 80)}`
    : 'put back into service, unchanged';
  const down = seen === undefined || seen.healthy ? '' : ` (${foreign(seen.detail, 120)})`;
  const way = node.touched ? wayWords(node, seen) : null;
  return [
    `${index + 1}. *${foreign(node.name, 80)}*${down}: ${to}${way === null ? '' : `; ${way}`}`,
    ...shut.map((gate) => `‼ It would wait now: ${gateReason(gate)}`),
  ];
}

function wayWords({ before }: NodeRun, seen: NodeSurvey | undefined): string {
  if (before === null) return '‼ nothing was recorded of it, so it would stop there and call people';
  const back = seen?.back;
  if (back === undefined) return 'its backup was not looked at';
  return backWords[back];
}

const stopsThere = 'so it would stop there and call people';
const backWords: Record<BackSeen, string> = {
  ready: 'its backup is whole',
  'no backup': `‼ its backup is missing or damaged, ${stopsThere}`,
  'other binary': `‼ somebody changed its binary by hand, ${stopsThere}`,
  'other environment': `‼ somebody changed its environment file, ${stopsThere}`,
  unseen: '‼ it cannot be looked at: whether its backup is whole is not known',
};

/** Why a rollback leaves a node as it is. */
export function stayWord(node: NodeRun): string {
  const { state, already, touched } = node;
  if (state.is === 'rolled-back' && !wasOnlyOut(node)) return 'is back already';
  if (already && !touched) return 'ran the release before this rollout';
  return 'not changed by this rollout';
}

function stayLines(nodes: NodeRun[]): string[] {
  const words = [...new Set(nodes.map(stayWord))];
  return words.map(
    (word) =>
      `Stays as it is, ${word}: ${names(nodes.filter((node) => stayWord(node) === word).map(({ name }) => name))}`,
  );
}
