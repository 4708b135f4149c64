import { inWords } from '../../base/duration.ts';
import { Refused } from '../../base/errors.ts';
import { laterStart, regionsOf, startOf, toldSince } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal, nextOpening, openInterval } from '../../windows/index.ts';
import type { Later } from '../command.ts';
import type { CommandContext, Reply } from '../context.ts';
import { goalOf } from '../views/goal.ts';
import { count, foreign, when } from '../views/text.ts';
import { verdict } from '../views/verdict.ts';
import { decide, demand, type Handler, outdated, theRollout, timeOf } from './common.ts';

/** Whoever may stop it may move it to later; to bring it forward takes whoever may start it. */
export const reschedule: Handler<'reschedule'> = async (context, asking, { when: to }) => {
  await demand(context, asking, { is: 'look' });
  const rollout = await theRollout(context, asking);
  if (rollout.startedAt !== null)
    return outdated(rollout, 'It has begun, so its start cannot be moved: pause and stop hold it');
  if (rollout.override !== null)
    throw new Refused('It was started with --now, which ends by itself: stop it, and ask for another one.');
  const startAt = startFrom(context, rollout, to);
  const planned = startOf(rollout) ?? rollout.startAt ?? Number.POSITIVE_INFINITY;
  await demand(context, asking, { is: startAt < planned ? 'start' : 'halt' });
  const at = context.clock.now();
  if (startAt <= at) throw new Refused('That time has passed. Give a later one.');
  refuseNever(rollout, startAt);
  const event = { type: 'rescheduled', at, by: asking.actor, startAt, from: rollout.startAt } as const;
  return decide(context, rollout, event, moved);
};

function startFrom(context: CommandContext, rollout: Rollout, to: Later): number {
  if (to.is === 'at') return timeOf(context, ['--at', to.text], regionsOf(rollout), context.clock.now());
  const later = laterStart(rollout);
  if (later === null) throw new Refused('No later window is in sight. Give a time: reschedule --at TIME.');
  return later;
}

/** What would wait for ever is no plan. */
function refuseNever(rollout: Rollout, startAt: number): void {
  for (const region of regionsOf(rollout)) {
    const calendar = rollout.calendars[region];
    if (calendar === undefined || openInterval(calendar, startAt) !== null) continue;
    const opening = nextOpening(calendar, startAt);
    if (opening.is === 'never') throw new Refused(`${region} has no window after that: ${opening.reason}`);
  }
}

function moved(rollout: Rollout): string {
  const start = startOf(rollout);
  const zone = rollout.calendars[regionsOf(rollout)[0] ?? '']?.zone;
  const then = start === null || zone === undefined ? 'later' : `${describeLocal(start, zone)}, ${when(start)}`;
  const { notice } = rollout;
  const isUntold = toldSince(rollout).some(({ since }) => since === null);
  const anew =
    notice !== undefined && isUntold
      ? ` It is a major version: that is announced now, and no node is begun before ${inWords(notice.wanted)} after everybody was told.`
      : '';
  const kept =
    rollout.status.is === 'running'
      ? ''
      : ` It is ${verdict(rollout)}: nothing begins before somebody goes on with it.`;
  return `Moved: ${goalOf(rollout)} begins ${then}. No node is stopped before.${kept}${anew}`;
}

/** Ends what has not begun. */
export const cancelStart: (...of: Parameters<Handler<'cancel'>>) => Promise<Reply> = async (context, asking) => {
  await demand(context, asking, { is: 'halt' });
  const rollout = await theRollout(context, asking);
  if (rollout.startedAt !== null)
    return outdated(rollout, 'It has begun: `stop` ends it where it is, `rollback` goes back');
  const event = { type: 'stopped', at: context.clock.now(), by: asking.actor } as const;
  const nodes = count(Object.keys(rollout.nodes).length, 'node');
  return decide(
    context,
    rollout,
    event,
    `Cancelled: ${foreign(goalOf(rollout))} does not begin; none of ${nodes} was restarted.`,
  );
};
