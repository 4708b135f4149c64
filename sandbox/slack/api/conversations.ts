import { type Args, count, flag, Refusal, required, text } from '../args.ts';
import { messageJson } from '../payloads.ts';
import type { ChannelMessage } from '../types.ts';
import type { Method, Office } from './method.ts';

export const conversations: Record<string, Method> = {
  'conversations.info': {
    scope: 'channels:read',
    run: (args, { workspace }) => {
      const id = workspace.place(required(args, 'channel'));
      const isDirect = id !== workspace.channel.id;
      const person = isDirect ? { user: workspace.otherSide(id) } : { name: workspace.channel.name };
      return {
        channel: { id, is_im: isDirect, is_channel: !isDirect, is_member: true, is_archived: false, ...person },
      };
    },
  },
  'conversations.open': {
    scope: 'im:write',
    run: (args, { workspace }) => {
      const [user = '', ...more] = required(args, 'users').split(',');
      if (more.length > 0) throw new Refusal('method_not_supported_for_channel_type');
      return { channel: { id: workspace.direct(user) } };
    },
  },
  'conversations.history': {
    scope: 'channels:history',
    run: (args, office) => {
      const channel = office.workspace.place(required(args, 'channel'));
      return page(office.workspace.messages(channel).reverse(), args, office);
    },
  },
  'conversations.replies': {
    scope: 'channels:history',
    run: (args, office) => {
      const { workspace } = office;
      const asked = workspace.find(workspace.place(required(args, 'channel')), required(args, 'ts'));
      const root = asked?.threadTs ? workspace.find(asked.channel, asked.threadTs) : asked;
      if (!root) throw new Refusal('thread_not_found');
      return page([root, ...workspace.replies(root.channel, root.ts)], args, office);
    },
  },
  'reactions.add': {
    scope: 'reactions:write',
    run: (args, { workspace }) => {
      const message = workspace.find(workspace.place(required(args, 'channel')), required(args, 'timestamp'));
      if (!message || message.visibleTo !== null) throw new Refusal('message_not_found');
      const name = required(args, 'name');
      if (message.reactions.some((reaction) => reaction.name === name)) throw new Refusal('already_reacted');
      workspace.replace(message, { reactions: [...message.reactions, { name, users: ['U0ZEITWORK'] }] });
      return {};
    },
  },
};

/** One page of messages, by `oldest`, `latest`, `inclusive`, `limit` and a cursor that counts. */
function page(messages: ChannelMessage[], args: Args, { workspace }: Office): Record<string, unknown> {
  const oldest = Number(text(args, 'oldest') ?? 0);
  const latest = Number(text(args, 'latest') ?? Number.POSITIVE_INFINITY);
  const inclusive = flag(args, 'inclusive');
  const within = messages.filter(({ ts }) => {
    const at = Number(ts);
    return (at > oldest && at < latest) || (inclusive && (at === oldest || at === latest));
  });
  const start = Number(text(args, 'cursor') ?? 0);
  const end = start + count(args, 'limit', 100);
  const more = end < within.length;
  return {
    messages: within
      .slice(start, end)
      .map((message) => messageJson(workspace, message, flag(args, 'include_all_metadata'))),
    has_more: more,
    response_metadata: { next_cursor: more ? String(end) : '' },
  };
}
