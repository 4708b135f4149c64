import type { NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import type { Command } from '../command.ts';
import { type Asking, type CommandContext, ended, type Reply, say } from '../context.ts';
import { headline } from '../views/ending.ts';
import { isMixed, runningLines } from '../views/running.ts';
import { ownWords } from '../views/text.ts';
import { demand, glance, type Handler, NothingKnown } from './common.ts';

/**
 * A verb that acts on a rollout. When none is known its refusal also tells what the nodes really run: the store may
 * have been emptied in the middle of a rollout, and "nothing is running" alone would sound as if all were well.
 */
export function acting<V extends Command['verb']>(handler: Handler<V>): Handler<V> {
  return async (context, asking, command) => {
    try {
      return await handler(context, asking, command);
    } catch (error) {
      if (error instanceof NothingKnown) return whatRuns(context, asking, error.message);
      throw error;
    }
  };
}

async function whatRuns(context: CommandContext, asking: Asking, refusal: string): Promise<Reply> {
  await demand(context, asking, { is: 'look' });
  const [seen, [last]] = await Promise.all([glance(context), context.control.store.latest(1)]);
  const lines = ['This is what the nodes run:', ...runningLines(context.fleet, seen)];
  return ended('refused', say(ownWords(refusal, 500), ...lines, ...doubts(asking, seen, last)));
}

function doubts({ rollout }: Asking, seen: NodeSurvey[], last: Rollout | undefined): string[] {
  const emptied = 'the store may have been emptied or put back (Redis)';
  if (rollout !== null) return [`‼ The message with this button says otherwise, so ${emptied}.`];
  // A rollout that was stopped, or took only some nodes, leaves a mixture that is no wonder.
  if (last !== undefined) return [`Last: ${headline(last)}`, `If a message in the channel says otherwise, ${emptied}.`];
  if (!isMixed(seen)) return [`If a message in the channel says otherwise, ${emptied}.`];
  return [`‼ They do not all run the same, so ${emptied} while a rollout was under way; see \`/zeitwork verify\`.`];
}
