import { nodeOf } from '../../upgrade/rollout/index.ts';
import type { Decided, NodeRun } from '../../upgrade/rollout/types.ts';
import { type Asking, aloud, type CommandContext, type Reply, say } from '../context.ts';
import { foreign, who } from '../views/text.ts';
import { foreignWord } from '../views/words.ts';
import { type Agreed, agreed, decide, demand, type Handler, outdated, theRollout, unknownName } from './common.ts';

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
  const takesTwo = as === 'replace' && context.fleet.policy.breakers > 1;
  await demand(context, asking, { is: takesTwo ? 'override' : 'go-on' });
  const rollout = await theRollout(context, asking);
  if (!Object.hasOwn(rollout.nodes, name)) throw unknownName('node', name, Object.keys(rollout.nodes));
  const node: NodeRun = nodeOf(rollout, name);
  const work = node.foreign;
  if (work === null || !work.sha256.startsWith(mark)) {
    return outdated(rollout, `Nothing of that kind waits for a decision on ${foreign(name, 80)}`);
  }
  const agreement: Agreed = takesTwo
    ? await agreed(context, asking, `replace ${rollout.id} ${name} ${work.sha256}`)
    : { is: 'agreed' };
  if (agreement.is === 'waits') {
    return aloud(
      say(
        `${who(asking.actor)} wants ${foreignWord(work)} on ${foreign(name, 80)} put aside and replaced.`,
        `Another breaker says the same within half an hour: \`/zeitwork replace ${foreign(name, 80)} ${mark}\``,
      ),
    );
  }
  const now = context.clock.now();
  const epoch = await context.control.store.nextEpoch(now);
  const by = asking.actor;
  const two = agreement.first === undefined ? {} : { with: agreement.first };
  const event = { type: 'decided' as const, at: now, by, ...two, node: name, sha256: work.sha256, as, epoch };
  const what = `${foreignWord(work)} on ${foreign(name, 80)}`;
  return decide(
    context,
    rollout,
    event,
    as === 'replace' ? `Putting ${what} aside and going on.` : `Keeping ${what} and going on.`,
  );
}
