import type { Clock } from '../base/clock.ts';
import { timeLimit } from '../base/time-limit.ts';
import type { AskChecks, CheckResult } from '../upgrade/checks/types.ts';
import type { CheckTallies } from '../upgrade/rollout/types.ts';
import { orAborted } from './lease.ts';

/** A look that waits for them must still be fresh when it is written down, ms. */
const limit = 10_000;

/**
 * What the checks of these names come to on these nodes now, for a checklist. A node that nobody answers for in time, or that is not
 * asked such a thing, is none on which it is good.
 */
export async function tallied(
  names: readonly string[],
  nodes: readonly string[],
  ask: AskChecks,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): Promise<CheckTallies> {
  const asked = await Promise.all(nodes.map(async (node) => ({ node, found: await inTime(node, ask, clock, signal) })));
  const not = (name: string) =>
    asked.flatMap(({ node, found }) => {
      const result = found.find(({ check }) => check === name);
      return result?.counts === 'good' ? [] : [`${node}: ${result?.says ?? 'no answer'}`];
    });
  return Object.fromEntries(names.map((name) => [name, { of: nodes.length, not: not(name) }]));
}

async function inTime(
  node: string,
  ask: AskChecks,
  clock: Pick<Clock, 'sleep'>,
  signal: AbortSignal,
): Promise<CheckResult[]> {
  const late = timeLimit(clock, limit);
  try {
    return await orAborted(ask(node, 'all', AbortSignal.any([signal, late.signal])), late.signal);
  } catch {
    signal.throwIfAborted();
    return [];
  } finally {
    late.lift();
  }
}
