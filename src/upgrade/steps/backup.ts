import * as commands from '../host/commands.ts';
import { look, runScript } from '../host/look.ts';
import { failed, reportOf, succeeded } from '../host/reports.ts';
import { strangerIn } from '../host/strangers.ts';
import type { Report } from '../rollout/types.ts';
import { isToBeAsked, judged } from './asked.ts';
import { withIllness } from './checked.ts';
import { inTheWayOfStage, leave } from './foreign.ts';
import { assess } from './preflight.ts';
import { outrun, replaced, sinceStaged } from './stage.ts';
import type { Step, StepContext } from './types.ts';

/**
 * Right before the switch: the backup is there and whole, the node is still what it was, the staged binary is right. On
 * the first node that has its turn, after a person began it, the new binary is asked for its version. What is bad by then is no fault
 * of the release.
 */
export const backup: Step = async (context) => withIllness(context, await madeReady(context));

async function madeReady(context: StepContext): Promise<Report> {
  const { node } = context;
  if (node.already) return succeeded();
  if (node.before === null) return failed('the node was not staged');
  const withdrawn = context.withdrawn();
  if (withdrawn !== null) return failed(withdrawn);
  if (node.decided !== null) return asItIsNow(context);
  const answer = await runScript(context, commands.backup(context, node.before, isToBeAsked(context.rollout)));
  if (answer.is === 'ok') return judged(context, answer.output, {});
  const drifted = answer.is === 'refused' && strangerIn(answer.word, answer.detail) !== null;
  return drifted ? asItIsNow(context) : reportOf(answer, 'retry');
}

/** What stands there now may be the release already, somebody's work, or what a person decided about. */
async function asItIsNow(context: StepContext): Promise<Report> {
  const { rollout, node, probe } = context;
  if (node.before === null) return failed('the node was not staged');
  const [seen, health] = await Promise.all([look(context), probe.health(node.name)]);
  if (seen.is !== 'seen') return reportOf(seen, 'retry');
  const { image, disk } = seen.seen;
  if ((image ?? disk) === rollout.release.binarySha256) {
    const kept = await runScript(
      context,
      commands.checkBackup(rollout.service, node.before, rollout.policy.commandTimeout),
    );
    return kept.is === 'ok' ? succeeded() : reportOf(kept, 'retry');
  }
  const found = assess(seen.seen, health, rollout.release, rollout.service);
  if (found.is === 'unfit') return failed(found.reason);
  const strangers = inTheWayOfStage(seen.seen, node, rollout);
  const left = await leave(context, strangers, sinceStaged, health);
  if (left.is === 'reported') return left.report;
  const before = left.as === null ? node.before : found.before;
  const answer = await runScript(context, commands.backup(context, before, isToBeAsked(rollout), replaced(strangers)));
  if (answer.is !== 'ok') return outrun(answer);
  return judged(context, answer.output, left.as === null ? {} : { before });
}
