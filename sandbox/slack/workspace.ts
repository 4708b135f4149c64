import { randomUUID } from 'node:crypto';
import { Refusal } from './args.ts';
import type { ApiCall, Broadcast, ChannelMessage, Group, Person, Place, SlackOptions, View } from './types.ts';

export const bot: Person = { id: 'U0ZEITWORK', name: 'zeitwork', realName: 'Zeitwork', bot: true };
export const slackbot: Person = { id: 'USLACKBOT', name: 'slackbot', realName: 'Slackbot', bot: true };
export const botId = 'B0ZEITWORK';
export const appId = 'A0ZEITWORK';

type NewMessage = Partial<ChannelMessage> & Pick<ChannelMessage, 'channel' | 'user' | 'text'>;

/** Everything that is written down in the stand-in workspace, and who wants to know when it changes. */
export class Workspace {
  readonly people: Person[];
  readonly channel: Place;
  readonly team: Place;
  readonly groups: Group[];
  /** The open modals of each person, the topmost last. */
  readonly modals = new Map<string, View[]>();
  readonly homes = new Map<string, View>();
  readonly warnings: string[] = [];
  readonly broadcasts: Broadcast[] = [];
  readonly calls: ApiCall[] = [];
  readonly #now: () => number;
  readonly #messages: ChannelMessage[] = [];
  readonly #direct = new Map<string, string>();
  readonly #listeners = new Set<() => void>();
  readonly #others: readonly Place[];
  #last = 0;

  constructor(options: SlackOptions) {
    this.people = [...options.people.map((person) => ({ ...person })), bot, slackbot];
    this.channel = options.channel;
    this.#others = options.others ?? [];
    this.team = options.team;
    this.groups = options.groups;
    this.#now = options.controls ? () => options.controls?.now() ?? Date.now() : Date.now;
  }

  person(id: string): Person {
    const found = this.people.find((person) => person.id === id);
    if (!found) throw new Refusal('user_not_found');
    return found;
  }

  /** A Slack timestamp: seconds, a dot, six digits. Unique and always later than the one before. */
  timestamp(): string {
    this.#last = Math.max(Math.round(this.#now() * 1000), this.#last + 1);
    return `${Math.floor(this.#last / 1e6)}.${String(this.#last % 1e6).padStart(6, '0')}`;
  }

  /** The channel id of the direct messages between the bot and a person. */
  direct(user: string): string {
    const id = this.#direct.get(user) ?? `D0${this.person(user).id.replace(/^U/, '')}`;
    this.#direct.set(user, id);
    return id;
  }

  /** Null for direct messages. */
  channelOf(id: string): Place | null {
    return [this.channel, ...this.#others].find((each) => each.id === id) ?? null;
  }

  /** A channel, direct channel or person's id, as a channel id. Throws `channel_not_found`. */
  place(id: string): string {
    if (this.channelOf(id) !== null || [...this.#direct.values()].includes(id)) return id;
    if (this.people.some((person) => person.id === id)) return this.direct(id);
    throw new Refusal('channel_not_found');
  }

  otherSide(direct: string): string | null {
    return [...this.#direct].find(([, id]) => id === direct)?.[0] ?? null;
  }

  post(message: NewMessage): ChannelMessage {
    if (message.threadTs && !this.find(message.channel, message.threadTs)) throw new Refusal('thread_not_found');
    const posted: ChannelMessage = {
      ts: this.timestamp(),
      blocks: [],
      threadTs: null,
      broadcast: false,
      edits: 0,
      editedTs: null,
      metadata: null,
      reactions: [],
      visibleTo: null,
      ...message,
    };
    this.#messages.push(posted);
    this.changed();
    return posted;
  }

  /** Replaces a message by a changed copy, so that views may keep what they drew of the old one. */
  replace(message: ChannelMessage, changes: Partial<ChannelMessage>): ChannelMessage {
    const index = this.#messages.findIndex((one) => one.ts === message.ts && one.channel === message.channel);
    const replaced = { ...message, ...changes };
    if (index >= 0) this.#messages[index] = replaced;
    this.changed();
    return replaced;
  }

  edit(message: ChannelMessage, changes: Partial<ChannelMessage>): ChannelMessage {
    return this.replace(message, { ...changes, edits: message.edits + 1, editedTs: this.timestamp() });
  }

  remove(message: ChannelMessage): void {
    const index = this.#messages.findIndex((one) => one.ts === message.ts && one.channel === message.channel);
    if (index >= 0) this.#messages.splice(index, 1);
    this.changed();
  }

  find(channel: string, ts: string): ChannelMessage | null {
    return this.#messages.find((message) => message.channel === channel && message.ts === ts) ?? null;
  }

  /** Every message, ephemerals and replies included, in the order of posting. */
  all(): readonly ChannelMessage[] {
    return this.#messages;
  }

  /** What a channel shows: roots and broadcast replies. */
  messages(channel = this.channel.id): ChannelMessage[] {
    return this.lasting(channel).filter((message) => message.threadTs === null || message.broadcast);
  }

  /** A root and its replies. */
  thread(ts: string): ChannelMessage[] {
    return this.#messages.filter((one) => one.visibleTo === null && (one.ts === ts || one.threadTs === ts));
  }

  replies(channel: string, ts: string): ChannelMessage[] {
    return this.lasting(channel).filter((message) => message.threadTs === ts);
  }

  ephemerals(user: string): ChannelMessage[] {
    return this.#messages.filter((message) => message.visibleTo === user);
  }

  lasting(channel: string): ChannelMessage[] {
    return this.#messages.filter((message) => message.channel === channel && message.visibleTo === null);
  }

  viewId(): string {
    return `V${randomUUID().replaceAll('-', '').slice(0, 10).toUpperCase()}`;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }
}
