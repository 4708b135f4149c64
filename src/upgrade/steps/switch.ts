import * as commands from '../host/commands.ts';
import type { Observation } from '../host/observation.ts';
import { failed, linkInPlace } from '../host/reports.ts';
import { fileOf } from '../rollout/index.ts';
import type { Report } from '../rollout/types.ts';
import { drifted } from './configure.ts';
import { inTheWayOfSwitch, leave, type Since } from './foreign.ts';
import { type Missing, stopFor } from './stop.ts';
import type { Step, StepContext } from './types.ts';

const since: Since = { binary: ' since the node was staged', env: ' since the node was staged' };

/** Renames the staged binary over the installed one and restarts, unless the node runs it already. */
export const switchStep: Step = (context) => stopFor(context, (seen) => missingOf(context, seen));

async function missingOf(context: StepContext, seen: Observation): Promise<Missing> {
  const { rollout, node } = context;
  const { before } = node;
  const { image, disk, env, unit } = seen;
  const { unit: name, envFile } = rollout.service;
  const target = rollout.release.binarySha256;
  const file = fileOf(rollout, node);
  const isConfigured = file === null || (env === file.after && !seen.stale);
  if (image === target && disk === target && isConfigured) return { is: 'nothing' };
  if (!unit.loaded) return { is: 'reported', report: failed(`there is no unit ${name} on the node`) };
  if (before === null) return { is: 'reported', report: failed('the node was not staged') };
  // A try that was killed between the two renames left the file there.
  const clean = isClean(seen, target) && (file === null || env !== file.after || file.before === file.after);
  const withdrawn = context.withdrawn();
  if (withdrawn !== null) return { is: 'reported', report: withClean(failed(withdrawn), clean) };
  const link = linkInPlace(seen, rollout.service);
  if (link !== null) return { is: 'reported', report: failed(link) };
  if (env === null && before.envSha256 !== null) {
    return { is: 'reported', report: failed(`there is no ${envFile} on the node any more`) };
  }
  if (file !== null && env !== file.before && env !== file.after)
    return { is: 'reported', report: withClean(failed(drifted(rollout)), clean) };
  const strangers = inTheWayOfSwitch(seen, before, rollout, file?.after ?? null);
  const left = await leave(context, strangers, since);
  if (left.is === 'reported') return { ...left, report: withClean(left.report, clean) };
  // The environment stays in any case: an upgrade never overwrites it.
  const decided = {
    replace: strangers.filter(({ part }) => part !== 'env'),
    keep: strangers.filter(({ part }) => part === 'env'),
  };
  const isOld = file === null || (env === file.before && !seen.stale);
  const unchanged = isOld && disk === before.sha256 && (image === before.sha256 || (image === null && seen.down));
  return { is: 'stop', command: commands.switchOver(context, before, decided, file?.after ?? null), unchanged };
}

export const isClean = ({ image, disk }: Observation, target: string) => image !== target && disk !== target;

/** A failure that says whether anything of this release is on the node. */
export function withClean(report: Report, clean: boolean): Report {
  return report.is === 'failed' ? { ...report, facts: { ...report.facts, clean } } : report;
}
