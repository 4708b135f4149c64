import { short } from '../../base/hash.ts';
import { read } from '../host/answer.ts';
import { readBackups } from '../host/backups.ts';
import * as commands from '../host/commands.ts';
import type { Observation } from '../host/observation.ts';
import { failed, linkInPlace, reportOf } from '../host/reports.ts';
import { missing } from '../host/strangers.ts';
import { fileOf } from '../rollout/index.ts';
import type { Baseline, Pair, Report, Rollout } from '../rollout/types.ts';
import { inTheWayOfRestore, keptEnvironment, leave, type Since } from './foreign.ts';
import { type Missing, stopFor } from './stop.ts';
import type { Step, StepContext } from './types.ts';

const since: Since = { binary: '', env: ' since it was backed up' };

/**
 * Brings binary and environment file back to what this run recorded, as a pair, and restarts. What this run neither found
 * nor put there is replaced only as a person decided about exactly that, and kept aside.
 */
export const restore: Step = (context) => stopFor(context, (seen) => missingOf(context, seen));

async function missingOf(context: StepContext, seen: Observation): Promise<Missing> {
  const { rollout, node } = context;
  if (node.before === null) {
    return { is: 'reported', report: failed('nothing was recorded of this node before the upgrade: no way back') };
  }
  const kept = keptEnvironment(node);
  const file = fileOf(rollout, node);
  const put = file?.after ?? null;
  const hasOurs = put !== null && put !== node.before.envSha256 && seen.outlived === put;
  if (isBack(seen, node.before, rollout, kept) && !(hasOurs && seen.env === node.before.envSha256))
    return { is: 'nothing' };
  const other = rollout.onlyBack ? await notTheNewest(context, node.before) : null;
  if (other !== null) return { is: 'reported', report: other };
  const link = linkInPlace(seen, rollout.service);
  if (link !== null) return { is: 'reported', report: failed(link) };
  const strangers = inTheWayOfRestore(seen, node.before, rollout, put);
  const left = await leave(context, strangers, since);
  if (left.is === 'reported') return left;
  const decided = left.as === 'keep' ? { replace: [], keep: strangers } : { replace: strangers, keep: [] };
  const target = rollout.release.binarySha256;
  // In a change of configuration the binary tells nothing of how far the way back got.
  const isHalfBack = file !== null && file.before !== file.after && seen.env === node.before.envSha256;
  const unchanged = seen.disk === target && seen.image === target && !isHalfBack;
  return { is: 'stop', command: commands.restore(context, node.before, decided, put), unchanged };
}

/** What nobody signed may not choose among the backups of a node: the newest is what ran before its last change. */
async function notTheNewest({ rollout, node, shell, signal }: StepContext, before: Baseline): Promise<Report | null> {
  const { service, policy } = rollout;
  const answer = await shell.run(node.name, commands.listBackups(service, policy.commandTimeout), signal).then(read);
  if (answer.is !== 'ok') return reportOf(answer, 'retry');
  const [newest] = readBackups(answer.output).backups;
  if (newest?.sha256 === before.sha256 && newest.envSha256 === before.envSha256) return null;
  const lies =
    newest === undefined ? 'there is no backup on the node' : `the newest backup on the node is ${newest.name}`;
  return failed(
    `nobody signed where this goes back to, ${before.version ?? short(before.sha256)}, and ${lies}: whoever looks adopts it, or brings it back with zeitwork return`,
  );
}

/** The recorded image runs, started with the file that was put back, and a chance restart would bring up the recorded pair, or the environment that was kept. */
export function isBack(seen: Observation, before: Pair, { service }: Rollout, kept: string | null): boolean {
  const env = service.envFile === null || seen.env === before.envSha256 || (seen.env ?? missing) === kept;
  return seen.image === before.sha256 && seen.disk === before.sha256 && env && !seen.stale;
}
