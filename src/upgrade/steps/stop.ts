import { inSeconds } from '../../base/duration.ts';
import type { Answer } from '../host/answer.ts';
import { lookBeforeChange, runScript } from '../host/look.ts';
import type { Observation } from '../host/observation.ts';
import { busy, failedForNow, reportOf, succeeded, unknown } from '../host/reports.ts';
import { strangerIn } from '../host/strangers.ts';
import type { Report } from '../rollout/types.ts';
import type { Command } from '../ssh/types.ts';
import type { StepContext, StepResult } from './types.ts';

const pauseWhileBusy = 1000;

/** How old the evidence of the gates may be when the command that takes something out of service is sent, ms. */
export const fresh = 5000;
/** How long after their answer it may be sent, ms: they read what people decided half a second earlier at most, and a pause holds within 2 s. */
const decided = 1400;

/** For how long the command may still be sent, ms; negative: what the gates saw is too old. @param asked when they were asked, as `now` is */
export function leftToSend(asked: number, now: number): number {
  return Math.min(fresh - (now - asked), decided);
}

/** What is missing, seen now: nothing, a stop, or a report why it cannot be told. `unchanged`: as in `Sight`. */
export type Missing =
  | { is: 'nothing' }
  | { is: 'stop'; command: Command; unchanged: boolean }
  | { is: 'reported'; report: Report };

/** One way through: an end, or why it begins again. */
type Round = { is: 'ended'; result: StepResult } | { is: 'again'; pause: number; late: Report };

/**
 * Look, ask the gates, act: the only way a step stops the service. The look takes the node's lock and raises its fence,
 * so that no older try changes anything behind it, also when nothing is missing. While another command still runs on the
 * node (a slow stop whose connection was lost), when the gates took so long that their evidence is old, and when somebody
 * changed the node after the look, it begins again until the command timeout has passed.
 */
export async function stopFor(
  context: StepContext,
  missingOf: (seen: Observation) => Promise<Missing>,
): Promise<StepResult> {
  const { clock, rollout, signal } = context;
  const until = clock.monotonic() + rollout.policy.commandTimeout;
  for (;;) {
    const round = await tryOnce(context, missingOf);
    if (round.is === 'ended') return round.result;
    if (clock.monotonic() >= until) return round.late;
    if (round.pause > 0) await clock.sleep(round.pause, signal);
  }
}

async function tryOnce(context: StepContext, missingOf: (seen: Observation) => Promise<Missing>): Promise<Round> {
  const { clock, signal } = context;
  const seen = await lookBeforeChange(context);
  if (seen.is !== 'seen') return isBusy(seen) ? whileBusy : ended(reportOf(seen, 'unknown'));
  const missing = await missingOf(seen.seen);
  if (missing.is === 'nothing') return ended(succeeded());
  if (missing.is === 'reported') return ended(missing.report);
  const { unchanged } = missing;
  const asked = clock.monotonic();
  const gates = await context.gates({ down: seen.seen.down, unchanged });
  signal.throwIfAborted();
  if (gates.length > 0) return ended({ is: 'gated', gates, unchanged });
  const answered = clock.monotonic();
  const left = leftToSend(asked, answered);
  if (left < 0) return { is: 'again', pause: 0, late: tooSlow(unchanged) };
  const answer = await runScript(context, { ...missing.command, sendWithinMs: left });
  if (isBusy(answer)) return whileBusy;
  // Connecting took its time, and somebody may have decided something meanwhile.
  if (answer.is === 'unreachable' && clock.monotonic() - answered >= left)
    return { is: 'again', pause: 0, late: stopReport(answer) };
  // Somebody's work came into the way after the look: the next look names all of it.
  const met = answer.is === 'refused' && strangerIn(answer.word, answer.detail) !== null;
  return met ? { is: 'again', pause: 0, late: stopReport(answer) } : ended(stopReport(answer));
}

const ended = (result: StepResult): Round => ({ is: 'ended', result });

const isBusy = (answer: { is: string; word?: string }) => answer.is === 'refused' && answer.word === 'busy';

const whileBusy: Round = { is: 'again', pause: pauseWhileBusy, late: unknown(busy) };

/** Nothing was sent this time; whether an earlier try changed something is another matter. */
function tooSlow(unchanged: boolean): Report {
  const reason = `the gates took longer than ${inSeconds(fresh)} to ask, each time: what they saw was too old to stop a service`;
  return unchanged ? failedForNow(reason) : unknown(reason);
}

/** A bad end after something was changed is unknown: the node is observed again. Before that, nothing was changed. */
export function stopReport(answer: Answer): Report {
  if (answer.is === 'ok') return succeeded();
  if (answer.is === 'unreachable' || answer.is === 'lost') return reportOf(answer, 'unknown');
  const report = reportOf(answer, 'unknown');
  if (report.is !== 'failed') return report;
  if (answer.output.has('did')) return unknown(`the change was begun and not finished: ${report.reason}`);
  return { ...report, reason: `${report.reason}; nothing was changed` };
}
