import { fingerprint } from '../../trust/index.ts';
import { observed } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';

/** Of so many nodes each has a mark of its own; Slack takes 2,000 characters in the value of a button. */
const mostMarked = 300;
const markLength = 4;

const told = (rollout: Rollout): [string, string][] =>
  Object.entries(observed(rollout)).toSorted(([one], [other]) => (one < other ? -1 : 1));

const markOf = (node: [string, string]): string => fingerprint(node).slice(0, markLength);

/** What is known of every node, as a button carries it: a fingerprint over all, which decides, and a mark of each, which names what moved. */
export function knownNow(rollout: Rollout): string {
  const all = told(rollout);
  const marks = all.length > mostMarked ? '' : all.map(markOf).join('');
  return `${fingerprint(all)}.${marks}`;
}

/** How the nodes are now that have moved since a button carried `known`, by name; null where it names none. */
export function movedSince(rollout: Rollout, known: string): [string, string][] | null {
  const [, marks = ''] = known.split('.');
  const all = told(rollout);
  if (marks.length !== all.length * markLength) return null;
  const moved = all.filter((node, at) => markOf(node) !== marks.slice(at * markLength, (at + 1) * markLength));
  return moved.length === 0 ? null : moved;
}
