import { canonical } from '../trust/index.ts';
import type { Fleet, Rollout, Service } from '../upgrade/rollout/types.ts';

/**
 * A rollout as far as this worker's own settings let it be believed: who is a peer is what they say, and a plan can ask
 * for more healthy ones, never for less. Of what nobody signed, policy and places are not believed either.
 */
export function asWeKnow(rollout: Rollout, { policy: own, regions }: Pick<Fleet, 'policy' | 'regions'>): Rollout {
  const peers = {
    ...(rollout.onlyBack ? {} : rollout.peers),
    ...Object.fromEntries(regions.map((region) => [region.name, region.nodes.map(({ name }) => name)])),
  };
  const minimumHealthy = Math.max(rollout.policy.minimumHealthy, own.minimumHealthy);
  if (!rollout.onlyBack) return { ...rollout, peers, policy: { ...rollout.policy, minimumHealthy } };
  const places = new Map(regions.flatMap(({ nodes }) => nodes).map(({ name, region }) => [name, region]));
  const placed = Object.entries(rollout.nodes).map(([name, node]) => [
    name,
    { ...node, region: places.get(name) ?? node.region },
  ]);
  return { ...rollout, peers, policy: own, nodes: Object.fromEntries(placed) };
}

/** Keys in which the plan was made for another service than this worker's own settings have. */
export function differing(own: Service, planned: Service): string[] {
  const keys = Object.keys({ ...own, ...planned }) as (keyof Service)[];
  return keys.filter((key) => canonical(own[key] ?? null) !== canonical(planned[key] ?? null));
}
