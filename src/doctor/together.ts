import type { Host } from '../upgrade/ssh/types.ts';
import { type Finding, right, wrong } from './finding.ts';
import { type Rule, rules, type Surroundings } from './mending.ts';
import { groupsBy } from './mending-words.ts';

/** What was found on one node: everything that is wrong with it, or what it is. */
export interface NodeLook {
  node: string;
  problems: string[];
  portrait: string;
}

interface Trouble {
  node: string;
  text: string;
  known: { rule: Rule; match: RegExpExecArray } | null;
  /** The host that it is about: the node, or the jump host on the way. */
  host: Host | undefined;
}

const mostNames = 20;

/**
 * A line per node, in the order of the settings; what several have in common is one line that names them, and the one
 * command that mends it for all of them.
 */
export function tellNodes(looks: NodeLook[], around: Surroundings): Finding[] {
  const troubles = looks.flatMap(({ node, problems }) => problems.map((text) => troubleOf(node, text, around.hosts)));
  const groups = groupsBy(troubles, keyOf);
  const shared = groups.filter((group) => group.length > 1);
  return looks.flatMap(({ node, problems, portrait }) => {
    if (problems.length === 0) return [right(node, portrait)];
    const own = groups.filter((group) => group.length === 1 && group[0]?.node === node);
    const first = shared.filter((group) => group[0]?.node === node);
    const alone = own.map((group) => sentence(group, around)).join('; ');
    return [...first.map((group) => together(group, around)), ...(alone === '' ? [] : [wrong(node, alone)])];
  });
}

function troubleOf(node: string, text: string, hosts: Record<string, Host>): Trouble {
  const jump = /^jump host ([^:]+): /.exec(text)?.[1];
  const own = hosts[node];
  const host = jump === undefined ? own : jumpsOf(own).find(({ name }) => name === jump);
  for (const rule of rules) {
    const match = rule.pattern.exec(text);
    if (match) return { node, text, known: { rule, match }, host };
  }
  return { node, text, known: null, host };
}

function jumpsOf(host: Host | undefined): Host[] {
  return host?.jump ? [host.jump, ...jumpsOf(host.jump)] : [];
}

/** Equal for nodes that have the same trouble. The numbers in it may differ: seconds, megabytes. */
function keyOf({ text, known }: Trouble): string {
  const common = known?.rule.common?.(known.match) ?? text;
  return common.replace(/\d+(\.\d+)?(?= (s|MB)\b)/g, 'N');
}

function together(group: Trouble[], around: Surroundings): Finding {
  const nodes = group.map(({ node }) => node);
  const more = nodes.length > mostNames ? ` and ${nodes.length - mostNames} more` : '';
  return wrong(`${nodes.length} nodes`, `${nodes.slice(0, mostNames).join(', ')}${more}: ${sentence(group, around)}`);
}

function sentence(group: Trouble[], around: Surroundings): string {
  const [first] = group;
  if (first === undefined) return '';
  const { text, known } = first;
  const jump = /^jump host [^:]+: /.exec(text)?.[0] ?? '';
  const what = (group.length > 1 && known?.rule.common && `${jump}${known.rule.common(known.match)}`) || text;
  const hosts = new Map(group.flatMap(({ host }) => (host === undefined ? [] : [[host.name, host] as const])));
  const mend = known?.rule.mend(known.match, [...hosts.values()], around) ?? null;
  return mend === null ? what : `${what}; ${mend}`;
}
