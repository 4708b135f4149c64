import { placeOf, serviceIn, siblingName } from '../base/sibling.ts';
import { judge, judgeAgents, noWayBack, type Row } from '../upgrade/compatibility/index.ts';
import type { AskInventory } from '../upgrade/http/types.ts';
import { agentBeside, agentOf, firstBeside } from '../upgrade/rollout/index.ts';
import type { Compatibility, Fleet, Release } from '../upgrade/rollout/types.ts';

/** What is judged: a region, what is to be brought there, and what its nodes ran when they were staged, as far as that is known. */
export interface Judged {
  region: string;
  nodes: readonly string[];
  release: Pick<Release, 'version'>;
  before: Record<string, string>;
}

/** Asks the agents and the schema of a region, now, and judges by the settings of now. Does not throw; what nobody can say is a no. */
export type AskCompatible = (place: Judged) => Promise<Compatibility>;

/** Of several services: which one the matrix speaks of where `agent` stands in it, and what is asked beside a node. */
export interface Beside {
  fleet: Pick<Fleet, 'services' | 'compatibility'>;
  /** The version that a node says it runs; null when it says none. */
  runs: (node: string) => Promise<string | null>;
}

export function createCompatible(
  rows: readonly Row[] | undefined,
  ask: AskInventory,
  beside: Beside | null = null,
): AskCompatible {
  if (rows === undefined) return async () => ({ is: 'not wanted' });
  return async (place) => {
    const key = serviceIn(place.region);
    const first = beside?.fleet.services?.[0]?.key ?? null;
    if (beside === null || key === first) return judgeFirst(rows, place, ask);
    return judgeBeside(rows, place, beside, key ?? '');
  };
}

async function judgeFirst(
  rows: readonly Row[],
  { region, nodes, release, before }: Judged,
  ask: AskInventory,
): Promise<Compatibility> {
  const known = await Promise.all(
    nodes.map(async (node) => ({
      node,
      region,
      // Of a node that is not of this rollout nothing is asked but its answer.
      version: before[node] ?? release.version,
      inventory: await ask(node),
    })),
  );
  const reasons = [...new Set(judge(rows, release.version, known).refusals.map(({ text }) => text))];
  const lost = noWayBack(rows, Object.values(before), known);
  const back = lost === null ? {} : { noWayBack: lost };
  return reasons.length === 0 ? { is: 'compatible', ...back } : { is: 'refused', reasons, ...back };
}

/** Agents may go where all that runs beside them works with them. */
async function judgeBeside(
  rows: readonly Row[],
  { nodes, release }: Judged,
  { fleet, runs }: Beside,
  key: string,
): Promise<Compatibility> {
  const first = firstBeside(fleet, key);
  if (first === null) return { is: 'not wanted' };
  const known = await Promise.all(
    nodes.map(async (name) => {
      const node = siblingName(placeOf(name), first);
      return { node, version: await runs(node) };
    }),
  );
  const reasons = judgeAgents(rows, release.version, known).map(({ text }) => text);
  return reasons.length === 0 ? { is: 'compatible' } : { is: 'refused', reasons };
}

/** Whoever is asked of agents by a node whose own agent the fleet runs tells of that one. */
export const askingBeside =
  (ask: AskInventory, { fleet, runs }: Beside): AskInventory =>
  async (node) => {
    const agent = agentBeside(fleet, node);
    const told = await ask(node);
    return agent === null ? told : { ...told, ...agentOf(agent, await runs(agent)) };
  };
