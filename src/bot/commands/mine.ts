import { takenBy, type Waiting, waitingForPeople, waitKey } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { hasIt, waitWords } from '../views/taken.ts';
import { decide, demand, type Handler, outdated, theRollout } from './common.ts';

/** What nobody has yet comes first; with nothing of that, it is taken over from whoever has it. */
export const mine: Handler<'mine'> = async (context, asking, { wait }) => {
  await demand(context, asking, { is: 'halt' });
  const rollout = await theRollout(context, asking);
  const at = context.clock.now();
  const waiting = waitingForPeople(rollout).filter(
    (each) => each.since <= at && (wait === null || waitKey(each) === wait),
  );
  const free = waiting.filter((each) => takenBy(rollout, each) === null);
  const [first] = waiting;
  if (first === undefined) return outdated(rollout, 'Nothing waits for anybody');
  const wanted = free.length > 0 ? free : waiting;
  const event = { type: 'taken-on', at, by: asking.actor, waits: wanted.map(waitKey) } as const;
  const reply = await decide(context, rollout, event, (after) => taken(after, wanted));
  return reply.outcome === 'outdated' ? outdated(rollout, had(rollout, first)) : reply;
};

const taken = (rollout: Rollout, waits: Waiting[]): string =>
  `You have it: ${waits.map((each) => waitWords(rollout, each)).join(', ')}. Nobody is reminded of that any more; what newly waits calls again.`;

function had(rollout: Rollout, waiting: Waiting): string {
  const before = takenBy(rollout, waiting);
  return before === null ? 'It does not wait any more' : hasIt(before);
}
