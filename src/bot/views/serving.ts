import { nodeOf, phaseOf, regionsOf, watchBefore } from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { foreign, when } from './text.ts';

/** So many regions are named in one line. */
const most = 3;

/** Nobody looks at what is held: said hours later, it is no longer what serves now. */
type Dated = 'dated' | 'undated';

/** What still serves, by the last looks: `2 of 3 healthy in us-east`. Mostly without the time, so that a look that saw the same edits nothing. */
export function serving(rollout: Rollout, regions: string[], dated: Dated = 'undated'): string {
  const named = regions.slice(0, most);
  const isSeen = (region: string) => rollout.looks[region]?.at != null;
  const unseen = named.filter((region) => !isSeen(region)).map((region) => foreign(region, 80));
  const all = [
    ...named
      .filter(isSeen)
      .map((region) => healthyIn(rollout, region) + (dated === 'dated' ? seenAt(rollout, region) : '')),
    ...(unseen.length === 0 ? [] : [notLooked(rollout, unseen)]),
  ];
  const more = regions.length > most ? ` and ${regions.length - most} more regions` : '';
  return `${all.join(', ')}${more}`;
}

const notLooked = ({ startedAt }: Rollout, regions: string[]): string =>
  startedAt === null ? 'no node was restarted yet' : `nobody has looked at ${regions.join(' or ')} yet`;

/** Where something was done before this is asked, which is what a yes is given on; else where it is asked for. */
export function servingAt(rollout: Rollout, phase: ApprovalPhase): string {
  const opened = phase.opens.map((id) => phaseOf(rollout, id));
  const nodes = opened.flatMap((each) => (each.is === 'nodes' ? each.nodes : []));
  const own = new Set(nodes.map((name) => nodeOf(rollout, name).region));
  return serving(rollout, watchBefore(rollout, phase)?.regions ?? [...own]);
}

/** In the region of the node that a rollout is held over, or in all of its regions. */
export function servingWhereHeld(rollout: Rollout, dated: Dated = 'undated'): string {
  const { status } = rollout;
  const node = status.is === 'held' ? status.node : null;
  return serving(rollout, node === null ? regionsOf(rollout) : [nodeOf(rollout, node).region], dated);
}

const seenAt = ({ looks }: Rollout, region: string): string => ` (seen ${when(looks[region]?.at ?? 0)})`;

function healthyIn({ looks, peers, nodes }: Rollout, region: string): string {
  const { standing = {} } = looks[region] ?? {};
  const all = peers[region] ?? [];
  const healthy = all.filter((peer) => standing[peer] === 'healthy' && !isDoubtful(nodes[peer]));
  return `${healthy.length} of ${all.length} healthy in ${foreign(region, 80)}`;
}

/** A look may be older than what was begun since: what is out of service, or changed and not proven, counts for nothing. */
const isDoubtful = (node: NodeRun | undefined): boolean =>
  node !== undefined && (node.drained || (node.touched && node.state.is !== 'done'));
