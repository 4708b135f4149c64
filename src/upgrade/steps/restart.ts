import * as commands from '../host/commands.ts';
import { lookClosely } from '../host/look.ts';
import type { Observation } from '../host/observation.ts';
import { failed, reportOf, succeeded } from '../host/reports.ts';
import type { Baseline, Report, Rollout } from '../rollout/types.ts';
import { withIllness } from './checked.ts';
import { assess } from './preflight.ts';
import { type Missing, stopFor } from './stop.ts';
import { withClean } from './switch.ts';
import type { Step, StepContext } from './types.ts';

/**
 * What staging is in a restart, and what it begins with: records what runs, and touches nothing. A restart that would bring up anything else
 * is none.
 */
export const lookBeforeRestart: Step = async (context) => {
  const report = await asItIs(context);
  return context.node.state.is === 'working' ? withIllness(context, report) : report;
};

async function asItIs(context: StepContext): Promise<Report> {
  const { rollout, node, probe } = context;
  const [looked, health] = await Promise.all([lookClosely(context), probe.health(node.name)]);
  if (looked.is !== 'seen') return reportOf(looked, 'retry');
  const { seen } = looked;
  const found = assess(seen, health, rollout.release, rollout.service);
  if (found.is === 'unfit') return failed(found.reason);
  const reason =
    otherThanRuns(seen, rollout) ?? (node.before === null ? null : newEnvironment(seen, node.before, rollout));
  return reason === null ? succeeded({ before: found.before }) : failed(reason);
}

/** Starts the service anew, unless a newer process than the recorded one runs already. */
export const restart: Step = (context) => stopFor(context, async (seen) => missingOf(context, seen));

function missingOf(context: StepContext, seen: Observation): Missing {
  const { rollout, node } = context;
  const { before } = node;
  if (before === null) return { is: 'reported', report: failed('the node was not looked at') };
  const isSame = seen.unit.invocation === before.invocation;
  const reported = (reason: string): Missing => ({ is: 'reported', report: left(failed(reason), isSame, context) });
  if (!seen.unit.loaded) return reported(`there is no unit ${rollout.service.unit} on the node`);
  const other = otherThanRuns(seen, rollout) ?? newEnvironment(seen, before, rollout);
  if (other !== null) return reported(other);
  if (!isSame && !seen.down) return { is: 'nothing' };
  return { is: 'stop', command: commands.restart(context, before), unchanged: isSame && !node.again };
}

/** It is as it was: no try of this run restarted it, nor one of an earlier. */
const left = (report: Report, isSame: boolean, { node }: StepContext): Report =>
  withClean(report, isSame && !node.again);

function otherThanRuns({ image, disk }: Observation, { release, service }: Rollout): string | null {
  const target = release.binarySha256;
  if (image !== null && image !== target) return `it runs another build than ${release.version}: plan the restart anew`;
  if (disk !== target)
    return `${service.binary} is another build than ${release.version}, and a restart would bring it up: put that back, or start an upgrade, which asks about it`;
  return null;
}

/** Somebody may well want it: whoever tries again has read this. */
function newEnvironment(seen: Observation, before: Baseline, { service }: Rollout): string | null {
  if (service.envFile === null || seen.env === before.envSha256) return null;
  if (seen.env === null) return `there is no ${service.envFile} on the node any more`;
  return `somebody changed ${service.envFile} since the node was looked at, and a restart would bring that into effect: to want that, try again`;
}
