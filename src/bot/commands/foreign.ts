import { nodeOf } from '../../upgrade/rollout/index.ts';
import type { Decided, NodeRun } from '../../upgrade/rollout/types.ts';
import type { Asking, CommandContext, Reply } from '../context.ts';
import { foreign } from '../views/text.ts';
import { foreignWord } from '../views/words.ts';
import { decide, demand, type Handler, outdated, theRollout, unknownName } from './common.ts';

export const replace: Handler<'replace'> = (context, asking, { node, mark }) =>
  about(context, asking, node, mark, 'replace');

export const keep: Handler<'keep'> = (context, asking, { node, mark }) => about(context, asking, node, mark, 'keep');

/** Bound to what the person was shown: when something else stands there by now, nothing is done. */
async function about(
  context: CommandContext,
  asking: Asking,
  name: string,
  mark: string,
  as: Decided['as'],
): Promise<Reply> {
  await demand(context, asking, { is: 'go-on' });
  const rollout = await theRollout(context, asking);
  if (!Object.hasOwn(rollout.nodes, name)) throw unknownName('node', name, Object.keys(rollout.nodes));
  const node: NodeRun = nodeOf(rollout, name);
  const work = node.foreign;
  if (work === null || !work.sha256.startsWith(mark)) {
    return outdated(rollout, `Nothing of that kind waits for a decision on ${foreign(name, 80)}`);
  }
  const now = context.clock.now();
  const epoch = await context.control.store.nextEpoch(now);
  const event = { type: 'decided', at: now, by: asking.actor, node: name, sha256: work.sha256, as, epoch } as const;
  const what = `${foreignWord(work)} on ${foreign(name, 80)}`;
  return decide(
    context,
    rollout,
    event,
    as === 'replace' ? `Putting ${what} aside and going on.` : `Keeping ${what} and going on.`,
  );
}
