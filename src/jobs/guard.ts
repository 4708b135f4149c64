import type { Fleet, FleetNode, Task } from '../upgrade/rollout/types.ts';

/** What a job says about its place is not taken on trust: another program, or older settings, may have written it. */
export interface Guard {
  /** Whether a task from this region's queue is of this region. Of a node that the settings do not have there nothing is done, and it is told. */
  isHere(task: Task): boolean;
  /** Whether this is one of the region's own nodes. */
  knows(node: FleetNode): boolean;
}

export function guardOf({ regions }: Pick<Fleet, 'regions'>, region: string): Guard {
  const nodes = regions.find(({ name }) => name === region)?.nodes.map(({ name }) => name) ?? [];
  const knows = (node: FleetNode): boolean => node.region === region && nodes.includes(node.name);
  return {
    isHere: (task) => task.region === region,
    knows,
  };
}
