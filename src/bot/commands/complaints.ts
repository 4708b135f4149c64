import { short } from '../../base/hash.ts';
import type { NodeSurvey, Release } from '../../upgrade/rollout/types.ts';
import { foreign } from '../views/text.ts';

/** Something about a node that is not right. */
export interface Complaint {
  is: 'unhealthy' | 'unit' | 'no-version' | 'no-image' | 'other-image';
  seen: NodeSurvey;
}

/** @param release what the node says that it runs; null when there is no archive to compare with */
export function complaintsAbout(seen: NodeSurvey, release: Release | null): Complaint[] {
  const { healthy, unit, version, sha256 } = seen;
  const wrong: Record<Complaint['is'], boolean> = {
    unhealthy: !healthy,
    unit: unit !== 'active/running',
    'no-version': version === null,
    'no-image': sha256 === null,
    'other-image': release !== null && sha256 !== null && sha256 !== release.binarySha256,
  };
  const kinds = ['unhealthy', 'unit', 'no-version', 'no-image', 'other-image'] as const;
  return kinds.filter((is) => wrong[is]).map((is) => ({ is, seen }));
}

export function complaintLine({ is, seen: { node, detail, unit, version, sha256 } }: Complaint): string {
  const name = foreign(node, 80);
  switch (is) {
    case 'unhealthy':
      return `✗ ${name} is not healthy: ${foreign(detail, 200)}`;
    case 'unit':
      return `✗ ${name}: its unit is ${foreign(unit ?? 'unknown, SSH gave no answer', 80)}`;
    case 'no-version':
      return `✗ ${name} does not say its version`;
    case 'no-image':
      return `✗ ${name}: the running image could not be read`;
    case 'other-image':
      return `✗ ${name} says ${foreign(version ?? '', 60)}, and its image ${foreign(short(sha256 ?? ''))} is not that release's`;
  }
}
