import { releaseOf } from './services.ts';
import type { NodeRun, Rollout } from './types.ts';

/** By node, in one short text each. */
export type Observed = Record<string, string>;

/**
 * What is known of every node of the regions that are worked on: what somebody is told before they say yes, and what that yes
 * stands on. Version, image and invocation, and whether it serves as far as standing evidence tells; an answer that got lost
 * proves nothing and changes nothing.
 */
export function observed(rollout: Rollout): Observed {
  const regions = new Set(Object.values(rollout.nodes).map(({ region }) => region));
  const names = [...regions].flatMap((region) => rollout.peers[region] ?? []);
  return Object.fromEntries(names.map((name) => [name, told(rollout, name)]));
}

function told(rollout: Rollout, name: string): string {
  const node = rollout.nodes[name];
  const region = node?.region ?? Object.keys(rollout.peers).find((each) => rollout.peers[each]?.includes(name)) ?? '';
  const standing = rollout.looks[region]?.standing[name] === 'down' ? 'down' : 'up';
  if (node === undefined) return standing;
  return `${imageOf(rollout, node)} ${node.sick === null ? standing : 'sick'}`;
}

function imageOf(rollout: Rollout, { name, state, proof, before }: NodeRun): string {
  const release = releaseOf(rollout, name);
  const [version, image] = proof === null ? [before?.version, before] : [release.version, proof];
  const [sha256 = '', invocation = ''] = [image?.sha256, image?.invocation];
  return `${state.is} ${version ?? 'unknown'} ${sha256.slice(0, 12)} ${invocation.slice(0, 12)}`;
}

export const isSameObserved = (one: Observed, other: Observed): boolean => {
  const names = Object.keys(one);
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name]);
};
