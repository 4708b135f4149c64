import { isAny } from '../../base/is-any.ts';
import { isOpen, nodesInOrder } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { rollbackButtons } from './buttons.ts';
import { type Post, post } from './post.ts';
import { signedWord } from './signed.ts';
import { count, foreign, names, who } from './text.ts';
import { isLeftOut, nodeWord, scopeName, versionsBefore } from './words.ts';

/** A broadcast at the end; a partial result is told node by node. */
export function endingPosts(rollout: Rollout): Post[] {
  if (isOpen(rollout)) return [];
  const { status, run } = rollout;
  const scopes = status.is === 'rolled-back' ? [] : rollbackButtons(rollout, [{ is: 'all' }]);
  return [
    post(rollout, `${key(rollout)}.${run}`, { is: 'thread', broadcast: true }, [
      { is: 'lines', lines: [headline(rollout), signedWord(rollout.release), ...nodeLines(rollout)] },
      { is: 'buttons', buttons: scopes },
    ]),
  ];
}

function key({ status }: Rollout): string {
  return status.is === 'done' ? 'finished' : status.is;
}

/** Changed, or possibly, and not proven: neither counted as new nor as old. */
export function unsure(rollout: Rollout): string {
  const doubtful = nodesInOrder(rollout).filter(({ state, touched }) => touched && !isAny(state.is, 'done', 'working'));
  return doubtful.length === 0
    ? ''
    : `, and perhaps ${names(
        doubtful.map(({ name }) => name),
        3,
      )} (changed and not proven)`;
}

/** Nobody serves there until a person puts it back. */
function leftOut(rollout: Rollout): string {
  const out = nodesInOrder(rollout).filter(isLeftOut);
  return out.length === 0
    ? ''
    : ` ‼ Out of service: ${names(
        out.map(({ name }) => name),
        3,
      )}.`;
}

/** What became of the rollout in one sentence. */
export function headline(rollout: Rollout): string {
  const { status, release } = rollout;
  const nodes = nodesInOrder(rollout);
  const onNew = nodes.filter(({ state }) => state.is === 'done').length;
  const doubtful = unsure(rollout);
  const onOld = versionsBefore(rollout);
  switch (status.is) {
    case 'done':
      return `✓ *${release.version} is on all ${count(nodes.length, 'node')}*, each one proven.`;
    case 'rolled-back':
      return `↩ *Rolled back (${scopeName(status.scope)})*: ${onNew} of ${count(nodes.length, 'node')} still on ${release.version}${doubtful}${onOld === '' ? '' : `; before it ran ${onOld}`}.${leftOut(rollout)}`;
    case 'stopped':
      return `■ *Stopped by ${who(status.by)}*: ${onNew} of ${count(nodes.length, 'node')} on ${release.version}${doubtful}.${leftOut(rollout)}`;
    default:
      return `${release.version} is under way: ${onNew} of ${count(nodes.length, 'node')} done.`;
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
  return untouched ? '○ not begun' : `${glyph} ${inWords}`;
}

function version(rollout: Rollout, { state, before, touched }: NodeRun): string {
  if (state.is === 'done') return `, ${rollout.release.version}`;
  const stays = !touched && isAny(state.is, 'ready', 'staging', 'failed', 'rolled-back');
  if (!stays) return ', version unknown until somebody looks';
  return before?.version == null ? '' : `, ${foreign(before.version, 80)}`;
}
