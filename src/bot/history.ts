import type { Block } from '@slack/types';
import type { WebClient } from '@slack/web-api';
import { type Mark, readMark } from './marks.ts';

/** A channel, or a thread in it. */
export interface Where {
  channel: string;
  /** `ts` of the thread's first message; null outside of threads. */
  thread: string | null;
}

/** One of our messages as it stands in the chat. */
export interface Standing {
  ts: string;
  channel: string;
  mark: Mark;
  text: string;
  blocks: Block[];
  /** Others hang in its thread. */
  isRoot: boolean;
}

const pages = 5;
const perPage = 200;

/** Our messages, page by page, those of a channel newest first. @param since epoch ms */
export async function* ours(client: WebClient, where: Where, since: number): AsyncIterable<Standing> {
  let cursor = '';
  for (let page = 0; page < pages; page++) {
    const asked = {
      channel: where.channel,
      oldest: String(Math.floor(since / 1000)),
      limit: perPage,
      include_all_metadata: true,
      ...(cursor === '' ? {} : { cursor }),
    };
    const { messages = [], response_metadata: more } =
      where.thread === null
        ? await client.conversations.history(asked)
        : await client.conversations.replies({ ...asked, ts: where.thread });
    for (const { ts, metadata, text = '', blocks = [], reply_count: replies = 0 } of messages) {
      const mark = readMark(metadata);
      if (ts === undefined || mark === null) continue;
      yield { ts, channel: where.channel, mark, text, blocks: blocks.flatMap(typed), isRoot: replies > 0 };
    }
    cursor = more?.next_cursor ?? '';
    if (cursor === '') return;
  }
}

const typed = <T extends { type?: string }>(block: T): (T & Block)[] =>
  block.type === undefined ? [] : [{ ...block, type: block.type }];
