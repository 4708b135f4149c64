import * as commands from './commands.ts';
import { tell } from './look.ts';
import { failed, reportOf, succeeded } from './reports.ts';
import type { Step } from './types.ts';

/** Right before the switch: the backup is there and whole, the node is still what it was, the staged binary is right. */
export const backup: Step = async (context) => {
  const { rollout, node } = context;
  if (node.already) return succeeded();
  if (node.before === null) return failed('the node was not staged');
  const answer = await tell(context, commands.backup(rollout, node.before));
  if (answer.is === 'told') return succeeded();
  const switched = answer.is === 'refused' && answer.word === 'drift' && answer.detail === rollout.release.binarySha256;
  if (!switched) return reportOf(answer, 'retry');
  const kept = await tell(context, commands.checkBackup(rollout, node.before));
  return kept.is === 'told' ? succeeded() : reportOf(kept, 'retry');
};
