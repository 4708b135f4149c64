import type { NodeSurvey } from '../../upgrade/rollout/types.ts';
import { iso } from './instants.ts';

/** What the nodes were seen to run. */
export function surveyFacts(seen: NodeSurvey[]) {
  return seen.map(({ node, region, version, sha256, healthy, detail, unit, at }) => ({
    node,
    region,
    version,
    sha256,
    healthy,
    detail,
    unit,
    seenAt: iso(at),
  }));
}
