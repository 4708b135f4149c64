import * as commands from '../host/commands.ts';
import { runScript } from '../host/look.ts';
import { reportOf, succeeded } from '../host/reports.ts';
import type { Step, StepContext } from './types.ts';

/**
 * Removes what was staged and uploaded, and on the way forward backups that nobody will go back to. A failure changes
 * nothing about the node.
 */
export const cleanup: Step = async (context) => {
  const answer = await runScript(context, commands.cleanup(context, context.node.before, goesForward(context)));
  return answer.is === 'ok' ? succeeded() : reportOf(answer, 'retry');
};

function goesForward({ rollout, node }: StepContext): boolean {
  const isUpgrade = rollout.recovery === undefined;
  return (
    isUpgrade &&
    node.state.is === 'working' &&
    node.state.direction === 'forward' &&
    rollout.status.is !== 'rolling-back'
  );
}
