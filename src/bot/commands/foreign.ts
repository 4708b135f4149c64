import { isQueued, nodeOf } from '../../upgrade/rollout/index.ts';
import type { Decided, NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import type { Asking, CommandContext, Reply } from '../context.ts';
import { count, foreign } from '../views/text.ts';
import { foreignWord, scopeName } from '../views/words.ts';
import { type Agreed, asSecond, decide, demand, type Handler, outdated, theRollout, unknownName } from './common.ts';
import { newEpoch, refuseToGoOn } from './forgotten.ts';

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
  await demand(context, asking, { is: as === 'keep' ? 'go-on' : 'override' });
  const rollout = await theRollout(context, asking);
  if (!Object.hasOwn(rollout.nodes, name)) throw unknownName('node', name, Object.keys(rollout.nodes));
  const node: NodeRun = nodeOf(rollout, name);
  const work = node.foreign;
  if (work === null || !work.sha256.startsWith(mark)) {
    return outdated(rollout, `Nothing of that kind waits for a decision on ${foreign(name, 80)}`);
  }
  // Nothing comes of it before the rollout holds; by the time that this is written down it may.
  if (rollout.status.is !== 'held')
    return outdated(rollout, `Nothing waits for a decision on ${foreign(name, 80)} yet`);
  if (!goesBack(rollout, node)) await refuseToGoOn(context, rollout);
  const what = `${foreignWord(work)} on ${foreign(name, 80)}`;
  const agreement: Agreed =
    as === 'replace'
      ? await asSecond(context, asking, {
          what: `replace ${rollout.id} ${rollout.run} ${name} ${work.sha256}`,
          words: `put ${what} aside and go on over it`,
          typed: `replace ${foreign(name, 80)} ${work.sha256.slice(0, 12)}`,
        })
      : { is: 'agreed' };
  if (agreement.is === 'waits') return agreement.reply;
  const now = context.clock.now();
  const epoch = await newEpoch(context);
  const two = agreement.first === undefined ? {} : { with: agreement.first };
  const by = asking.actor;
  const event = { type: 'decided' as const, at: now, by, ...two, node: name, sha256: work.sha256, as, epoch };
  return decide(context, rollout, event, (after) => goingOn(after, name, what, as));
}

/** What goes on by it is a way back, which nothing that was forgotten keeps waiting. */
const goesBack = ({ status }: Rollout, { state, touched }: NodeRun): boolean =>
  (status.is === 'held' && status.pending !== null) || (touched && state.is === 'stuck' && state.direction === 'back');

/** A rollback that was cut short goes on first, and maybe without this node. */
function goingOn(after: Rollout, name: string, what: string, as: Decided['as']): string {
  const { status } = after;
  const doing = as === 'replace' ? `Putting ${what} aside` : `Keeping ${what}`;
  if (status.is !== 'rolling-back') return `${doing} and going on.`;
  const back = `the rollback of ${foreign(scopeName(status.scope), 300)} goes on (${count(status.queue.length, 'node')})`;
  if (!isQueued(after, nodeOf(after, name)))
    return `Noted, and not done yet: ${as === 'replace' ? `${what} is put aside` : `${what} stays`} once ${foreign(name, 80)} is tried again, after a \`retry\`. Now ${back}.`;
  return `${doing}; ${back}.`;
}
