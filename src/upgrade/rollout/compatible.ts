import { Refused } from '../../base/errors.ts';
import { judge, type Verdict } from '../compatibility/index.ts';
import type { NodeRun, PlanInput, Rollout } from './types.ts';

/** The matrix says that a version does not go with what is there; each mismatch as data besides. */
export class Incompatible extends Refused {
  readonly verdict: Verdict;

  constructor(message: string, verdict: Verdict) {
    super(message);
    this.verdict = verdict;
  }
}

/** What the matrix says of bringing the release to these nodes, as they were looked at; null where there is no matrix. */
export function compatibilityOf(
  { fleet, release, survey }: Pick<PlanInput, 'fleet' | 'release' | 'survey'>,
  nodes: readonly { name: string; region: string }[],
): Verdict | null {
  if (fleet.compatibility === undefined) return null;
  const known = nodes.map(({ name, region }) => {
    const seen = survey.find(({ node }) => node === name);
    // It says of itself what it likes; which image runs is known.
    const version = seen?.sha256 === release.binarySha256 ? release.version : (seen?.version ?? null);
    return { node: name, region, version, ...(seen?.inventory === undefined ? {} : { inventory: seen.inventory }) };
  });
  return judge(fleet.compatibility, release.version, known);
}

/** Why some of these nodes cannot be brought back, as looks saw the schema last; null where nothing says so. */
export function seenNoWayBack({ looks }: Rollout, nodes: readonly NodeRun[]): string | null {
  for (const { region, touched, before } of nodes) {
    const said = looks[region]?.compatibility;
    if (!touched || said === undefined || said.is === 'not wanted') continue;
    if (said.noWayBack?.versions.includes(before?.version ?? '')) return said.noWayBack.reason;
  }
  return null;
}
