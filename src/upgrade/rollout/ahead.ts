import { nextOpening } from '../../windows/index.ts';
import { asksFrom } from './asking.ts';
import { noticeOver, toldSince } from './notice.ts';
import { changePhases, unasked } from './phases.ts';
import { isOpen, regionsOf } from './queries.ts';
import { startOf } from './start.ts';
import type { Event, Rollout } from './types.ts';

/** Not begun, and nothing but time, an approval or a person keeps it from beginning. */
const isAhead = (rollout: Rollout): boolean =>
  isOpen(rollout) && rollout.startedAt === null && rollout.status.is !== 'stopping' && !rollout.onlyBack;

/** Only what was not begun can begin at another time. What breaks the glass has an end, which is counted from its start. */
export function rescheduled(rollout: Rollout, event: Extract<Event, { type: 'rescheduled' }>): Rollout {
  const { by, at, startAt, from = rollout.startAt } = event;
  // Who may only put it off must not bring forward what somebody put off further at the same moment.
  if (from !== rollout.startAt) return rollout;
  if (!isAhead(rollout) || rollout.override !== null || startAt <= at || startAt === rollout.startAt) return rollout;
  const move = { by, at, from: rollout.startAt, to: startAt };
  return askedLater({ ...rollout, startAt, moves: [...(rollout.moves ?? []), move] }, at);
}

/** What nobody has answered is asked again when the new start is near. */
function askedLater(rollout: Rollout, at: number): Rollout {
  return changePhases(rollout, (phase) => {
    const isUnanswered = phase.is === 'approval' && phase.state.is === 'active' && phase.given.length === 0;
    return isUnanswered && (asksFrom(rollout, phase, at) ?? 0) > at ? unasked(phase) : phase;
  });
}

/** The opening after the planned start, of the region that is first: epoch ms; null when there is none, or nothing can be moved. */
export function laterStart(rollout: Rollout): number | null {
  const calendar = rollout.calendars[regionsOf(rollout)[0] ?? ''];
  const start = startOf(rollout);
  if (!isAhead(rollout) || rollout.override !== null || calendar === undefined || start === null) return null;
  const opening = nextOpening(calendar, start);
  return opening.is === 'opens' ? opening.interval.start : null;
}

/** When a start is said again, the earliest first; not while somebody has to be told first, and not what lies before it was planned, moved or told: that was said then. */
function instants(rollout: Rollout): { at: number; before: number; of: number }[] {
  // First what costs nothing: windows are asked for only where something waits for them.
  const isUnknown = rollout.ahead === undefined || !isAhead(rollout) || noticeOver(rollout) === null;
  const of = isUnknown ? null : startOf(rollout);
  if (of === null) return [];
  const told = toldSince(rollout).map(({ since }) => since ?? 0);
  const said = Math.max(rollout.moves?.at(-1)?.at ?? rollout.createdAt, ...told);
  const each = (rollout.policy.announce ?? []).map((before) => ({ at: of - before, before, of }));
  return each.filter(({ at }) => at > said).sort((a, b) => a.at - b.at);
}

/** Notes which announcement of the start is due. The same object when none is that was not. */
export function foretold(rollout: Rollout, now: number): Rollout {
  const last = instants(rollout).findLast(({ at, of }) => at <= now && now < of);
  if (last === undefined) return rollout;
  const { of, before } = last;
  if (rollout.ahead?.of === of && rollout.ahead.before === before) return rollout;
  return { ...rollout, ahead: { of, before } };
}

/** When the next one is due; null when none is. */
export function nextAhead(rollout: Rollout, now: number): number | null {
  return instants(rollout).find(({ at }) => at > now)?.at ?? null;
}
