import { edit } from '../environment/index.ts';
import * as commands from '../host/commands.ts';
import { lookClosely, runScript } from '../host/look.ts';
import type { Observation } from '../host/observation.ts';
import { failed, linkInPlace, reportOf, succeeded, unknown } from '../host/reports.ts';
import { configurationOf, fileOf } from '../rollout/index.ts';
import type { Baseline, Configuration, Report, Rollout } from '../rollout/types.ts';
import { withIllness } from './checked.ts';
import { compared, hashOf, stageText, textOf } from './environment.ts';
import { assess } from './preflight.ts';
import { type Missing, stopFor } from './stop.ts';
import { withClean } from './switch.ts';
import type { Step, StepContext } from './types.ts';

interface Task {
  change: Configuration;
  before: string;
  after: string;
}

function taskOf({ rollout, node }: StepContext): Task | null {
  const [change, file] = [configurationOf(rollout), fileOf(rollout, node)];
  return change !== null && file !== null ? { change, ...file } : null;
}

/** The environment file that goes with a release, made ready beside it; a report only when that failed, or the file is somebody's. */
export async function stageFileWith(context: StepContext, { env }: Pick<Observation, 'env'>): Promise<Report | null> {
  const task = taskOf(context);
  if (task === null || env === task.after) return null;
  return env === task.before ? made(context, task) : failed(drifted(context.rollout));
}

const unplanned = failed('the plan does not say what becomes of the environment file here');

/**
 * What staging is in a change of configuration: the new file is made here and lies ready on the node, where nothing reads it. It is what
 * the plan says, of the file that the plan is about, or nothing is staged.
 */
export const stageConfiguration: Step = async (context) => {
  const { rollout, node, probe } = context;
  const task = taskOf(context);
  if (task === null) return unplanned;
  const [looked, health] = await Promise.all([lookClosely(context), probe.health(node.name)]);
  if (looked.is !== 'seen') return reportOf(looked, 'retry');
  const { seen } = looked;
  const found = assess(seen, health, rollout.release, rollout.service);
  if (found.is === 'unfit') return failed(found.reason);
  const other = otherBuild(seen, rollout);
  if (other !== null) return failed(other);
  if (seen.env !== task.before && seen.env !== task.after) return failed(drifted(rollout));
  const before = node.touched && node.before !== null ? node.before : found.before;
  if (seen.env !== task.after) return staged(context, task, before);
  return atRest(context, task, seen, before);
};

const staged = async (context: StepContext, task: Task, before: Baseline): Promise<Report> =>
  (await made(context, task)) ?? succeeded({ already: false, before });

/** Makes the new file and has it taken; a report only when that failed. */
async function made(context: StepContext, task: Task): Promise<Report | null> {
  const found = context.resolve?.(task.change.wanted);
  if (found === undefined) return failed('this worker changes no environment files');
  if (found.is === 'refused') return failed(found.reason);
  const read = await textOf(context, task.before);
  if ('report' in read) return read.report;
  const edited = edit(read.text, found.changes);
  if (edited.is === 'refused') return failed(edited.reason);
  if (edited.is === 'same' || hashOf(edited.text) !== task.after)
    return failed(
      'what this worker would write is not what was planned: its settings, or its secret files (config.files), are others than then',
    );
  return stageText(context, edited.text, task);
}

/** The file has it; whether the process has, it is asked. */
async function atRest(context: StepContext, task: Task, seen: Observation, before: Baseline): Promise<Report> {
  if (seen.down || seen.stale) return succeeded({ already: false, before });
  const found = await compared(context, task.change, task.after);
  if (found.is === 'reported') return found.report;
  return succeeded({ already: found.keys.length === 0, before });
}

/** What is gone back to is kept, as a pair, before anything is changed. */
export const keepPair: Step = async (context) => {
  const { node } = context;
  if (node.already) return succeeded();
  if (node.before === null) return failed('the node was not staged');
  const answer = await runScript(context, commands.backup(context, node.before, false));
  return withIllness(context, answer.is === 'ok' ? succeeded() : reportOf(answer, 'retry'));
};

/** Renames the new file over the old one and restarts, unless what runs was started with it. */
export const configure: Step = (context) => stopFor(context, async (seen) => missingOf(context, seen));

function missingOf(context: StepContext, seen: Observation): Missing {
  const { rollout, node } = context;
  const { before } = node;
  const task = taskOf(context);
  if (task === null || before === null)
    return { is: 'reported', report: task === null ? unplanned : failed('the node was not staged') };
  const isSame = seen.unit.invocation === before.invocation;
  const isThere = seen.env === task.after;
  const unchanged = isSame && seen.env === before.envSha256 && !seen.stale;
  const reason = inTheWay(seen, before, task, rollout);
  if (reason !== null) return { is: 'reported', report: withClean(failed(reason), unchanged || !isThere) };
  if (isThere && !seen.stale && !isSame && !seen.down) return { is: 'nothing' };
  return { is: 'stop', command: commands.configure(context, before, task.after), unchanged };
}

function inTheWay(seen: Observation, before: Baseline, { after }: Task, rollout: Rollout): string | null {
  const { unit, envFile } = rollout.service;
  if (!seen.unit.loaded) return `there is no unit ${unit} on the node`;
  if (seen.env === null) return linkInPlace(seen, rollout.service) ?? `there is no ${envFile} on the node any more`;
  const known = seen.env === after || seen.env === before.envSha256;
  return linkInPlace(seen, rollout.service) ?? otherBuild(seen, rollout) ?? (known ? null : drifted(rollout));
}

function otherBuild({ image, disk }: Observation, { release, service }: Rollout): string | null {
  const target = release.binarySha256;
  if (image !== null && image !== target) return `it runs another build than ${release.version}: plan the change anew`;
  if (disk === target) return null;
  return `${service.binary} is another build than ${release.version}, and a restart would bring it up: put that back, or start an upgrade, which asks about it`;
}

export const drifted = ({ service }: Rollout): string =>
  `somebody changed ${service.envFile} since this was planned, and nothing of theirs is overwritten: plan it anew`;

/** A node that is proven, and whose process was started with what was asked for. */
export async function withConfiguration(context: StepContext, proven: Report): Promise<Report> {
  const task = taskOf(context);
  if (task === null || proven.is !== 'succeeded' || proven.facts.proof === undefined) return proven;
  const found = await compared(context, task.change, task.after);
  if (found.is === 'reported')
    return found.report.is === 'failed' && found.report.retry ? unknown(found.report.reason) : found.report;
  if (found.invocation !== proven.facts.proof.invocation)
    return unknown('the service was restarted while it was looked at');
  if (found.keys.length === 0) return proven;
  return failed(
    `the process was not started with what ${context.rollout.service.envFile} says of ${found.keys.join(', ')}: another file or line of the unit sets it, or it is not read at all`,
  );
}
