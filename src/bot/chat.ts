import type { Block, KnownBlock } from '@slack/types';
import { WebAPIPlatformError, type WebClient } from '@slack/web-api';
import { minute } from '../base/duration.ts';
import { ours, type Standing, type Where } from './history.ts';
import { type Mark, metadataOf } from './marks.ts';
import type { Message } from './views/parts.ts';

export interface OutgoingMessage {
  channel: string;
  /** `ts` of the thread's first message; null outside of threads. */
  thread: string | null;
  broadcast: boolean;
  content: Message;
  mark: Mark;
}

/** The few things that the announcer needs of a chat system. Calls fail within seconds and are never repeated here. */
export interface Chat {
  /** Posts and returns the message's `ts`. Without a mark it is nobody's to find, or to judge, later. */
  post(message: Omit<OutgoingMessage, 'mark'> & { mark: Mark | null }): Promise<string>;
  /** False when there is no such message any more. */
  edit(at: { channel: string; ts: string }, message: { content: Content; mark: Mark }): Promise<boolean>;
  /** The channel of direct messages with this user. */
  direct(user: string): Promise<string>;
  /** The `ts` of the message with this mark, if it was posted after all; `since` is epoch ms. */
  find(message: OutgoingMessage, since: number): Promise<string | null>;
  /** One of our messages as it stands now; null when it is gone, or may not be read. */
  read(at: Where & { ts: string }): Promise<Standing | null>;
  /** What we posted there, as it stands now; `since` is epoch ms. */
  ours(where: Where, since: number): Promise<Standing[]>;
}

/** What a message says; its blocks may have come back from the chat. */
export interface Content {
  text: string;
  blocks: (KnownBlock | Block)[];
}

const blockTroubles = ['invalid_blocks', 'invalid_blocks_format', 'msg_blocks_too_long', 'msg_too_long'];
const unreadable = ['missing_scope', 'not_in_channel', 'channel_not_found', 'thread_not_found'];
const goneTroubles = ['message_not_found', 'cant_update_message', 'edit_window_closed'];

export function slackChat(client: WebClient): Chat {
  return {
    async post(message) {
      const { ts } = await orPlain(message.content, (content) =>
        client.chat.postMessage({ ...address(message), ...content, ...frame(message.mark) }),
      );
      if (ts === undefined) throw new Error('Slack posted a message without saying where');
      return ts;
    },
    async edit({ channel, ts }, { content, mark }) {
      try {
        await orPlain(content, (sent) => client.chat.update({ channel, ts, ...sent, metadata: metadataOf(mark) }));
        return true;
      } catch (error) {
        if (isTrouble(error, goneTroubles)) return false;
        throw error;
      }
    },
    async direct(user) {
      const { channel } = await client.conversations.open({ users: user });
      if (channel?.id === undefined) throw new Error(`Slack opened no direct messages with ${user}`);
      return channel.id;
    },
    async find(message, since) {
      // A minute for clocks that differ.
      for await (const { ts, mark } of ours(client, message, since - minute)) {
        if (mark.rollout === message.mark.rollout && mark.key === message.mark.key) return ts;
      }
      return null;
    },
    async read({ ts, ...where }) {
      try {
        for await (const standing of ours(client, where, (Number(ts) - 1) * 1_000))
          if (standing.ts === ts) return standing;
      } catch (error) {
        if (!isTrouble(error, unreadable)) throw error;
      }
      return null;
    },
    async ours(where, since) {
      const found: Standing[] = [];
      for await (const standing of ours(client, where, since)) found.push(standing);
      return found;
    },
  };
}

/** Blocks that Slack refuses must not cost the message: its text says the same. */
async function orPlain<C extends Content, T>(content: C, send: (content: C) => Promise<T>): Promise<T> {
  try {
    return await send(content);
  } catch (error) {
    if (isTrouble(error, blockTroubles)) return send({ ...content, blocks: [] });
    throw error;
  }
}

function address({ channel, thread, broadcast }: Omit<OutgoingMessage, 'mark'>) {
  if (thread === null) return { channel };
  return broadcast ? { channel, thread_ts: thread, reply_broadcast: true as const } : { channel, thread_ts: thread };
}

function frame(mark: Mark | null) {
  return { ...(mark === null ? {} : { metadata: metadataOf(mark) }), unfurl_links: false, unfurl_media: false };
}

export function isTrouble(error: unknown, codes: string[]): boolean {
  return error instanceof WebAPIPlatformError && codes.includes(error.data.error);
}
