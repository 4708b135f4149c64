import { Refused } from '../../base/errors.ts';
import type { ChainedEntry } from '../../jobs/index.ts';
import {
  type Names,
  type Pack,
  packFacts,
  packMarkdown,
  packOf,
  picture,
  postMortem,
} from '../../upgrade/report/index.ts';
import { type Attached, type CommandContext, type Reply, say, withFacts } from '../context.ts';
import { reportLines } from '../views/report.ts';
import { demand, type Handler, NothingKnown } from './common.ts';

/** From the journal alone, once all of it was found to be whole. */
export const report: Handler<'report'> = async (context, asking, { rollout: named, from }) => {
  await demand(context, asking, { is: 'look' });
  if (from !== null)
    throw new Refused('--from reads a file: ask for that on a shell, with zeitwork report --from FILE.');
  const id = named ?? (await newest(context));
  const { lines, exported } = await context.control.written(id);
  return replyOf(lines, exported, context.names);
};

async function newest({ control: { store } }: CommandContext): Promise<string> {
  const open = await store.open();
  const [last] = open === null ? await store.latest(1) : [open];
  if (last === undefined) throw new NothingKnown('There was no rollout yet, so there is nothing to report.');
  return last.id;
}

/** @param exported the lines of a file with which all of this can be checked anywhere */
export function replyOf(lines: readonly ChainedEntry[], exported: readonly string[], names: Names): Reply {
  const pack = packOf(lines);
  return {
    ...withFacts({ report: packFacts(pack) }, say(...reportLines(pack))),
    files: filesOf(pack, exported, names),
  };
}

function filesOf(pack: Pack, exported: readonly string[], names: Names): Attached[] {
  const named = (ending: string, text: string): Attached => ({ name: `${pack.rollout}${ending}`, text });
  const lesson = postMortem(pack, names);
  return [
    named('.md', packMarkdown(pack, names)),
    ...(lesson === null ? [] : [named('-post-mortem.md', lesson)]),
    named('.svg', picture(pack, names)),
    named('.json', `${JSON.stringify({ schema: 1, ...packFacts(pack) }, null, 2)}\n`),
    named('.jsonl', `${exported.join('\n')}\n`),
  ];
}
