import { day } from '../../base/duration.ts';
import type { NodeSurvey } from '../rollout/types.ts';
import type { Ledger, Left } from './types.ts';

/** What people answer for, when they adopt what the nodes are. */
export interface Found {
  nodes: Record<string, Omit<Left, 'at' | 'rollout'>>;
  /** The highest number of a run that they know; 0 for none. */
  epoch: number;
}

/** Clocks may have been ahead; one that was by more than this would leave no numbers for the runs to come. */
const furthestAhead = 400 * day;

/** Why a node cannot be taken for what it is, in words; null when it can. */
function unfit({ healthy, detail, sha256, lies, held = 0 }: NodeSurvey, now: number): string | null {
  if (sha256 === null) return `what it runs is not seen: ${detail}`;
  if (!healthy) return `it is not healthy: ${detail}`;
  if (held > now + furthestAhead)
    return `no run of ours had the number ${held} that lies in its epoch file: write 0 into that`;
  if (lies === undefined) return 'its worker does not tell what lies there: ask again, or update it';
  return lies.disk === sha256 ? null : 'another binary lies on its disk than runs';
}

/** What of the nodes can be taken over, and of the others why not. @param now epoch ms */
export function foundOn(
  survey: readonly NodeSurvey[],
  now: number,
): { found: Found; leftOut: { node: string; why: string }[] } {
  const leftOut = survey.flatMap((seen) => {
    const why = unfit(seen, now);
    return why === null ? [] : [{ node: seen.node, why }];
  });
  const nodes = survey.flatMap((seen): [string, Found['nodes'][string]][] => {
    const { node, version, sha256, lies } = seen;
    if (sha256 === null || lies === undefined || unfit(seen, now) !== null) return [];
    return [[node, { version, sha256, envSha256: lies.envSha256 }]];
  });
  // Also of those that are sick: their fence keeps out what is not newer.
  const held = survey.map((seen) => seen.held ?? 0).filter((each) => each <= now + furthestAhead);
  return { found: { nodes: Object.fromEntries(nodes), epoch: Math.max(0, ...held) }, leftOut };
}

/** With what the nodes were found to be. What was recorded of a node and is still so stays as it was. */
export function rebuilt(ledger: Ledger, { nodes, epoch }: Found, at: number): Ledger {
  const found = Object.entries(nodes).map(([name, node]): [string, Left] => {
    const before = ledger.nodes[name];
    const isSame = before?.sha256 === node.sha256 && before.envSha256 === node.envSha256;
    return [name, before !== undefined && isSame ? before : { ...node, at, rollout: null }];
  });
  return {
    ...ledger,
    nodes: { ...ledger.nodes, ...Object.fromEntries(found) },
    epoch: Math.max(ledger.epoch ?? 0, epoch),
  };
}
