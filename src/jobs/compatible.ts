import { judge, noWayBack, type Row } from '../upgrade/compatibility/index.ts';
import type { AskInventory } from '../upgrade/http/types.ts';
import type { Compatibility, Release } from '../upgrade/rollout/types.ts';

/** What is judged: a region, what is to be brought there, and what its nodes ran when they were staged, as far as that is known. */
export interface Judged {
  region: string;
  nodes: readonly string[];
  release: Pick<Release, 'version'>;
  before: Record<string, string>;
}

/** Asks the agents and the schema of a region, now, and judges by the settings of now. Does not throw; what nobody can say is a no. */
export type AskCompatible = (place: Judged) => Promise<Compatibility>;

export function createCompatible(rows: readonly Row[] | undefined, ask: AskInventory): AskCompatible {
  if (rows === undefined) return async () => ({ is: 'not wanted' });
  return async ({ region, nodes, release, before }) => {
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
  };
}
