import * as commands from './commands.ts';
import { tell } from './look.ts';
import { reportOf, succeeded } from './reports.ts';
import type { Step } from './types.ts';

/** Removes what was staged and uploaded; backups stay. A failure changes nothing about the node. */
export const cleanup: Step = async (context) => {
  const answer = await tell(context, commands.cleanup(context.rollout));
  return answer.is === 'told' ? succeeded() : reportOf(answer, 'retry');
};
