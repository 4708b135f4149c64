import * as commands from '../host/commands.ts';
import type { Observation } from '../host/observation.ts';
import { failed, linkInPlace } from '../host/reports.ts';
import type { Report } from '../rollout/types.ts';
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
  if (image === target && disk === target) return { is: 'nothing' };
  if (!unit.loaded) return { is: 'reported', report: failed(`there is no unit ${name} on the node`) };
  if (before === null) return { is: 'reported', report: failed('the node was not staged') };
  const withdrawn = context.withdrawn();
  if (withdrawn !== null) return { is: 'reported', report: withClean(failed(withdrawn), isClean(seen, target)) };
  const link = linkInPlace(seen, rollout.service);
  if (link !== null) return { is: 'reported', report: failed(link) };
  if (env === null && before.envSha256 !== null) {
    return { is: 'reported', report: failed(`there is no ${envFile} on the node any more`) };
  }
  const strangers = inTheWayOfSwitch(seen, before, rollout);
  const left = await leave(context, strangers, since);
  if (left.is === 'reported') return { ...left, report: withClean(left.report, isClean(seen, target)) };
  // The environment stays in any case: an upgrade never overwrites it.
  const decided = {
    replace: strangers.filter(({ part }) => part !== 'env'),
    keep: strangers.filter(({ part }) => part === 'env'),
  };
  const unchanged = disk === before.sha256 && (image === before.sha256 || (image === null && seen.down));
  return { is: 'stop', command: commands.switchOver(context, before, decided), unchanged };
}

export const isClean = ({ image, disk }: Observation, target: string) => image !== target && disk !== target;

/** A failure that says whether anything of this release is on the node. */
export function withClean(report: Report, clean: boolean): Report {
  return report.is === 'failed' ? { ...report, facts: { ...report.facts, clean } } : report;
}
