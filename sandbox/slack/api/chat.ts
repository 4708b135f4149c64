import { type Args, Refusal, required } from '../args.ts';
import { messageJson } from '../payloads.ts';
import type { ChannelMessage } from '../types.ts';
import { bot } from '../workspace.ts';
import { applyEdit, readMessage, threadOf } from '../writing.ts';
import type { Method, Office } from './method.ts';

export const chat: Record<string, Method> = {
  'chat.postMessage': { scope: 'chat:write', run: postMessage },
  'chat.postEphemeral': { scope: 'chat:write', run: postEphemeral },
  'chat.update': { scope: 'chat:write', run: update },
  'chat.delete': {
    scope: 'chat:write',
    run: (args, office) => {
      const message = ownMessage(args, office, 'cant_delete_message');
      office.workspace.remove(message);
      return { channel: message.channel, ts: message.ts };
    },
  },
  'chat.getPermalink': {
    scope: null,
    run: (args, { workspace, pageUrl }) => {
      const channel = workspace.place(required(args, 'channel'));
      const ts = required(args, 'message_ts');
      if (!workspace.find(channel, ts)) throw new Refusal('message_not_found');
      return { channel, permalink: `${pageUrl()}#m${ts}` };
    },
  },
};

function postMessage(args: Args, { workspace, faults }: Office): Record<string, unknown> {
  const channel = workspace.place(required(args, 'channel'));
  const { text, blocks, metadata } = readMessage('chat.postMessage', args, workspace, faults.refusedBlocks);
  const thread = threadOf(args, channel, workspace);
  const message = workspace.post({ channel, user: bot.id, text, blocks, metadata: metadata ?? null, ...thread });
  return { channel, ts: message.ts, message: messageJson(workspace, message, true) };
}

function postEphemeral(args: Args, { workspace, faults }: Office): Record<string, unknown> {
  const channel = workspace.place(required(args, 'channel'));
  const user = workspace.people.find((person) => person.id === required(args, 'user'));
  if (!user || user.deleted || user.bot) throw new Refusal('user_not_in_channel');
  const { text, blocks } = readMessage('chat.postEphemeral', args, workspace, faults.refusedBlocks);
  const thread = threadOf(args, channel, workspace);
  const message = workspace.post({ channel, user: bot.id, text, blocks, visibleTo: user.id, ...thread });
  return { message_ts: message.ts };
}

function update(args: Args, { workspace, faults }: Office): Record<string, unknown> {
  const message = ownMessage(args, { workspace }, 'cant_update_message');
  const edited = applyEdit(workspace, message, readMessage('chat.update', args, workspace, faults.refusedBlocks));
  return { channel: edited.channel, ts: edited.ts, text: edited.text, message: messageJson(workspace, edited, true) };
}

/** Only the bot's own lasting messages can be changed; an ephemeral is not there as far as these methods know. */
function ownMessage(args: Args, { workspace }: Pick<Office, 'workspace'>, refusal: string): ChannelMessage {
  const message = workspace.find(workspace.place(required(args, 'channel')), required(args, 'ts'));
  if (!message || message.visibleTo !== null) throw new Refusal('message_not_found');
  if (message.user !== bot.id) throw new Refusal(refusal);
  return message;
}
