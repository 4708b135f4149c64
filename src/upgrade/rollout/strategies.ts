import type { Batch, Policy, StrategyName } from './types.ts';

/** Compiles regions, already in order of work, into batches. A strategy decides nothing else. */
export type Strategy = (regions: { name: string; nodes: string[] }[], policy: Policy) => Batch[];

/** One node at a time through all regions; nobody is asked in between (guide, strategy 1). */
const rolling: Strategy = (regions) =>
  regions.map(({ name, nodes }) => ({ region: name, nodes, approval: false, bake: 0 }));

/** Region by region: watched for the bake, then somebody approves the next; nothing after the last (guide, strategy 2). */
const regions: Strategy = (all, policy) =>
  all.map(({ name, nodes }, index) => ({
    region: name,
    nodes,
    approval: index > 0,
    bake: index < all.length - 1 ? policy.bake : 0,
  }));

export const strategies: Record<StrategyName, Strategy> = { rolling, regions };
