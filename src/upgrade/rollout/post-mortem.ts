import { nextWorkingDay } from '../../windows/index.ts';
import { isOpen, needsDecision, nodesInOrder, regionsOf } from './queries.ts';
import type { Event, Rollout } from './types.ts';

/** Something did not go as it should, as far as the state still tells: people want to learn from it. */
export function wentWrong(rollout: Rollout): boolean {
  const { run, wentBack, phases } = rollout;
  const isUnwell = (phase: Rollout['phases'][number]): boolean =>
    phase.is === 'watch' && (phase.unwell !== undefined || phase.anewAt !== undefined);
  return (
    run > 1 ||
    wentBack !== undefined ||
    phases.some(isUnwell) ||
    nodesInOrder(rollout).some((node) => needsDecision(node) || node.sick !== null)
  );
}

/** Somebody writes down what is to be learned; another may take that over. Nothing else follows from it. */
export function owned(rollout: Rollout, { by, at }: Extract<Event, { type: 'owned' }>): Rollout {
  if (isOpen(rollout) || !wentWrong(rollout) || rollout.owner?.by === by) return rollout;
  return { ...rollout, owner: { by, at } };
}

/**
 * When whoever writes it down is reminded, or people are asked again who does: in the morning of the next working day after its
 * end, in the first region's zone (epoch ms). null while it is open, and where nothing went wrong.
 */
export function postMortemAt(rollout: Rollout): number | null {
  const { status, calendars } = rollout;
  const zone = calendars[regionsOf(rollout)[0] ?? '']?.zone;
  if (isOpen(rollout) || !('at' in status) || zone === undefined || !wentWrong(rollout)) return null;
  return nextWorkingDay(status.at, zone);
}
