import { checksSeen, checkWords } from '../checks/index.ts';
import type { AskChecks, CheckResult } from '../checks/types.ts';
import { failed, unknown } from '../host/reports.ts';
import { stillProven } from '../proof/index.ts';
import type { NodeRun, Report } from '../rollout/types.ts';
import type { StepContext } from './types.ts';

/** A node that is proven, and whose checks are good as well; what is bad has as long as health has to get better. */
export async function checked(context: StepContext, proven: Report): Promise<Report> {
  const { checks, node, signal, rollout, shell, probe } = context;
  if (proven.is !== 'succeeded' || proven.facts.proof === undefined || checks === undefined) return proven;
  const results = await untilGood(context, checks);
  if (results.length === 0) return proven;
  const bad = results.filter(({ counts }) => counts === 'bad');
  if (bad.length > 0) return failedBy(bad, node);
  const untold = results.find(({ counts }) => counts === 'unknown');
  if (untold !== undefined) return unknown(`nobody knows whether it works: ${checkWords(untold)}`);
  // That took its time, and what was proven before it must be so after it.
  const { proof } = proven.facts;
  const look = stillProven(node.name, proof, rollout.service, shell, rollout.policy.commandTimeout, signal);
  const [standing, health] = await Promise.all([look, probe.health(node.name)]);
  signal.throwIfAborted();
  if (standing.is === 'broken') return failed(standing.reason);
  if (standing.is === 'unseen') return unknown(standing.reason);
  if (health.is !== 'healthy') return unknown('health broke off while its checks were made');
  return { ...proven, facts: { ...proven.facts, proof: { ...proof, checks: checksSeen(results) } } };
}

async function untilGood({ node, clock, signal, rollout }: StepContext, ask: AskChecks): Promise<CheckResult[]> {
  const { healthDeadline, pollMax } = rollout.policy;
  const end = clock.monotonic() + healthDeadline;
  for (;;) {
    const results = await ask(node.name, 'node', signal);
    signal.throwIfAborted();
    if (results.every(({ counts }) => counts === 'good') || clock.monotonic() >= end) return results;
    await clock.sleep(pollMax, signal);
  }
}

/** Nothing goes back by itself for what was as bad before anything was done: it would be so afterwards, too. */
function failedBy(bad: CheckResult[], { illBefore = [] }: NodeRun): Report {
  const wasSo = ({ check }: CheckResult) => illBefore.some((each) => each.check === check && each.counts === 'bad');
  const words = bad.map(
    (each) => `${checkWords(each)}${wasSo(each) ? ' (it was bad before this node was touched, too)' : ''}`,
  );
  const goesBack = bad.some((each) => each.onBad === 'rollback' && !wasSo(each));
  return failed(words.join('; '), goesBack ? {} : { stays: true });
}

/** Before anything is done to it: so that nobody takes for the release's fault what was so already. */
export async function withIllness({ checks, node, signal }: StepContext, report: Report): Promise<Report> {
  if (checks === undefined || report.is !== 'succeeded' || node.already) return report;
  const results = await checks(node.name, 'before', signal);
  signal.throwIfAborted();
  // All of them: an outage makes many bad at once, and each is to be known again.
  const ill = results.filter(({ counts }) => counts !== 'good');
  const illBefore = ill.map(({ check, is, counts, says }) => ({ check, is, counts, says }));
  return { ...report, facts: { ...report.facts, illBefore } };
}
