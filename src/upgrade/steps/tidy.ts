import * as commands from '../host/commands.ts';
import { runScript, type Visit } from '../host/look.ts';
import { reportOf } from '../host/reports.ts';
import type { NodeRun, Pair } from '../rollout/types.ts';

/** What a clean-up is done under: the last rollout that knows the node, and its node there. */
export interface TidyVisit extends Visit {
  node: Pick<NodeRun, 'name'> & { before: Pair | null };
}

export type Tidied = { is: 'tidied'; removed: string[] } | { is: 'left'; reason: string };

/** Removes backups of long ago. `spare`: what was proven on the node before that rollout; null where nobody knows. */
export type TidyNode = (
  visit: TidyVisit,
  spare: Pair | null,
  rule: { stable: number; keep: number },
) => Promise<Tidied>;

export const tidyNode: TidyNode = async (visit, spare, rule) => {
  const answer = await runScript(visit, commands.tidy(visit, visit.node.before, spare, rule));
  if (answer.is === 'ok') return { is: 'tidied', removed: answer.output.get('pruned') ?? [] };
  const report = reportOf(answer, 'retry');
  return { is: 'left', reason: 'reason' in report ? report.reason : '' };
};
