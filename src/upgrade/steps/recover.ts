import * as commands from '../host/commands.ts';
import type { Observation } from '../host/observation.ts';
import { failed, linkInPlace } from '../host/reports.ts';
import { missing } from '../host/strangers.ts';
import { inTheWayOfRestore, keptEnvironment, leave, type Since } from './foreign.ts';
import { isBack } from './restore.ts';
import { type Missing, stopFor } from './stop.ts';
import { isClean, withClean } from './switch.ts';
import type { Step, StepContext } from './types.ts';

const since: Since = { binary: '', env: ' since the node was staged' };

/**
 * Puts what was gathered for a broken node in place, as a pair, and restarts. What is gone or torn is why it is done; anything else that
 * lies there is somebody's work, replaced only as a person decided about exactly that. All of it is kept aside.
 */
export const recover: Step = (context) => stopFor(context, (seen) => missingOf(context, seen));

async function missingOf(context: StepContext, seen: Observation): Promise<Missing> {
  const { rollout, node } = context;
  const { gets } = node;
  const target = rollout.release.binarySha256;
  if (gets === undefined) return { is: 'reported', report: failed('the node was not staged') };
  // What was recorded of the node a bot can write, and find among its backups; the ledger is asked about the release.
  if (gets.sha256 !== target) {
    const other = `the node is to get another binary than ${rollout.release.version}: stop it, and recover it anew`;
    return { is: 'reported', report: failed(other) };
  }
  if (isBack(seen, gets, rollout, keptEnvironment(node))) return { is: 'nothing' };
  // Whose signature a peer's binary had nobody can tell; the ledger says that it was proven here.
  const withdrawn = rollout.recovery?.from === undefined ? context.withdrawn() : null;
  if (withdrawn !== null) return { is: 'reported', report: withClean(failed(withdrawn), isClean(seen, target)) };
  const link = linkInPlace(seen, rollout.service);
  if (link !== null) return { is: 'reported', report: withClean(failed(link), isClean(seen, target)) };
  const strangers = inTheWayOfRestore(seen, gets, rollout);
  const work = strangers.filter(({ part, sha256 }) => part !== 'env' || !(sha256 === missing || seen.torn));
  const left = await leave(context, work, since);
  if (left.is === 'reported') return { ...left, report: withClean(left.report, isClean(seen, target)) };
  const keep = left.as === 'keep' ? work : [];
  const decided = { replace: strangers.filter((each) => !keep.includes(each)), keep };
  return { is: 'stop', command: commands.recover(context, gets, decided), unchanged: isClean(seen, target) };
}
