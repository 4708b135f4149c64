import { type Args, flag, isRecord, metadata, Refusal, structured, text } from './args.ts';
import { checkBlocks } from './limits.ts';
import { checkMessageText } from './limits-text.ts';
import type { Block, ChannelMessage, Metadata } from './types.ts';
import type { Workspace } from './workspace.ts';

export type Written = { text: string; blocks: Block[]; metadata: Metadata | null | undefined; hasBlocks: boolean };

/** Reads what a call wants to say, refuses what Slack would refuse, and notes what a careful app would not send. */
export function readMessage(method: string, args: Args, workspace: Workspace, refused: ReadonlySet<string>): Written {
  const said = text(args, 'text') ?? '';
  const value = structured(args, 'blocks');
  const blocks = checkBlocks(value, 'message', refused);
  if (said === '' && blocks.length === 0) throw new Refusal('no_text');
  checkMessageText(said);
  if (said === '')
    workspace.warnings.push(`${method}: blocks without text, nothing for notifications and screen readers`);
  for (const mention of broadcastsIn([said, ...marked(blocks)])) {
    workspace.broadcasts.push({ method, mention, text: said });
  }
  return { text: said, blocks, metadata: metadata(args), hasBlocks: value !== undefined };
}

/** Applies an edit. An edit without blocks drops the old ones, which is worth a warning. */
export function applyEdit(workspace: Workspace, message: ChannelMessage, written: Written): ChannelMessage {
  if (!written.hasBlocks && message.blocks.length > 0) {
    workspace.warnings.push(
      `chat.update: an edit without blocks drops the ${message.blocks.length} blocks of ${message.ts}`,
    );
  }
  const kept = written.metadata === undefined ? message.metadata : written.metadata;
  return workspace.edit(message, { text: written.text, blocks: written.blocks, metadata: kept });
}

/** The thread a new message goes to. A reply to a reply lands in the same thread, as in Slack. */
export function threadOf(
  args: Args,
  channel: string,
  workspace: Workspace,
): { threadTs: string | null; broadcast: boolean } {
  const asked = text(args, 'thread_ts');
  if (asked === null) return { threadTs: null, broadcast: false };
  const root = workspace.find(channel, asked);
  if (!root) throw new Refusal('thread_not_found');
  return { threadTs: root.threadTs ?? root.ts, broadcast: flag(args, 'reply_broadcast') };
}

function broadcastsIn(texts: string[]): string[] {
  return texts.flatMap((one) =>
    [...one.matchAll(/<!(channel|here|everyone)(\|[^>]*)?>/g)].map((match) => `@${match[1]}`),
  );
}

/** The texts in which Slack reads markup. */
function marked(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(marked);
  if (!isRecord(value)) return [];
  const own =
    (value.type === 'mrkdwn' || value.type === 'markdown') && typeof value.text === 'string' ? [value.text] : [];
  return [...own, ...Object.values(value).flatMap(marked)];
}
