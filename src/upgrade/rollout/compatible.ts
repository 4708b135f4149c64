import { judge, type Verdict } from '../compatibility/index.ts';
import type { PlanInput } from './types.ts';

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
