import type { Fleet, FleetNode } from '../upgrade/rollout/types.ts';

/** What a job says about its place is not taken on trust: another program, or older settings, may have written it. */
export interface Guard {
  /** Whether a task from this region's queue is of this region. */
  isHere(task: { region: string }): boolean;
  /** Whether this is one of the region's own nodes. */
  knows(node: FleetNode): boolean;
}

export function guardOf({ regions }: Pick<Fleet, 'regions'>, region: string): Guard {
  const nodes = regions.find(({ name }) => name === region)?.nodes.map(({ name }) => name) ?? [];
  return {
    isHere: (task) => task.region === region,
    knows: (node) => node.region === region && nodes.includes(node.name),
  };
}
