import type { Block, KnownBlock } from '@slack/types';
import type { Chat, OutgoingMessage } from '../../src/bot/chat.ts';
import type { Mark } from '../../src/bot/marks.ts';
import type { Chance, Program, Time } from './time.ts';

export interface ChatMessage {
  ts: string;
  channel: string;
  thread: string | null;
  text: string;
  blocks: (KnownBlock | Block)[];
  mark: Mark | null;
}

export interface ChatTrouble {
  awayUntil: number;
  /** It is posted or edited, and the answer is lost. */
  losesAnswer: number;
  /** Slack asks to wait. */
  limits: number;
  /** The bot dies when a message stands there, and before it has noted it. */
  cutsOff: number;
}

/** A button that somebody sees. */
export interface SeenButton {
  message: ChatMessage;
  action: string;
  value: string;
  label: string;
}

class Slow extends Error {
  readonly retryAfter = 2;
}

/** Messages as they stand in a workspace. */
export class SimulatedChat {
  readonly messages: ChatMessage[] = [];
  readonly #time: Time;
  readonly #chance: Chance;
  readonly #trouble: ChatTrouble;
  readonly #seen: (message: ChatMessage) => void;
  readonly #postedAt = new Map<string, number>();
  #serial = 0;

  /** `seen` is told of each message that is posted or edited, as it stands then. */
  constructor(time: Time, chance: Chance, trouble: ChatTrouble, seen: (message: ChatMessage) => void) {
    this.#seen = seen;
    this.#time = time;
    this.#chance = chance;
    this.#trouble = trouble;
  }

  /** All buttons that stand in the channel or its threads. */
  buttons(): SeenButton[] {
    return this.messages.filter(({ channel }) => channel === 'C0').flatMap((message) => buttonsOn(message));
  }

  as(program: Program, dies: () => void): Chat {
    const call = async <T>(work: () => T): Promise<T> => {
      await program.pass(this.#chance.between(20, 300));
      if (this.#time.now < this.#trouble.awayUntil) {
        await program.pass(5_000);
        throw new Error('Slack does not answer');
      }
      if (this.#chance.of(this.#trouble.limits)) throw new Slow('ratelimited');
      const answer = work();
      await program.pass(this.#chance.between(20, 300));
      if (this.#chance.of(this.#trouble.losesAnswer)) throw new Error('socket hang up');
      return answer;
    };
    const at = (ts: string, channel: string) =>
      this.messages.find((each) => each.ts === ts && each.channel === channel);
    return {
      post: (message) =>
        call(() => {
          const ts = this.#post(message);
          if (this.#chance.of(this.#trouble.cutsOff)) dies();
          return ts;
        }),
      edit: ({ ts, channel }, { content, mark }) =>
        call(() => {
          const message = at(ts, channel);
          if (message === undefined) return false;
          Object.assign(message, { text: content.text, blocks: structuredClone(content.blocks), mark });
          this.#seen(message);
          return true;
        }),
      direct: (user) => call(() => `D-${user}`),
      find: (message) =>
        call(
          () =>
            this.messages.find(
              ({ channel, mark }) =>
                channel === message.channel && mark?.rollout === message.mark.rollout && mark.key === message.mark.key,
            )?.ts ?? null,
        ),
      read: ({ ts, channel }) => call(() => this.#standing(at(ts, channel))),
      ours: ({ channel, thread }) =>
        call(() =>
          this.messages
            .filter((each) => each.channel === channel && (thread === null ? each.thread === null : isIn(each, thread)))
            .flatMap((each) => this.#standing(each) ?? [])
            .reverse(),
        ),
    };
  }

  /** Epoch ms. */
  postedAt({ ts }: ChatMessage): number {
    return this.#postedAt.get(ts) ?? Number.POSITIVE_INFINITY;
  }

  #standing(message: ChatMessage | undefined) {
    if (message?.mark == null) return null;
    const isRoot = this.messages.some(({ thread }) => thread === message.ts);
    const { ts, channel, text, blocks, mark } = structuredClone(message);
    return { ts, channel, mark: mark as Mark, text, blocks: blocks as Block[], isRoot };
  }

  #post({ channel, thread, content, mark }: Omit<OutgoingMessage, 'mark'> & { mark: Mark | null }): string {
    const ts = `${(this.#time.now / 1000).toFixed(0)}.${String(this.#serial++).padStart(6, '0')}`;
    const message = { ts, channel, thread, mark, text: content.text, blocks: structuredClone(content.blocks) };
    this.messages.push(message);
    this.#postedAt.set(ts, this.#time.now);
    this.#seen(message);
    return ts;
  }
}

const isIn = (message: ChatMessage, thread: string): boolean => message.thread === thread || message.ts === thread;

/** Wherever they stand in the blocks. */
export function buttonsOn(message: ChatMessage): SeenButton[] {
  const found: SeenButton[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    const { type, action_id: action, value: sealed, text } = value as Record<string, unknown>;
    if (type === 'button' && typeof action === 'string' && typeof sealed === 'string') {
      const label = typeof text === 'object' && text !== null && 'text' in text ? String(text.text) : '';
      found.push({ message, action, value: sealed, label });
    }
    Object.values(value).forEach(walk);
  };
  walk(message.blocks);
  return found;
}
