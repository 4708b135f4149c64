import { readClick } from '../../src/bot/actions/click.ts';
import type { Reply } from '../../src/bot/context.ts';
import { answer, asText, runCommand } from '../../src/bot/run.ts';
import { message } from '../../src/bot/views/parts.ts';
import type { Trial } from './support.ts';

/** What somebody reads who types this. */
export const run = async ({ context }: Trial, actor: string, text: string): Promise<string> =>
  asText(await runCommand(context, actor, text));

/** What somebody gets who presses the button of this label on an answer. */
export async function replyTo({ context }: Trial, actor: string, reply: Reply, label: string | RegExp): Promise<Reply> {
  const blocks = message(reply.parts, 't').blocks;
  const all = blocks.flatMap((block) => (block.type === 'actions' ? block.elements : []));
  const isIt = (text: string) => (typeof label === 'string' ? text === label : label.test(text));
  const button = all.find((each) => each.type === 'button' && isIt(each.text.text));
  const click = button?.type === 'button' ? readClick(button.action_id ?? '', button.value) : null;
  if (click === null) throw new Error(`no button ${label} in ${JSON.stringify(all)}`);
  return answer(context, { actor, rollout: click.rollout }, click.command);
}

/** The same, as they read it. */
export const press = async (here: Trial, actor: string, reply: Reply, label: string | RegExp): Promise<string> =>
  asText(await replyTo(here, actor, reply, label));
