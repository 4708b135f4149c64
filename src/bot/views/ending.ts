import { isAny } from '../../base/is-any.ts';
import { channel, dueNotices, isOpen, nodesInOrder, releaseOf } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { nextButtons, ownButtons, promoteButtons, rollbackButtons } from './buttons.ts';
import { broughtWords, goalFirst, goalOf, newOf, reached, reachedShort } from './goal.ts';
import { wrongAtTheEnd } from './node.ts';
import { complianceLines } from './notice.ts';
import { ownerLines } from './owner.ts';
import { called, nobody, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { serving } from './serving.ts';
import { signedLine } from './signed.ts';
import { tally } from './tally.ts';
import { count, foreign, names, who } from './text.ts';
import { verdict } from './verdict.ts';
import { foreignWord, isLeftOut, nodeWord, scopeName, versionsBefore } from './words.ts';

/** A broadcast at the end; a partial result is told node by node. It calls people only for what nobody was called for before. */
export function endingPosts(rollout: Rollout, people: People = nobody): Post[] {
  if (isOpen(rollout)) return [];
  const { status, run } = rollout;
  const cancelled = dueNotices(rollout, null).find(({ audience }) => audience === channel);
  const call = wrongAtTheEnd(rollout).length > 0 ? called(rollout, people) : [];
  const scopes = status.is === 'rolled-back' ? [] : rollbackButtons(rollout, [{ is: 'all' }]);
  return [
    post(
      rollout,
      `${key(rollout)}.${run}`,
      { is: 'thread', broadcast: true },
      [
        {
          is: 'lines',
          lines: [
            headline(rollout),
            signedLine(rollout),
            ...complianceLines(rollout),
            ...nodeLines(rollout),
            ...nextLines(rollout),
            ...ownerLines(rollout),
            ...call,
          ],
        },
        {
          is: 'buttons',
          buttons: [...promoteButtons(rollout), ...nextButtons(rollout), ...ownButtons(rollout), ...scopes],
        },
      ],
      cancelled === undefined ? {} : { announces: cancelled },
    ),
  ];
}

function nextLines({ follows, release }: Rollout): string[] {
  if (follows === undefined) return [];
  if (follows.is === 'restart')
    return [
      `Next: \`/zeitwork restart${follows.service === null ? '' : ` --service ${follows.service}`}\`, so that every node begins anew on this schema.`,
    ];
  const { version } = release;
  return [
    `Next, when all is well: \`/zeitwork migrate after ${foreign(version, 60)}\` brings the schema to ${follows.to}. Versions that do not work with that cannot come back then; its plan says which.`,
  ];
}

function key({ status }: Rollout): string {
  return status.is === 'done' ? 'finished' : status.is;
}

export function unsure(rollout: Rollout): string {
  const { unsure: doubtful } = tally(rollout);
  return doubtful.length === 0
    ? ''
    : `, and perhaps ${names(
        doubtful.map(({ name }) => name),
        3,
      )} (changed and not proven)`;
}

/** Nothing moves there until a person acts: who that is, whether it is out of service, and what else serves there. */
function forPeople(rollout: Rollout): string {
  const nodes = nodesInOrder(rollout);
  const out = nodes.filter(isLeftOut);
  const stuck = nodes.filter((node) => node.state.is === 'stuck' && !isLeftOut(node));
  const regions = [...new Set([...out, ...stuck].map(({ region }) => region))];
  const told = [listed('Out of service', out), listed('Needs a person', stuck)].flat();
  return told.length === 0 ? '' : ` ‼ ${told.join('. ')}; ${serving(rollout, regions)}.`;
}

const listed = (what: string, nodes: NodeRun[]): string[] =>
  nodes.length === 0
    ? []
    : [
        `${what}: ${names(
          nodes.map(({ name }) => name),
          3,
        )}`,
      ];

/** Of those on the release, how many ran it before: nothing brings them anywhere else. */
export function ranBefore(rollout: Rollout): string {
  const { already } = tally(rollout);
  return already.length === 0 ? '' : ` (${already.length} ran it before)`;
}

/** What became of the rollout in one sentence. */
export function headline(rollout: Rollout): string {
  const { status, release, startedAt } = rollout;
  const { all, onNew: known } = tally(rollout);
  const onNew = known.length;
  const doubtful = `${ranBefore(rollout)}${unsure(rollout)}`;
  const onOld = versionsBefore(rollout);
  switch (status.is) {
    case 'done':
      if (rollout.recovery !== undefined)
        return `✓ *${names(Object.keys(rollout.nodes))} has ${release.version} back*, proven.`;
      if (rollout.change?.is === 'config')
        return `✓ *The new environment file is on ${all === 1 ? 'its one node*' : `all ${all} nodes*, each one`} proven with ${goalOf(rollout).replace(/^the change of /, '')} in what runs.`;
      if (rollout.change !== undefined)
        return `✓ *${all === 1 ? 'Its one node was restarted*' : `All ${all} nodes were restarted*, each one`}${all === 1 ? ',' : ''} proven on ${release.version}, which it ran before.`;
      return `✓ *${broughtWords(rollout)} is on ${all === 1 ? 'its one node*, proven' : `all ${all} nodes*, each one proven`}.`;
    case 'rolled-back':
      return `↩ *Rolled back (${scopeName(status.scope)})*: ${onNew} of ${count(all, 'node')} still on ${newOf(rollout)}${doubtful}${onOld === '' ? '' : `; before it ran ${onOld}`}.${forPeople(rollout)}`;
    case 'stopped':
      return `■ *Stopped by ${who(status.by)}${startedAt === null ? ' before it began' : ''}*: ${onNew} of ${count(all, 'node')} ${reached(rollout)}${doubtful}.${forPeople(rollout)}`;
    default:
      return `${goalFirst(rollout)}: ${verdict(rollout)}; ${onNew} of ${count(all, 'node')} ${reachedShort(rollout)}.`;
  }
}

/** Node by node up to 15, else grouped by what became of them. */
export function nodeLines(rollout: Rollout): string[] {
  const nodes = nodesInOrder(rollout);
  if (nodes.length <= 15)
    return nodes.map((node) => `${word(node)}: ${foreign(node.name, 80)}${version(rollout, node)}`);
  const groups = new Map<string, string[]>();
  for (const node of nodes) groups.set(word(node), [...(groups.get(word(node)) ?? []), node.name]);
  return [...groups].map(([label, all]) => `${label}: ${all.length} (${names(all, 8)})`);
}

function word(node: NodeRun): string {
  const { glyph, word: inWords } = nodeWord(node);
  const untouched = isAny(node.state.is, 'ready', 'staging') && !node.touched;
  if (untouched && node.rehearsedAt !== undefined) return '↩ back from its rehearsal';
  return untouched ? '○ not begun' : `${glyph} ${inWords}`;
}

function version(rollout: Rollout, { name, state, before, touched, foreign: work }: NodeRun): string {
  if (state.is === 'done') return `, ${releaseOf(rollout, name).version}`;
  if (work?.what === 'binary') return `, ${foreignWord(work)}, which somebody put there`;
  const stays = !touched && isAny(state.is, 'ready', 'staging', 'failed', 'rolled-back');
  if (!stays) return ', version unknown until somebody looks';
  return before?.version == null ? '' : `, ${foreign(before.version, 80)}`;
}
