import { nextAfterwards } from './afterwards.ts';
import { nextAhead } from './ahead.ts';
import { whyWaiting } from './gates.ts';
import { actions, approvals, askable, saidAt, sinceOf } from './phases.ts';
import { goesForward, isOpen, nodesInOrder } from './queries.ts';
import { nextReminder } from './reminders.ts';
import { restDue } from './rest.ts';
import type { Rollout } from './types.ts';
import { nextLook } from './watching.ts';

/**
 * When the clock alone changes what there is to do: the earliest instant after `now` (epoch ms), or null when only
 * a person or a node can. A hint for a timer; the sweep would find it too.
 */
export function nextWake(rollout: Rollout, now: number): number | null {
  if (!isOpen(rollout)) return nextAfterwards(rollout, now);
  const { approvalExpires } = rollout.policy;
  const instants = [
    ...nodesInOrder(rollout).flatMap(({ state, held }) => [
      'notBefore' in state ? state.notBefore : 0,
      held?.until ?? 0,
    ]),
    ...actions(rollout).flatMap(({ work: { state, held } }) => [
      'notBefore' in state ? state.notBefore : 0,
      held?.until ?? 0,
    ]),
    ...whyWaiting(rollout, now).map(({ opensAt }) => opensAt ?? 0),
    // What nothing comes before is asked by the clock.
    goesForward(rollout) && askable(rollout).some((phase) => phase === rollout.phases[0]) ? now + 1 : 0,
    nextLook(rollout, now) ?? 0,
    restDue(rollout) ?? 0,
    nextReminder(rollout, now) ?? 0,
    nextAhead(rollout, now) ?? 0,
    ...approvals(rollout).map((phase) => (saidAt(phase) ?? sinceOf(phase) ?? -approvalExpires) + approvalExpires + 1),
  ].filter((at) => at > now);
  return instants.length > 0 ? Math.min(...instants) : null;
}
