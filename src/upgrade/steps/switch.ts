import * as commands from './commands.ts';
import { look } from './look.ts';
import { failed, reportOf } from './reports.ts';
import { type Lack, stopFor } from './stop.ts';
import type { Step, StepContext } from './types.ts';

/** Renames the staged binary over the installed one and restarts, unless the node runs it already. */
export const switchStep: Step = (context) => stopFor(context, () => lacking(context));

async function lacking(context: StepContext): Promise<Lack> {
  const { rollout, node } = context;
  const seen = await look(context);
  if (seen.is !== 'seen') return { is: 'reported', report: reportOf(seen, 'unknown') };
  const { image, disk, unit } = seen.seen;
  const target = rollout.release.binarySha256;
  if (image === target && disk === target) return { is: 'nothing' };
  if (!unit.loaded) return { is: 'reported', report: failed(`there is no unit ${rollout.service.unit} on the node`) };
  if (node.before === null) return { is: 'reported', report: failed('the node was not staged') };
  return { is: 'stop', command: commands.switchOver(rollout, node.before) };
}
