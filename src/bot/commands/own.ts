import { isOpen, wentWrong } from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import type { CommandContext } from '../context.ts';
import { ownerWords } from '../views/owner.ts';
import { decide, demand, type Handler, NothingKnown, outdated } from './common.ts';

/** By name, since people are reminded of it in that name. */
export const own: Handler<'own'> = async (context, asking, { rollout: named }) => {
  await demand(context, asking, { is: 'go-back' });
  const rollout = await found(context, asking.rollout ?? named);
  if (isOpen(rollout)) return outdated(rollout, 'Nothing is to be written down yet: it is not over');
  if (!wentWrong(rollout)) return outdated(rollout, 'Nothing went wrong in it, so nothing is to be written down');
  const event = { type: 'owned', at: context.clock.now(), by: asking.actor } as const;
  const reply = await decide(context, rollout, event, (after) => `It is yours: ${ownerWords(after)}`);
  return reply.outcome === 'outdated' ? outdated(rollout, `Nothing changed: ${ownerWords(rollout)}`) : reply;
};

async function found({ control: { store }, fleet }: CommandContext, id: string | null): Promise<Rollout> {
  const [newest] = id === null ? await store.latest(1) : [];
  const rollout = id === null ? (newest ?? null) : await store.load(id);
  if (rollout !== null && rollout.fleet === fleet.name) return rollout;
  throw new NothingKnown(
    id === null ? 'There was no rollout yet.' : 'That rollout is not known any more. See history.',
  );
}
