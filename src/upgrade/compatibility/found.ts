import type { AgentGroup, Inventory, NodeKnown, Told } from './types.ts';

/** What the nodes of one region tell of agents. */
export interface Found {
  region: string;
  asked: number;
  answered: number;
  groups: AgentGroup[];
  /** Whose agents nobody knows. */
  unasked: { whose: string; reason: string }[];
}

const notAsked = 'its worker does not ask, since it is of an older version or its settings name no inventory';

const toldBy = <Key extends keyof Inventory>(key: Key, inventory: Inventory | undefined) =>
  inventory?.[key] ?? ({ is: 'unknown', reason: notAsked } as const);

/** By region. One list tells of all its agents, so that a node that is silent hides none; else each node tells of its own. */
export function agentsOf(nodes: readonly NodeKnown[]): Found[] {
  const regions = [...new Set(nodes.map(({ region }) => region))];
  return regions.map((region) => {
    const asked = nodes
      .filter((each) => each.region === region)
      .map(({ node, inventory }) => ({ node, said: toldBy('agents', inventory) }));
    const told = asked.flatMap(({ said }) => (said.is === 'told' ? [said.what] : []));
    const silent = asked.flatMap(({ node, said }) => (said.is === 'unknown' ? [{ node, reason: said.reason }] : []));
    const isListed = told.length > 0 && told.every(({ listed }) => listed);
    const [first] = silent;
    const all =
      told.length === 0 && first !== undefined ? [{ whose: `the agents of ${region}`, reason: first.reason }] : [];
    const some =
      told.length === 0 || isListed
        ? []
        : silent.map(({ node, reason }) => ({ whose: `the agent of ${node}`, reason }));
    const groups = together(
      told.map((each) => each.groups),
      isListed,
    );
    return { region, asked: asked.length, answered: told.length, groups, unasked: [...all, ...some] };
  });
}

/** Lists tell of the same agents again and again; what each node tells of its own adds up. */
function together(answers: AgentGroup[][], isListed: boolean): AgentGroup[] {
  const merged = new Map<string | null, AgentGroup>();
  for (const group of answers.flat()) {
    const before = merged.get(group.version);
    const count =
      before === undefined ? group.count : isListed ? Math.max(before.count, group.count) : before.count + group.count;
    merged.set(group.version, { ...group, count, names: [...new Set([...(before?.names ?? []), ...group.names])] });
  }
  return [...merged.values()];
}

/** There is one database: whoever answers tells of it, and when two tell otherwise nobody knows. */
export function schemaOf(nodes: readonly Pick<NodeKnown, 'node' | 'inventory'>[]): Told<number> {
  const asked = nodes.map(({ node, inventory }) => ({ node, said: toldBy('schema', inventory) }));
  const told = asked.flatMap(({ node, said }) => (said.is === 'told' ? [{ node, schema: said.what }] : []));
  const [first] = told;
  if (first === undefined) {
    const silent = asked.flatMap(({ said }) => (said.is === 'unknown' ? [said.reason] : []));
    return { is: 'unknown', reason: silent[0] ?? 'no node was asked' };
  }
  const other = told.find(({ schema }) => schema !== first.schema);
  if (other === undefined) return { is: 'told', what: first.schema };
  return { is: 'unknown', reason: `${first.node} tells ${first.schema}, ${other.node} tells ${other.schema}` };
}
