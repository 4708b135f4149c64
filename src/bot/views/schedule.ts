import { minute } from '../../base/duration.ts';
import { isAny } from '../../base/is-any.ts';
import {
  approvals,
  asked,
  calendarNow,
  channel,
  dueNotices,
  regionsOf,
  startOf,
  takesNodes,
  turns,
} from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, Move, Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal, frozenBy, openInterval } from '../../windows/index.ts';
import { postponeButtons, stopButton } from './buttons.ts';
import { forecast } from './forecast.ts';
import { titled, titleOf } from './goal.ts';
import { noticeLines } from './notice.ts';
import type { Part } from './parts.ts';
import { closing, type Place, type Post, post } from './post.ts';
import { count, foreign, span, when, who } from './text.ts';
import { verdict } from './verdict.ts';

/** What still serves before the start: everything, as it is. */
const untouched = (at: number | undefined): string =>
  `no node is restarted before ${at === undefined ? 'its time' : when(at)}`;

const inChannel: Place = { is: 'channel' };

/**
 * Announced in the channel when the first node has to wait for a window or a time, when that is moved, some time before it,
 * and again when it really begins.
 */
export function schedulePosts(rollout: Rollout): Post[] {
  if (!waits(rollout)) return [];
  const { startedAt, moves = [] } = rollout;
  return [
    ...told(rollout, [null, ...moves]),
    ...soon(rollout),
    ...(startedAt === null ? [] : [started(rollout, startedAt)]),
  ];
}

/** From what was frozen at the plan, so that the answer never changes. */
function waits(rollout: Rollout): boolean {
  const { startAt, createdAt, override, calendars, notice } = rollout;
  if (startAt !== null || notice !== undefined) return true;
  const calendar = calendars[regionsOf(rollout)[0] ?? ''];
  return override === null && calendar !== undefined && openInterval(calendar, createdAt) === null;
}

/** The plan (null) and each move of it: the newest stands, with its buttons; those before it get one more line. */
function told(rollout: Rollout, all: (Move | null)[]): Post[] {
  return all.map((move, index) => {
    const key = move === null ? 'scheduled' : `moved.${index}`;
    const next = all[index + 1];
    if (next != null) return closing(rollout, key, inChannel, movedBy(next));
    if (!isAhead(rollout)) return closing(rollout, key, inChannel, cameTo(rollout));
    return announcement(rollout, key, move);
  });
}

const movedBy = ({ by, at }: Move): string => `→ Moved by ${who(by)} at ${when(at)}; a newer message says to when.`;

const isAhead = ({ startedAt, status }: Rollout): boolean =>
  startedAt === null && isAny(status.is, 'running', 'paused', 'held');

function announcement(rollout: Rollout, key: string, move: Move | null): Post {
  const { requester, nodes } = rollout;
  const head = `*${titled(rollout, titleOf(rollout))}* is ${move === null ? `scheduled by ${who(requester)}` : `moved by ${who(move.by)}`}`;
  const lines = [
    `${head}; ${untouched(forecast(rollout).regions[0]?.begin)}`,
    `${count(Object.keys(nodes).length, 'node')}, without downtime:`,
    ...times(rollout),
    ...noticeLines(rollout),
  ];
  const due = dueNotices(rollout, startOf(rollout)).find(({ audience }) => audience === channel);
  const options = due === undefined ? {} : { announces: due };
  return post(rollout, key, inChannel, [{ is: 'lines', lines }, buttons(rollout)], options);
}

const buttons = (rollout: Rollout): Part => ({
  is: 'buttons',
  buttons: [...postponeButtons(rollout), stopButton(rollout, 'Cancel it')],
});

/** What became of a start that was announced. */
export function cameTo({ startedAt, status }: Rollout): string {
  if (startedAt !== null) return `→ It began at ${when(startedAt)}.`;
  if (isAny(status.is, 'running', 'paused', 'held')) return '→ Moved; a newer message says to when.';
  return 'by' in status && isAny(status.is, 'stopped', 'stopping')
    ? `→ Cancelled by ${who(status.by)} at ${when(status.at)}; no node was restarted.`
    : '→ It is over; no node was restarted.';
}

/** Before it begins, so that nobody is surprised: only the newest of these. */
function soon(rollout: Rollout): Post[] {
  const { ahead, requester, nodes } = rollout;
  if (ahead == null || ahead.of !== startOf(rollout) || !isAhead(rollout)) return [];
  const { of } = ahead;
  // Within: it may be said late, after Slack or we were away.
  const then = `within ${span(ahead.before)}*, ${when(of)}`;
  const name = `*${titled(rollout, titleOf(rollout))}`;
  const unasked = firstApproval(rollout);
  const before = 'no node is restarted before that';
  const head = isKept(rollout, of)
    ? `${name} is to begin ${then}; ${before}; now it is ${foreign(verdict(rollout))}`
    : unasked === undefined
      ? `${name} begins ${then}; ${before}`
      : `${name} is to begin ${then}, once ${foreign(unasked.title)} is approved; ${before}`;
  const there = localOf(rollout, regionsOf(rollout)[0] ?? '', of).replace(/^, (.*)$/, '$1: ');
  const lines = [
    head,
    `${there}${count(Object.keys(nodes).length, 'node')}, without downtime, asked for by ${who(requester)}`,
    ...noticeLines(rollout),
  ];
  const place: Place = { is: 'thread', broadcast: true };
  return [post(rollout, `soon.${of / 1000}.${ahead.before / 1000}`, place, [{ is: 'lines', lines }, buttons(rollout)])];
}

/** Time alone does not begin it then: somebody has to go on with it, or to say yes, or a freeze lies over it. */
const isKept = (rollout: Rollout, of: number): boolean =>
  rollout.status.is !== 'running' || asked(rollout).length > 0 || isFrozenAt(rollout, of);

/** A freeze that was declared since it was planned lies over its start. */
function isFrozenAt(rollout: Rollout, of: number): boolean {
  const calendar = calendarNow(rollout, regionsOf(rollout)[0] ?? '');
  return calendar !== null && frozenBy(calendar, of) !== null;
}

/** Nobody was asked for it yet, and nothing is begun without it. */
function firstApproval(rollout: Rollout): ApprovalPhase | undefined {
  const first = turns(rollout).find(takesNodes);
  return approvals(rollout).find(
    ({ opens, state }) => first !== undefined && opens.includes(first.id) && state.is === 'pending',
  );
}

function times(rollout: Rollout): string[] {
  return forecast(rollout).regions.map(
    ({ region, begin }) => `• ${foreign(region)}: not before ${when(begin)}${localOf(rollout, region, begin)}`,
  );
}

function localOf({ calendars }: Rollout, region: string, at: number): string {
  const zone = calendars[region]?.zone;
  return zone === undefined ? '' : `, ${describeLocal(at, zone)}`;
}

/** So much later somebody who read the announcement would ask what kept it. */
const lateMs = 5 * minute;

function started(rollout: Rollout, at: number): Post {
  const due = startOf(rollout);
  const how = due !== null && at > due + lateMs ? `; it was to begin ${when(due)}` : ', as scheduled';
  const text = `▶ *${foreign(titled(rollout, titleOf(rollout)), 300)}* has begun at ${when(at)}${how}.`;
  return post(rollout, 'started', { is: 'thread', broadcast: true }, [{ is: 'lines', lines: [text] }]);
}
