import { goal, outcome, type Pack } from '../../upgrade/report/index.ts';
import { allBrought, approvals, isOpen, nodesInOrder } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { reached } from './goal.ts';
import { type Post, post } from './post.ts';
import { tally } from './tally.ts';
import { count, foreign, names, span, when, who } from './text.ts';

/** Where the whole of it is; the chat has no room for it. */
const files = (id: string): string =>
  `All of it as Markdown, JSON and a picture, with the journal that proves it: \`zeitwork report ${foreign(id, 60)} --out DIR\` on a shell with the settings.`;

/** What a report comes to, in a few lines. */
export function reportLines(pack: Pack): string[] {
  const { rollout, fleet, requester, startedAt, endedAt, chain, questions, nodes, notice } = pack;
  const approvers = [...new Set(questions.flatMap(({ given }) => given.map(({ by }) => by)))];
  const restarts = nodes.reduce((sum, node) => sum + node.restarts, 0);
  const took =
    startedAt === null
      ? 'No node was begun'
      : `First node ${when(startedAt)}${endedAt === null ? ', and it is open still' : `, over ${when(endedAt)}: ${span(endedAt - startedAt)}`}; ${restarts === 0 ? 'no restart' : `at most ${count(restarts, 'restart')}`}`;
  const kept = notice?.audiences.every((each) => each.kept === true);
  return [
    `*${foreign(goal(pack))}* on ${foreign(fleet)}: ${foreign(outcome(pack))}`,
    `Asked for by ${who(requester)}${approvers.length === 0 ? '' : `, approved by ${approvers.map(who).join(', ')}`}. ${took}`,
    ...(notice === null || startedAt === null
      ? []
      : [kept ? 'It was announced as promised' : '‼ It was *not* announced as promised']),
    `The journal has ${count(chain.lines, 'line')} and stands at ${chain.revision}, \`${chain.hash.slice(0, 16)}\``,
    files(rollout),
  ];
}

/** Beside the end, in the thread: who and how long, and where the rest is. Nothing of what never began. */
export function reportPosts(rollout: Rollout): Post[] {
  const { id, run, requester, startedAt, status } = rollout;
  if (isOpen(rollout) || startedAt === null || !('at' in status)) return [];
  const given = approvals(rollout).flatMap((phase) => phase.given.map(({ by }) => by));
  const approved = given.length === 0 ? '' : `, approved by ${[...new Set(given)].map(who).join(', ')}`;
  const lines = [
    `*Report*: ${onIt(rollout)}; asked for by ${who(requester)}${approved}; from the first node to the end ${span(status.at - startedAt)}`,
    imageLine(rollout),
    files(id),
  ];
  return [post(rollout, `report.${run}`, { is: 'thread', broadcast: false }, [{ is: 'lines', lines }])];
}

/** What was there, and what is there now, as hashes. */
function imageLine(rollout: Rollout): string {
  const hashes = nodesInOrder(rollout).flatMap(({ before }) => (before === null ? [] : [before.sha256.slice(0, 12)]));
  const images = allBrought(rollout).map(({ release }) => `\`${release.binarySha256.slice(0, 12)}\``);
  return `Image of the release ${images.join(', ')}, before it ${names([...new Set(hashes)], 4)}`;
}

function onIt(rollout: Rollout): string {
  const { all, onNew } = tally(rollout);
  return `${onNew.length} of ${count(all, 'node')} ${reached(rollout)}`;
}
