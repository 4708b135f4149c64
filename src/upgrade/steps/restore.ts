import type { Recorded } from '../rollout/types.ts';
import * as commands from './commands.ts';
import { look } from './look.ts';
import type { Observation } from './observation.ts';
import { failed, reportOf } from './reports.ts';
import { type Lack, stopFor } from './stop.ts';
import type { Step, StepContext } from './types.ts';

/** Brings binary and environment file back to what this run recorded, as a pair, and restarts. */
export const restore: Step = (context) => stopFor(context, () => lacking(context));

async function lacking(context: StepContext): Promise<Lack> {
  const { rollout, node } = context;
  if (node.before === null) {
    return { is: 'reported', report: failed('nothing was recorded of this node before the upgrade: no way back') };
  }
  const seen = await look(context);
  if (seen.is !== 'seen') return { is: 'reported', report: reportOf(seen, 'unknown') };
  if (isBack(seen.seen, node.before)) return { is: 'nothing' };
  return { is: 'stop', command: commands.restore(rollout, node.before) };
}

/** The recorded image runs, and a chance restart would bring up the recorded pair. */
export function isBack(seen: Observation, before: Recorded): boolean {
  const env = before.envSha256 === null || seen.env === before.envSha256;
  return seen.image === before.sha256 && seen.disk === before.sha256 && env;
}
