import { nodeOf, regionsOf } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { foreign } from './text.ts';

/** So many regions are named in one line. */
const most = 3;

/** What still serves, by the last looks: `2 of 3 healthy in us-east`. Without the time, so that a look that saw the same edits nothing. */
export function serving(rollout: Rollout, regions: string[]): string {
  const named = regions.slice(0, most);
  const isSeen = (region: string) => rollout.looks[region]?.at != null;
  const unseen = named.filter((region) => !isSeen(region)).map((region) => foreign(region, 80));
  const all = [
    ...named.filter(isSeen).map((region) => healthyIn(rollout, region)),
    ...(unseen.length === 0 ? [] : [`nobody has looked at ${unseen.join(' or ')} yet`]),
  ];
  const more = regions.length > most ? ` and ${regions.length - most} more regions` : '';
  return `${all.join(', ')}${more}`;
}

/** In the region of the node that a rollout is held over, or in all of its regions. */
export function servingWhereHeld(rollout: Rollout): string {
  const { status } = rollout;
  const node = status.is === 'held' ? status.node : null;
  return serving(rollout, node === null ? regionsOf(rollout) : [nodeOf(rollout, node).region]);
}

function healthyIn({ looks, peers, nodes }: Rollout, region: string): string {
  const { standing = {} } = looks[region] ?? {};
  const all = peers[region] ?? [];
  const healthy = all.filter((peer) => standing[peer] === 'healthy' && !isDoubtful(nodes[peer]));
  return `${healthy.length} of ${all.length} healthy in ${foreign(region, 80)}`;
}

/** A look may be older than what was begun since: what is out of service, or changed and not proven, counts for nothing. */
const isDoubtful = (node: NodeRun | undefined): boolean =>
  node !== undefined && (node.drained || (node.touched && node.state.is !== 'done'));
