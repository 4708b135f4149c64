import type { StrategyName } from './types.ts';

/** Nodes that are worked on together, before the next ones are asked for. */
export interface Group {
  /** Becomes part of phase ids: short, without spaces. */
  id: string;
  /** What people call it. */
  title: string;
  nodes: string[];
}

/**
 * Groups regions, already in order of work, and nothing else: staging, watches and approvals are put between the groups by
 * `plan`, so that no strategy can leave one out.
 */
export type Strategy = (regions: { name: string; nodes: string[] }[]) => Group[];

/** One node at a time through all regions; nobody is asked in between (guide, strategy 1). */
const rolling: Strategy = (regions) => [
  { id: 'all', title: 'all regions', nodes: regions.flatMap(({ nodes }) => nodes) },
];

/** Region by region (guide, strategy 2). */
const regions: Strategy = (all) => all.map(({ name, nodes }) => ({ id: name, title: name, nodes }));

/** In the order in which help lists them. */
export const strategies: Record<StrategyName, Strategy> = { rolling, regions };
