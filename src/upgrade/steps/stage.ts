import type { Transfer } from '../node/types.ts';
import type { Facts, Recorded, Report } from '../rollout/types.ts';
import { find } from './before.ts';
import * as commands from './commands.ts';
import { uploadPath } from './layout.ts';
import { lookClosely, tell } from './look.ts';
import type { Observation } from './observation.ts';
import { failed, failedForNow, reportOf, succeeded } from './reports.ts';
import { lackOfRoom } from './room.ts';
import type { Step, StepContext } from './types.ts';
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

/** Sends the archive unless the staged binary is there; a report only when that failed. */
async function bring(context: StepContext, seen: Observation, before: Recorded): Promise<Report | null> {
  const { rollout, node, attempt } = context;
  if (isStaged(context, seen) || seen.disk === rollout.release.binarySha256) return null;
  const full = lackOfRoom(seen, rollout.release);
  if (full !== null) return failed(full, { before });
  const path = await context.archive();
  const sent = await within(context, (signal) =>
    context.shell.put(node.name, path, uploadPath(rollout, attempt), signal),
  );
  if (sent.is === 'sent') return null;
  const noRoom = /no space|disk is full|quota/i.test(sent.reason);
  return noRoom
    ? failed('the disk of the node is full')
    : failedForNow(`the archive could not be sent: ${sent.reason}`);
}

async function prepared(context: StepContext, seen: Observation, before: Recorded): Promise<Report> {
  const { rollout, attempt } = context;
  if (seen.disk === rollout.release.binarySha256) return succeeded({ before });
  const upload = isStaged(context, seen) ? null : uploadPath(rollout, attempt);
  const answer = await tell(context, commands.stage(rollout, before, upload));
  if (answer.is !== 'told') return reportOf(answer, 'retry');
  const facts: Facts = { before, already: false };
  if (rollout.service.versionArgs === null) return succeeded(facts);
  const wrong = judgeVersion(answer.said.get('version') ?? [], rollout.release.version, seen.machine);
  if (wrong === null) return succeeded(facts);
  await tell(context, commands.cleanup(rollout));
  return failed(wrong, facts);
}

const isStaged = (context: StepContext, seen: Observation) => seen.staged === context.rollout.release.binarySha256;

/** Gives the transfer its time and no more. */
async function within(context: StepContext, send: (signal: AbortSignal) => Promise<Transfer>): Promise<Transfer> {
  const limit = context.rollout.policy.transferTimeout;
  const over = new AbortController();
  const done = new AbortController();
  const timer = context.clock.sleep(limit, done.signal).then(
    () => over.abort(),
    () => undefined,
  );
  const sent = await send(AbortSignal.any([context.signal, over.signal]));
  done.abort();
  await timer;
  context.signal.throwIfAborted();
  if (sent.is === 'sent' || !over.signal.aborted) return sent;
  return { is: 'failed', reason: `it took longer than ${Math.round(limit / 1000)} s` };
}
