import { isMajorChange } from './persons.ts';
import { isOpen } from './queries.ts';
import type { Notice, PlanInput, Rollout, Told } from './types.ts';

/** The audience that every notice goes to; others are named in the settings. */
export const channel = 'channel';

/** What must be announced before the first node; undefined where nothing must. */
export function noticeFor(input: PlanInput): Notice | undefined {
  const { majors } = input.fleet.policy;
  const wanted = majors.notice ?? 0;
  if (wanted === 0 || !isMajorChange(input)) return undefined;
  return { wanted, audiences: [channel, ...input.fleet.audiences], told: [] };
}

/** What is still to be said, and to whom. */
export type DueNotice = Omit<Told, 'at'>;

/** Of the start as it is planned now; and, where a start was announced, that it was cancelled. `begins`: as foreseen. */
export function dueNotices(rollout: Rollout, begins: number | null): DueNotice[] {
  const { notice, startedAt, startAt, status } = rollout;
  if (notice === undefined || startedAt !== null) return [];
  return notice.audiences.flatMap((audience): DueNotice[] => {
    const last = notice.told.findLast((each) => each.audience === audience);
    if (isOpen(rollout) && status.is !== 'stopping') {
      const isSaid = last?.kind === 'scheduled' && last.startAt === startAt;
      return isSaid ? [] : [{ audience, kind: 'scheduled', startAt, begins }];
    }
    return last?.kind === 'scheduled' ? [{ audience, kind: 'cancelled', startAt: null, begins: null }] : [];
  });
}

/**
 * Since when an audience knows of a start that is not later than the planned one; null when it does not. Who was told of a
 * later one was not told of this one: moved earlier, the time begins anew.
 */
function knownSince({ notice, startAt }: Rollout, audience: string): number | null {
  const counts = (told: Told) =>
    told.audience === audience && told.kind === 'scheduled' && (told.startAt ?? 0) <= (startAt ?? 0);
  return notice?.told.find(counts)?.at ?? null;
}

/** Who was told, and since when. */
export function toldSince(rollout: Rollout): { audience: string; since: number | null }[] {
  return (rollout.notice?.audiences ?? []).map((audience) => ({ audience, since: knownSince(rollout, audience) }));
}

/** Epoch ms when the notice is over for all; null while somebody was not told; 0 where none is wanted. */
export function noticeOver(rollout: Rollout): number | null {
  if (rollout.notice === undefined) return 0;
  const since = toldSince(rollout).map((each) => each.since);
  return since.some((each) => each === null)
    ? null
    : Math.max(...since.map((each) => each ?? 0)) + rollout.notice.wanted;
}

/** The same, and as if whoever was not told yet were told when the start was planned. */
export function noticeExpected(rollout: Rollout): number {
  const { notice, moves, createdAt } = rollout;
  if (notice === undefined) return 0;
  const planned = moves?.at(-1)?.at ?? createdAt;
  return Math.max(...toldSince(rollout).map(({ since }) => since ?? planned)) + notice.wanted;
}

/** It was really said: delivered to that audience. What is told twice, or of another start than the planned one, changes nothing. */
export function announced(rollout: Rollout, { audience, kind, startAt, begins, at }: Told): Rollout {
  const { notice } = rollout;
  const isDue = dueNotices(rollout, begins).some(
    (due) => due.audience === audience && due.kind === kind && due.startAt === startAt,
  );
  if (notice === undefined || !isDue) return rollout;
  return { ...rollout, notice: { ...notice, told: [...notice.told, { audience, kind, startAt, begins, at }] } };
}
