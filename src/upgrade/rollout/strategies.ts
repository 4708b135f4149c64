import { serviceIn, siblingName } from '../../base/sibling.ts';

/** Nodes that are worked on together, before the next ones are asked for. */
export interface Group {
  /** Becomes part of phase ids: short, without spaces. */
  id: string;
  /** What people call it. */
  title: string;
  nodes: string[];
}

export interface RegionNodes {
  name: string;
  nodes: string[];
}

/**
 * Groups regions, already in order of work, and nothing else: staging, watches and approvals are put between the groups by
 * `compile`, so that no strategy can leave one out.
 */
interface Strategy {
  group: (regions: RegionNodes[]) => Group[];
  /** How it goes, as the end of a sentence. */
  way: string;
  /** What one of its groups is called. */
  part: string;
}

const notEmpty = (group: Group): Group[] => (group.nodes.length === 0 ? [] : [group]);

/** In the order in which help lists them. */
export const strategies = {
  /** One node at a time through all regions; nobody is asked in between (guide, strategy 1). */
  rolling: {
    group: (regions) => [{ id: 'all', title: 'all regions', nodes: regions.flatMap(({ nodes }) => nodes) }],
    way: 'node by node through all regions',
    part: 'region',
  },
  /** Region by region (guide, strategy 2). */
  regions: {
    group: (regions) => regions.map(({ name, nodes }) => ({ id: name, title: name, nodes })),
    way: 'region by region',
    part: 'region',
  },
  /** The first node of every region, then the rest. */
  'canary-all': {
    group: (regions) => [
      { id: 'canaries', title: 'the canary part', nodes: regions.flatMap(({ nodes }) => nodes.slice(0, 1)) },
      ...notEmpty({ id: 'rest', title: 'the rest', nodes: regions.flatMap(({ nodes }) => nodes.slice(1)) }),
    ],
    way: 'the first node of every region, then the rest',
    part: 'part',
  },
  /** Region by region, behind a balancer: the release beside what serves, then one switch (guide, strategy 3). `withBalancers` puts that around each. */
  'blue-green': {
    group: (regions) => regions.map(({ name, nodes }) => ({ id: name, title: name, nodes })),
    way: 'region by region, beside what serves, with one switch of the balancer',
    part: 'region',
  },
} satisfies Record<string, Strategy>;

export type StrategyName = keyof typeof strategies;

/** Regions in order of work, of one service after another: each is grouped as if it were the only one. */
export function grouped(strategy: StrategyName, regions: RegionNodes[]): Group[] {
  const keys = [...new Set(regions.map(({ name }) => serviceIn(name)))];
  return keys.flatMap((key) => {
    const groups = strategies[strategy].group(regions.filter(({ name }) => serviceIn(name) === key));
    return key === null ? groups : groups.map((group) => ofService(group, key));
  });
}

/** A region is called after its service as it is. */
const ofService = (group: Group, key: string): Group =>
  serviceIn(group.id) === null
    ? { ...group, id: siblingName(group.id, key), title: `${group.title} of ${key}` }
    : group;

export const strategyNames = Object.keys(strategies) as StrategyName[];
