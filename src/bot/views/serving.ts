import { nodeOf, regionsOf } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { foreign } from './text.ts';

/** So many regions are named in one line. */
const most = 3;

/** What still serves, by the last looks: `2 of 3 healthy in us-east`. Without the time, so that a look that saw the same edits nothing. */
export function serving(rollout: Rollout, regions: string[]): string {
  const all = regions.map((region) => healthyIn(rollout, region));
  const more = all.length > most ? ` and ${all.length - most} more regions` : '';
  return `${all.slice(0, most).join(', ')}${more}`;
}

/** In the region of the node that a rollout is held over, or in all of its regions. */
export function servingWhereHeld(rollout: Rollout): string {
  const { status } = rollout;
  const node = status.is === 'held' ? status.node : null;
  return serving(rollout, node === null ? regionsOf(rollout) : [nodeOf(rollout, node).region]);
}

function healthyIn({ looks, peers, nodes }: Rollout, region: string): string {
  const { at = null, standing = {} } = looks[region] ?? {};
  const name = foreign(region, 80);
  if (at === null) return `nobody has looked at ${name} yet`;
  const all = peers[region] ?? [];
  const healthy = all.filter((peer) => standing[peer] === 'healthy' && !isDoubtful(nodes[peer]));
  return `${healthy.length} of ${all.length} healthy in ${name}`;
}

/** A look may be older than what was begun since: what is out of service, or changed and not proven, counts for nothing. */
const isDoubtful = (node: NodeRun | undefined): boolean =>
  node !== undefined && (node.drained || (node.touched && node.state.is !== 'done'));
