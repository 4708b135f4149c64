import { Refused } from '../../base/errors.ts';
import type { Fleet, NodeSurvey, Pair, Recovery } from '../rollout/types.ts';
import { isProven } from './proven.ts';
import type { Ledger, Left } from './types.ts';

/**
 * What was proven on a node last, and is to be there when it is recovered: by its own record, or where it has none by that of its
 * healthy peers of the same region, if they all run the same and the ledger says that it was proven there.
 * @throws Refused with what to do instead
 */
export function recordedFor(
  { nodes }: Pick<Ledger, 'nodes'>,
  { regions }: Pick<Fleet, 'regions'>,
  node: string,
  survey: NodeSurvey[],
): Pair & Omit<Recovery, 'envSha256'> {
  const own = nodes[node];
  if (own !== undefined && !isProven({ nodes }, own.sha256))
    throw new Refused(
      `What is recorded of ${node} was accepted where it was found, and no rollout ever proved it: nothing is put anywhere for that. Put binary and environment file there by hand, or start an upgrade.`,
    );
  if (own !== undefined) return told(own, [node], own.envSha256);
  const region = regions.find((each) => each.nodes.some(({ name }) => name === node));
  const peers = survey.flatMap(({ node: name, region: of, healthy, sha256 }): [string, Left][] => {
    const left = nodes[name];
    const isGood = name !== node && of === region?.name && healthy && left !== undefined && left.sha256 === sha256;
    return isGood && isProven({ nodes }, left.sha256) ? [[name, left]] : [];
  });
  const [first] = peers;
  if (first === undefined)
    throw new Refused(
      `No rollout ever left anything proven on ${node}, nor on a healthy peer of it, so nobody knows what it is to run. Put binary and environment file there by hand.`,
    );
  if (peers.some(([, { sha256 }]) => sha256 !== first[1].sha256))
    throw new Refused(
      `No rollout ever left anything proven on ${node}, and its peers do not agree: ${peers.map(([name, { version }]) => `${name} runs ${version ?? 'an unknown version'}`).join(', ')}. Bring them to one version first.`,
    );
  return told(
    first[1],
    peers.map(([name]) => name),
    null,
  );
}

const told = (
  { version, sha256, at, rollout }: Left,
  recordOf: string[],
  envSha256: string | null,
): Pair & Omit<Recovery, 'envSha256'> => ({ version, sha256, envSha256, recordOf, since: at, rollout });

/** Whether that still holds, for whoever puts it there: nothing else than the ledger is believed of it. */
export function isRecorded({ nodes }: Pick<Ledger, 'nodes'>, node: string, sha256: string, peers: string[]): boolean {
  if (!isProven({ nodes }, sha256)) return false;
  const own = nodes[node];
  if (own !== undefined) return own.sha256 === sha256;
  return peers.some((peer) => nodes[peer]?.sha256 === sha256);
}
