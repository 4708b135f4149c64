import type { Facts, Recorded, Report } from '../rollout/types.ts';
import { find } from './before.ts';
import * as commands from './commands.ts';
import { uploadPath } from './layout.ts';
import { lookClosely, tell } from './look.ts';
import type { Observation } from './observation.ts';
import { failed, reportOf, succeeded } from './reports.ts';
import { lackOfRoom } from './room.ts';
import type { Step, StepContext } from './types.ts';
import { upload } from './upload.ts';
import { judgeVersion } from './version.ts';

/**
 * Brings the new binary onto the node, beside the installed one and verified, and makes the backup. The service is not
 * touched. Skips what is there already.
 */
export const stage: Step = async (context) => {
  const { rollout, node, probe } = context;
  const [seen, health] = await Promise.all([lookClosely(context), probe.health(node.name)]);
  if (seen.is !== 'seen') return reportOf(seen, 'retry');
  const found = find(seen.seen, health, rollout.release, rollout.service);
  if (found.is === 'unfit') return failed(found.reason);
  if (found.is === 'already') return succeeded({ already: true, before: found.before });
  const before = node.touched && node.before ? node.before : found.before;
  return (await bring(context, seen.seen, before)) ?? prepared(context, seen.seen, before);
};

/** Sends the archive unless the new binary is there; a report only when that failed. */
async function bring(context: StepContext, seen: Observation, before: Recorded): Promise<Report | null> {
  const { release } = context.rollout;
  if (isStaged(context, seen) || seen.disk === release.binarySha256) return null;
  const full = lackOfRoom(seen, release);
  if (full !== null) return failed(full, { before });
  return upload(context);
}

async function prepared(context: StepContext, seen: Observation, before: Recorded): Promise<Report> {
  const { rollout, attempt } = context;
  if (seen.disk === rollout.release.binarySha256) return succeeded({ before });
  const sent = isStaged(context, seen) ? null : uploadPath(rollout, attempt);
  const answer = await tell(context, commands.stage(rollout, before, sent));
  if (answer.is !== 'told') return reportOf(answer, 'retry');
  const facts: Facts = { before, already: false };
  if (rollout.service.versionArgs === null) return succeeded(facts);
  const wrong = judgeVersion(answer.said.get('version') ?? [], rollout.release.version, seen.machine);
  if (wrong === null) return succeeded(facts);
  await tell(context, commands.cleanup(rollout));
  return failed(wrong, facts);
}

const isStaged = (context: StepContext, seen: Observation) => seen.staged === context.rollout.release.binarySha256;
