import { WebAPIPlatformError, type WebClient } from '@slack/web-api';
import type { Message } from './views/parts.ts';

/** Which message of which rollout: sent along, so that a message can be found when the answer to its posting was lost. */
export interface Mark {
  rollout: string;
  key: string;
}

export interface Letter {
  channel: string;
  /** `ts` of the thread's first message; null outside of threads. */
  thread: string | null;
  broadcast: boolean;
  content: Message;
  mark: Mark;
}

/** The few things that the announcer needs of a chat system. Calls fail within seconds and are never repeated here. */
export interface Chat {
  /** Posts and returns the message's `ts`. */
  post(letter: Letter): Promise<string>;
  /** False when there is no such message any more. */
  edit(at: { channel: string; ts: string }, letter: Letter): Promise<boolean>;
  /** The channel of direct messages with this user. */
  direct(user: string): Promise<string>;
  /** The `ts` of the message with this mark, if it was posted after all; `since` is epoch ms. */
  find(letter: Letter, since: number): Promise<string | null>;
}

const eventType = 'zeitwork_post';
const blockTroubles = ['invalid_blocks', 'invalid_blocks_format', 'msg_blocks_too_long', 'msg_too_long'];
const goneTroubles = ['message_not_found', 'cant_update_message', 'edit_window_closed'];

export function slackChat(client: WebClient): Chat {
  return {
    async post(letter) {
      const { ts } = await orPlain(letter.content, (content) =>
        client.chat.postMessage({ ...address(letter), ...content, ...frame(letter.mark) }),
      );
      if (ts === undefined) throw new Error('Slack posted a message without saying where');
      return ts;
    },
    async edit({ channel, ts }, { content, mark }) {
      try {
        await orPlain(content, (sent) => client.chat.update({ channel, ts, ...sent, metadata: metadata(mark) }));
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
    find: (letter, since) => find(client, letter, since),
  };
}

/** Blocks that Slack refuses must not cost the message: its text says the same. */
async function orPlain<T>(content: Message, send: (content: Message) => Promise<T>): Promise<T> {
  try {
    return await send(content);
  } catch (error) {
    if (isTrouble(error, blockTroubles)) return send({ text: content.text, blocks: [] });
    throw error;
  }
}

function address({ channel, thread, broadcast }: Letter) {
  if (thread === null) return { channel };
  return broadcast ? { channel, thread_ts: thread, reply_broadcast: true as const } : { channel, thread_ts: thread };
}

function frame(mark: Mark) {
  return { metadata: metadata(mark), unfurl_links: false, unfurl_media: false };
}

function metadata({ rollout, key }: Mark) {
  return { event_type: eventType, event_payload: { rollout, key } };
}

async function find(client: WebClient, { channel, thread, mark }: Letter, since: number): Promise<string | null> {
  let cursor = '';
  for (let page = 0; page < 5; page++) {
    const asked = {
      channel,
      oldest: String(Math.floor(since / 1000) - 60),
      limit: 200,
      include_all_metadata: true,
      ...(cursor === '' ? {} : { cursor }),
    };
    const found =
      thread === null
        ? await client.conversations.history(asked)
        : await client.conversations.replies({ ...asked, ts: thread });
    for (const { ts, metadata: seen } of found.messages ?? []) {
      if (ts !== undefined && isMarked(seen, mark)) return ts;
    }
    cursor = found.response_metadata?.next_cursor ?? '';
    if (cursor === '') return null;
  }
  return null;
}

function isMarked(seen: unknown, { rollout, key }: Mark): boolean {
  if (typeof seen !== 'object' || seen === null || !('event_type' in seen) || !('event_payload' in seen)) return false;
  const { event_type: type, event_payload: payload } = seen;
  if (type !== eventType || typeof payload !== 'object' || payload === null) return false;
  return 'rollout' in payload && payload.rollout === rollout && 'key' in payload && payload.key === key;
}

export function isTrouble(error: unknown, codes: string[]): boolean {
  return error instanceof WebAPIPlatformError && codes.includes(error.data.error);
}
