import type { BackPlan } from '../../upgrade/rollout/index.ts';
import type { NodeSurvey, RollbackScope, Standing } from '../../upgrade/rollout/types.ts';
import { scopeWord } from '../command.ts';
import { stayWord } from '../views/way-back.ts';
import { gateFacts } from './rollout.ts';

/** What a rollback would do. `backup`: what was seen of a node's way back just now; null where nobody looked. */
export function backFacts(scope: RollbackScope, { back, stays }: BackPlan, survey: NodeSurvey[]) {
  const seenOf = (name: string) => survey.find(({ node }) => node === name);
  return {
    dryRun: true,
    scope: scopeWord(scope),
    back: back.map(({ node: { name, region, before, touched }, shut }) => ({
      node: name,
      region,
      does: touched ? 'restore' : 'put back into service',
      runs: seenOf(name)?.version ?? null,
      versionBefore: before?.version ?? null,
      sha256Before: before?.sha256 ?? null,
      healthy: seenOf(name)?.healthy ?? null,
      backup: seenOf(name)?.back ?? null,
      gates: shut.map((gate) => gateFacts({ gate, seen: 'now' })),
    })),
    stays: stays.map((node) => ({ node: node.name, region: node.region, why: stayWord(node) })),
  };
}

/** What an answer says of a node: that it did not answer us proves nothing. */
export const standingIn = (survey: NodeSurvey[]): Record<string, Standing> =>
  Object.fromEntries(survey.map((seen) => [seen.node, standingOf(seen)]));

function standingOf({ healthy, unit, unanswered }: NodeSurvey): Standing {
  if (healthy) return 'healthy';
  return unanswered || unit === null || unit.startsWith('active/') ? 'unclear' : 'down';
}
