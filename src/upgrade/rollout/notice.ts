import { isMajorChange } from './persons.ts';
import { isOpen } from './queries.ts';
import type { Notice, PlanInput, Policy, Rollout, Told } from './types.ts';

/** The audience that every notice goes to; others are named in the settings. */
export const channel = 'channel';

/** What must be announced before the first node; undefined where nothing must. */
export function noticeFor(input: PlanInput): Notice | undefined {
  const { majors } = input.fleet.policy;
  const wanted = majors.notice ?? 0;
  if (wanted === 0 || !isMajorChange(input)) return undefined;
  return { wanted, audiences: [channel, ...input.fleet.audiences], told: [] };
}

/** How long before its start a rollout is announced again, ms: a major also as long as its notice. */
export function announcedBefore({ announce }: Policy, notice: Notice | undefined): number[] | undefined {
  if (announce === undefined || announce.length === 0 || notice === undefined) return announce;
  return [...new Set([notice.wanted, ...announce])];
}

/** What is still to be said, and to whom. */
export type DueNotice = Omit<Told, 'at'>;

/** How often the start was moved. */
const movesOf = ({ moves = [] }: Rollout): number => moves.length;

/** What an audience was told last. */
const lastOf = (notice: Notice, audience: string): Told | undefined =>
  notice.told.findLast((each) => each.audience === audience);

/** Of the start as it is planned now; and, where a start was announced, that it was cancelled. `begins`: as foreseen. */
export function dueNotices(rollout: Rollout, begins: number | null): DueNotice[] {
  const { notice, startedAt, startAt, status } = rollout;
  if (notice === undefined || startedAt !== null) return [];
  const move = movesOf(rollout);
  return notice.audiences.flatMap((audience): DueNotice[] => {
    const last = lastOf(notice, audience);
    if (isOpen(rollout) && status.is !== 'stopping') {
      // Moved away and back is told again: nobody knows whether the time between was heard.
      const isSaid = last?.kind === 'scheduled' && (last.move ?? 0) === move;
      return isSaid ? [] : [{ audience, kind: 'scheduled', startAt, begins, ...(move === 0 ? {} : { move }) }];
    }
    return last?.kind === 'scheduled' ? [{ audience, kind: 'cancelled', startAt: null, begins: null }] : [];
  });
}

/**
 * Since when an audience knows of a start that is not later than the planned one; null when it does not. Who was told of a
 * later one, or may have been meanwhile, was not told of this one: moved earlier, the time begins anew.
 */
function knownSince({ notice, startAt, moves = [] }: Rollout, audience: string): number | null {
  const starts = [...moves.map(({ from }) => from), startAt];
  const lastLater = starts.findLastIndex((each) => (each ?? 0) > (startAt ?? 0));
  const counts = (told: Told) =>
    told.audience === audience && told.kind === 'scheduled' && (told.move ?? 0) > lastLater;
  return notice?.told.find(counts)?.at ?? null;
}

/** Who was told, and since when. */
export function toldSince(rollout: Rollout): { audience: string; since: number | null }[] {
  return (rollout.notice?.audiences ?? []).map((audience) => ({ audience, since: knownSince(rollout, audience) }));
}

/**
 * From when an audience expects it; null while it was not told. Nor is it begun before the time that it was told: a freeze that
 * is lifted meanwhile brings no announced start forward.
 */
function freeFrom(rollout: Rollout, notice: Notice, audience: string): number | null {
  const since = knownSince(rollout, audience);
  return since === null ? null : Math.max(since + notice.wanted, lastOf(notice, audience)?.begins ?? 0);
}

/** Epoch ms when the notice is over for all; null while somebody was not told; 0 where none is wanted. */
export function noticeOver(rollout: Rollout): number | null {
  const { notice } = rollout;
  if (notice === undefined) return 0;
  const free = notice.audiences.map((audience) => freeFrom(rollout, notice, audience));
  return free.includes(null) ? null : Math.max(...free.map((each) => each ?? 0));
}

/** The same, and as if whoever was not told yet were told when the start was planned, or at `now` (epoch ms) if that is later. */
export function noticeExpected(rollout: Rollout, now = 0): number {
  const { notice, moves, createdAt } = rollout;
  if (notice === undefined) return 0;
  const told = Math.max(moves?.at(-1)?.at ?? createdAt, now);
  return Math.max(...notice.audiences.map((audience) => freeFrom(rollout, notice, audience) ?? told + notice.wanted));
}

/** It was really said: delivered to that audience. What is told twice, or of another start than the planned one, changes nothing. */
export function announced(rollout: Rollout, { at, begins, ...said }: Told): Rollout {
  const { notice } = rollout;
  const due = dueNotices(rollout, begins).find(
    ({ audience, kind, startAt, move }) =>
      audience === said.audience && kind === said.kind && startAt === said.startAt && move === said.move,
  );
  if (notice === undefined || due === undefined) return rollout;
  return { ...rollout, notice: { ...notice, told: [...notice.told, { ...due, at }] } };
}
