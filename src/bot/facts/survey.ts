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

/** What was asked of them besides, and found. */
export const checkFacts = (seen: NodeSurvey[]) =>
  seen.flatMap(({ checks = [] }) =>
    checks.map(({ check, node, is, counts, says, at }) => ({ check, node, is, counts, says, seenAt: iso(at) })),
  );
