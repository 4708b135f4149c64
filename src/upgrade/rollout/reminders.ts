import { minute } from '../../base/duration.ts';
import { nextOpening, openInterval } from '../../windows/index.ts';
import { declineOf } from './approvers.ts';
import { neglected } from './neglected.ts';
import { noticeExpected } from './notice.ts';
import { asked, sinceOf } from './phases.ts';
import { goesForward, isOpen, nodesInOrder, regionsOf } from './queries.ts';
import type { Event, Rollout, Taken } from './types.ts';

/** Something that only people can move on. */
export interface Waiting {
  /** `held`, `start`, `node NAME`, `region NAME`, or the id of an approval. */
  what: string;
  /** Epoch ms. */
  since: number;
}

/** A gate that stays shut for so long (ms) is a matter for people. */
export const gatePatience = minute;

/** Everything that waits for people now, the worst first. */
export function waitingForPeople(rollout: Rollout): Waiting[] {
  if (!isOpen(rollout)) return [];
  const { status } = rollout;
  return [
    ...(status.is === 'held' ? [{ what: 'held', since: status.at }] : []),
    ...neglected(rollout).map(({ region, since }) => ({ what: `region ${region}`, since })),
    ...nodesInOrder(rollout).flatMap(({ name, held, state }) =>
      held === null || held.at - held.since < gatePatience || state.is === 'stuck' || state.is === 'done'
        ? []
        : [{ what: `node ${name}`, since: held.since }],
    ),
    // A no waits for others than the question did: it is a wait of its own.
    ...(goesForward(rollout) ? asked(rollout) : []).map((phase) => ({
      what: phase.id,
      since: declineOf(phase)?.at ?? sinceOf(phase) ?? 0,
    })),
    ...notBegun(rollout),
  ];
}

/** Names one wait among all that ever were. */
export const waitKey = ({ what, since }: Waiting): string => `${what}.${Math.floor(since / 1000)}`;

/** Who said that they have it; null while nobody did. */
export const takenBy = ({ taken = {} }: Rollout, waiting: Waiting): Taken | null => taken[waitKey(waiting)] ?? null;

/** Changes nothing but who is reminded. Somebody else may take it over; what does not wait any more, or not yet, is nobody's. */
export function takenOn(rollout: Rollout, { by, at, waits }: Extract<Event, { type: 'taken-on' }>): Rollout {
  const waiting = waitingForPeople(rollout)
    .filter(({ since }) => since <= at)
    .map(waitKey);
  const { taken = {} } = rollout;
  const mine = waiting.filter((key) => waits.includes(key) && taken[key]?.by !== by);
  if (mine.length === 0) return rollout;
  const kept = Object.entries(taken).filter(([key]) => waiting.includes(key));
  return { ...rollout, taken: Object.fromEntries([...kept, ...mine.map((key) => [key, { by, at }])]) };
}

/** It was to begin and has not: nobody may be awake to see that a night passes. */
function notBegun(rollout: Rollout): Waiting[] {
  const { startedAt, status } = rollout;
  if (startedAt !== null || status.is !== 'running' || asked(rollout).length > 0) return [];
  const due = startOf(rollout);
  return due === null ? [] : [{ what: 'start', since: due }];
}

/**
 * When the first node was to be begun, from what was frozen at the plan; null when its region has no window. Whoever must still be
 * told counts as told at the plan, or at `now` (epoch ms) if that is later.
 */
export function startOf(rollout: Rollout, now = 0): number | null {
  const { startAt, createdAt, override, calendars } = rollout;
  const from = Math.max(startAt ?? createdAt, createdAt, noticeExpected(rollout, now));
  const calendar = calendars[regionsOf(rollout)[0] ?? ''];
  if (override !== null || calendar === undefined || openInterval(calendar, from) !== null) return from;
  const opening = nextOpening(calendar, from);
  return opening.is === 'opens' ? opening.interval.start : null;
}

/** Notes which reminders are due. The same object when none is; what was planned before there were any has none. */
export function reminded(rollout: Rollout, at: number): Rollout {
  const before = rollout.reminded;
  if (before === undefined) return rollout;
  const now = waitingForPeople(rollout).flatMap((waiting): [string, number][] => {
    const due = dueOf(rollout, waiting, at);
    return due === 0 || takenBy(rollout, waiting) !== null
      ? []
      : [[waitKey(waiting), Math.max(due, before[waitKey(waiting)] ?? 0)]];
  });
  const isSame = now.length === Object.keys(before).length && now.every(([key, count]) => before[key] === count);
  return isSame ? rollout : { ...rollout, reminded: Object.fromEntries(now) };
}

function dueOf({ policy }: Rollout, { since }: Waiting, at: number): number {
  return (policy.reminders ?? []).filter((after) => at - since >= after).length;
}

/** When the next one is due; null when none is. */
export function nextReminder(rollout: Rollout, now: number): number | null {
  if (rollout.reminded === undefined) return null;
  const after = rollout.policy.reminders ?? [];
  const due = waitingForPeople(rollout)
    .filter((waiting) => takenBy(rollout, waiting) === null)
    .flatMap(({ since }) => after.map((each) => since + each));
  const ahead = due.filter((at) => at > now);
  return ahead.length === 0 ? null : Math.min(...ahead);
}
