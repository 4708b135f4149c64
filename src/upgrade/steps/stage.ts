import type { Answer } from '../host/answer.ts';
import * as commands from '../host/commands.ts';
import { judgeHeaders } from '../host/header.ts';
import { uploadPath } from '../host/layout.ts';
import { lookClosely, runScript } from '../host/look.ts';
import type { Observation } from '../host/observation.ts';
import { failed, reportOf, succeeded } from '../host/reports.ts';
import type { Stranger } from '../host/strangers.ts';
import { strangerIn } from '../host/strangers.ts';
import { lackOfSpace } from '../rollout/index.ts';
import type { Baseline, Facts, Report } from '../rollout/types.ts';
import { stageFileWith } from './configure.ts';
import { inTheWayOfStage, leave, type Since } from './foreign.ts';
import { assess } from './preflight.ts';
import type { Step, StepContext } from './types.ts';
import { upload } from './upload.ts';

export const sinceStaged: Since = { binary: ' since the node was staged', env: ' since the node was staged' };
const atFirst: Since = { binary: ' without a restart', env: '' };

/**
 * Brings the new binary onto the node, beside the installed one and verified, and makes the backup. The service is not
 * touched, and nothing of the release is run. Skips what is there already. Once recorded, what the node was is not recorded anew over somebody's work: a
 * person decides, and then that work is what a rollback returns to.
 */
export const stage: Step = async (context) => {
  const { rollout, node, probe } = context;
  const [seen, health] = await Promise.all([lookClosely(context), probe.health(node.name)]);
  if (seen.is !== 'seen') return reportOf(seen, 'retry');
  const found = assess(seen.seen, health, rollout.release, rollout.service);
  if (found.is === 'unfit') return failed(found.reason);
  const strangers = inTheWayOfStage(seen.seen, node, rollout);
  const left = await leave(context, strangers, node.before === null ? atFirst : sinceStaged, health);
  if (left.is === 'reported') return left.report;
  const before = left.as === null && node.touched && node.before ? node.before : found.before;
  if (found.is === 'already') return succeeded({ already: true, before });
  const cut = await bring(context, seen.seen, before);
  if (cut !== null) return cut;
  const report = await prepared(context, seen.seen, before, strangers);
  if (report.is !== 'succeeded') return report;
  return (await stageFileWith(context, seen.seen)) ?? report;
};

/** A file on disk that does not run is put aside; the environment stays, and what runs becomes part of the record. */
export const replaced = (strangers: Stranger[]): commands.Allowed => ({
  replace: strangers.filter(({ part }) => part === 'disk'),
  keep: [],
});

/** The report of a command that did not end well: what came into the way since the look is named by the next try. */
export function outrun(answer: Exclude<Answer, { is: 'ok' }>): Report {
  const report = reportOf(answer, 'retry');
  const drifted = answer.is === 'refused' && strangerIn(answer.word, answer.detail) !== null;
  return drifted && report.is === 'failed' ? { ...report, retry: true } : report;
}

/** Sends the archive unless the new binary is there; a report only when that failed. */
async function bring(context: StepContext, seen: Observation, before: Baseline): Promise<Report | null> {
  const { release } = context.rollout;
  if (isStaged(context, seen) || seen.disk === release.binarySha256) return null;
  const full = lackOfSpace(seen, release);
  if (full !== null) return failed(full, { before });
  return upload(context);
}

async function prepared(
  context: StepContext,
  seen: Observation,
  before: Baseline,
  strangers: Stranger[],
): Promise<Report> {
  const { rollout, attempt } = context;
  if (seen.disk === rollout.release.binarySha256) return succeeded({ before });
  const sent = isStaged(context, seen) ? null : uploadPath(rollout, attempt);
  const answer = await runScript(context, commands.stage(context, before, sent, replaced(strangers)));
  if (answer.is !== 'ok') return outrun(answer);
  const facts: Facts = { before, already: false };
  const wrong = judgeHeaders(answer.output.get('header') ?? [], seen.machine);
  if (wrong === null) return succeeded(facts);
  await runScript(context, commands.cleanup(context, before, false));
  return failed(wrong, facts);
}

const isStaged = (context: StepContext, seen: Observation) => seen.staged === context.rollout.release.binarySha256;
