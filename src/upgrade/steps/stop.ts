import type { Command } from '../node/types.ts';
import type { Report } from '../rollout/types.ts';
import type { Answer } from './answer.ts';
import { tell } from './look.ts';
import { reportOf, succeeded, unknown } from './reports.ts';
import type { StepContext, StepResult } from './types.ts';

const pauseWhileBusy = 1000;

/** What is lacking, seen now: nothing, a stop, or a report why it cannot be told. */
export type Lack = { is: 'nothing' } | { is: 'stop'; command: Command } | { is: 'reported'; report: Report };

/**
 * Observe, ask the gates, act: the only way a step stops the service. While an earlier command still runs on the node
 * (a slow stop whose connection was lost) it looks again until the command timeout has passed.
 */
export async function stopFor(context: StepContext, lacking: () => Promise<Lack>): Promise<StepResult> {
  const { clock, rollout, signal } = context;
  const until = clock.monotonic() + rollout.policy.commandTimeout;
  for (;;) {
    const lack = await lacking();
    if (lack.is === 'nothing') return succeeded();
    if (lack.is === 'reported') return lack.report;
    const sight = { down: false, unchanged: false };
    const gates = await context.gates(sight);
    signal.throwIfAborted();
    if (gates.length > 0) return { is: 'gated', gates, unchanged: sight.unchanged };
    const answer = await tell(context, lack.command);
    const busy = answer.is === 'refused' && answer.word === 'busy';
    if (!busy || clock.monotonic() >= until) return stopReport(answer);
    await clock.sleep(pauseWhileBusy, signal);
  }
}

/** A bad end after something was changed is unknown: the node is observed again. Before that, nothing was changed. */
export function stopReport(answer: Answer): Report {
  if (answer.is === 'told') return succeeded();
  if (answer.is === 'unreachable' || answer.is === 'lost') return reportOf(answer, 'unknown');
  const report = reportOf(answer, 'unknown');
  if (report.is !== 'failed') return report;
  if (answer.said.has('did')) return unknown(`the change was begun and not finished: ${report.reason}`);
  return { ...report, reason: `${report.reason}; nothing was changed` };
}
