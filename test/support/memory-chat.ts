import type { Block, KnownBlock } from '@slack/types';
import type { Chat } from '../../src/bot/chat.ts';
import type { Mark } from '../../src/bot/marks.ts';

export interface MemoryMessage {
  ts: string;
  channel: string;
  mark: Mark | null;
  text: string;
  blocks: (KnownBlock | Block)[];
}

/** A channel of which only our own messages are kept, in the order in which they were posted. */
export class MemoryChat implements Chat {
  readonly messages: MemoryMessage[] = [];
  edits = 0;
  /** Called once a message stands there, before whoever posted it hears of that. */
  posted: () => void = () => undefined;

  post: Chat['post'] = async ({ channel, mark, content }) => {
    const ts = `${this.messages.length + 1}.1`;
    this.messages.push({ ts, channel, mark, text: content.text, blocks: content.blocks });
    this.posted();
    return ts;
  };

  edit: Chat['edit'] = async ({ ts }, { content, mark }) => {
    const message = this.messages.find((each) => each.ts === ts);
    if (message === undefined) return false;
    this.edits += 1;
    Object.assign(message, { text: content.text, blocks: content.blocks, mark });
    return true;
  };

  direct: Chat['direct'] = async (user) => `D-${user}`;

  find: Chat['find'] = async ({ mark }) =>
    this.messages.find((each) => each.mark?.rollout === mark.rollout && each.mark.key === mark.key)?.ts ?? null;

  read: Chat['read'] = async ({ ts }) => {
    const found = this.messages.find((each) => each.ts === ts);
    return found?.mark == null ? null : { ...found, mark: found.mark, isRoot: false };
  };

  ours: Chat['ours'] = async () =>
    this.messages.flatMap((each) => (each.mark === null ? [] : [{ ...each, mark: each.mark, isRoot: false }]));
}

/** The action ids and values of the buttons on a message, by label. */
export function buttonsOn({
  blocks,
}: Pick<MemoryMessage, 'blocks'>): Record<string, { action: string; value: string }> {
  const elements = blocks.flatMap((block): unknown[] =>
    'elements' in block && Array.isArray(block.elements) ? [...block.elements] : [],
  );
  const buttons = elements.filter(
    (each): each is { text: { text: string }; action_id: string; value: string } =>
      typeof each === 'object' && each !== null && 'action_id' in each,
  );
  return Object.fromEntries(buttons.map(({ text, action_id: action, value }) => [text.text, { action, value }]));
}
