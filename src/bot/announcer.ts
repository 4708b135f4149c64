import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.ts';
import { minute } from '../base/duration.ts';
import { reasonOf } from '../base/reasons.ts';
import type { Announcer, PostedMessage, Store } from '../jobs/types.ts';
import type { Sealer } from '../trust/index.ts';
import type { Webhook } from '../upgrade/http/types.ts';
import { type DueNotice, dueNotices, startOf } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import type { Chat, OutgoingMessage } from './chat.ts';
import type { ChatMeter } from './meter.ts';
import { readReference, sealedBlocks } from './sealed.ts';
import { afterwardsPosts } from './views/afterwards.ts';
import { closed } from './views/closing.ts';
import { followUpPosts } from './views/follow-up.ts';
import { headPosts } from './views/head.ts';
import { noticeBody } from './views/notice.ts';
import { withLink } from './views/parts.ts';
import type { People } from './views/people.ts';
import { postMortemPosts } from './views/post-mortem.ts';
import { outdated, type Post, posts } from './views/posts.ts';

export interface AnnouncerParts {
  chat: Chat;
  store: Pick<Store, 'posted' | 'setPosted' | 'headOf'>;
  channel: string;
  sealer: Sealer;
  /** Whom messages about this rollout may call. */
  people(rollout: Rollout): Promise<People>;
  /** A mrkdwn link to a message; null while the workspace is not known. */
  link(at: PostedMessage): string | null;
  log: Logger;
  clock: Pick<Clock, 'now' | 'sleep'>;
  painted: Painted;
  /** Who is told besides the chat. */
  webhook?: Webhook;
  /** Who counts; absent: nobody. */
  meter?: Pick<ChatMeter, 'posted'>;
}

/**
 * The revision that each message showed when it was painted last, by `paintedAs`. An edit that was given up may still arrive,
 * after the next one: the chat then shows less than this.
 */
export type Painted = Map<string, number>;

export const paintedAs = (mark: { rollout: string; key: string }): string => `${mark.rollout} ${mark.key}`;

/** Called for what was really delivered. */
type Delivered = (notice: DueNotice) => Promise<void>;

/** Slack takes about one edit per second and message; the newest state is never dropped, only late. */
const editEveryMs = 1_500;

/** Whoever did not take a notice is not asked with every redraw: after the first wait (ms), then twice as long, up to the most. */
const outside = { first: 10_000, most: 10 * minute };

/** Written before a message is posted: until the real `ts` replaces it, nobody knows whether it stands there. */
const unknownTs = '';

/** Written before somebody outside is told of a start: until it is noted that they were, nobody knows whether they have heard of it. */
const heardKey = (audience: string): string => `heard.${audience}`;

/** Stands for the content of a message that got its last line. */
const over = 'over';

/** What outlives a drawing. */
interface Memory {
  editedAt: Map<string, number>;
  /** What was not taken, by the id of the notice. */
  waiting: Map<string, { wait: number; until: number; reason: string }>;
  /** What should stand there, by the rollout. */
  drawn: Map<string, Drawn>;
}

/** Equal ones are drawn with every sweep, for as long as nothing happens. */
interface Drawn {
  /** All that it was drawn from, as JSON. */
  from: string;
  posts: readonly Post[];
  digests: WeakMap<object, string>;
}

/** Rollouts of which it is remembered what they look like. */
const mostDrawn = 20;

/** Makes the chat say what the rollout says: posts what is missing, edits what changed, and nothing else. */
export function createAnnouncer(parts: AnnouncerParts): Pick<Announcer, 'show'> {
  const lanes = new Map<string, { newest: Rollout; tail: Promise<void> }>();
  const memory: Memory = { editedAt: new Map(), waiting: new Map(), drawn: new Map() };
  return {
    /** Calls for one rollout wait for each other; whoever waited draws the newest state that is known by then. */
    show(rollout, told = async () => undefined) {
      const lane = lanes.get(rollout.id) ?? { newest: rollout, tail: Promise.resolve() };
      lanes.set(rollout.id, lane);
      // Of equal ones the later is drawn: what came after it, or was frozen, may be another by then.
      if (rollout.revision >= lane.newest.revision) lane.newest = rollout;
      const turn = lane.tail.then(() => new Drawing(parts, memory, lane.newest, told).draw());
      const tail = turn
        .catch(() => undefined)
        .then(() => {
          if (lane.tail === tail) lanes.delete(rollout.id);
        });
      lane.tail = tail;
      return turn;
    },
  };
}

/** One pass over everything that should stand in the chat. */
class Drawing {
  readonly #parts: AnnouncerParts;
  readonly #memory: Memory;
  readonly #rollout: Rollout;
  readonly #told: Delivered;
  #standing: Record<string, PostedMessage> = {};

  constructor(parts: AnnouncerParts, memory: Memory, rollout: Rollout, told: Delivered) {
    this.#told = told;
    this.#parts = parts;
    this.#memory = memory;
    this.#rollout = rollout;
  }

  /** @throws the first trouble, after everything else was tried; at once when Slack asks to wait (`retryAfter`, s). */
  async draw(): Promise<void> {
    // That the chat is away keeps nobody else from being told, nor the other way round.
    const chat = await settled(this.#drawChat());
    const told = await settled(this.#tellOutside());
    for (const each of [chat, told]) if (each.is === 'failed') throw each.error;
  }

  async #drawChat(): Promise<void> {
    const { store } = this.#parts;
    this.#standing = await store.posted(this.#rollout.id);
    const people = await this.#parts.people(this.#rollout);
    const current = this.#current(people);
    const wanted = [
      ...current,
      ...outdated(this.#rollout, Object.keys(this.#standing), people, current),
      ...headPosts(this.#rollout, store.headOf(this.#rollout.id)),
      ...followUpPosts(this.#rollout, people, this.#parts.clock.now()),
      ...postMortemPosts(this.#rollout, people, this.#parts.clock.now()),
      ...afterwardsPosts(this.#rollout, this.#parts.clock.now()),
    ];
    const stands = ({ key }: Post) => (this.#standing[key]?.ts ?? unknownTs) !== unknownTs;
    // The thread hangs on the main message; then what is new, since it may be urgent; then edits.
    const [main, ...rest] = wanted;
    const inOrder = [
      ...(main === undefined || stands(main) ? [] : [main]),
      ...rest.filter((post) => !stands(post)),
      ...wanted.filter(stands),
    ];
    const troubles: unknown[] = [];
    for (const post of inOrder) {
      try {
        await (stands(post) ? this.#edit(post) : this.#post(post));
        if (post.announces !== undefined && stands(post)) await this.#told(post.announces);
      } catch (error) {
        this.#note(post, error, troubles);
      }
    }
    if (troubles.length > 0) throw troubles[0];
  }

  #current(people: People): readonly Post[] {
    const { drawn } = this.#memory;
    const known = drawn.get(this.#rollout.id);
    const from = JSON.stringify([this.#rollout, people]);
    if (known?.from === from) return known.posts;
    const found = posts(this.#rollout, people);
    if (drawn.size >= mostDrawn) drawn.clear();
    drawn.set(this.#rollout.id, { from, posts: found, digests: new WeakMap() });
    return found;
  }

  /** Whoever is told twice, since nobody could note the first time, sees by its id that it is the same. */
  async #tellOutside(): Promise<void> {
    const { webhook } = this.#parts;
    if (webhook === undefined) return;
    const heard = this.#standing[heardKey(webhook.name)];
    const maybeTold = heard === undefined || heard.content === over ? [] : [webhook.name];
    for (const notice of dueNotices(this.#rollout, startOf(this.#rollout, this.#parts.clock.now()), maybeTold)) {
      if (notice.audience === webhook.name) await this.#tell(webhook, notice);
    }
  }

  #noteHeard(audience: string, content: string): Promise<void> {
    return this.#parts.store.setPosted(this.#rollout.id, heardKey(audience), { ts: unknownTs, channel: '', content });
  }

  async #tell(webhook: Webhook, notice: DueNotice): Promise<void> {
    const { clock } = this.#parts;
    const body = noticeBody(this.#rollout, notice);
    const before = this.#memory.waiting.get(body.id);
    if (before !== undefined && clock.now() < before.until) throw new Error(before.reason);
    if (notice.kind === 'scheduled' && this.#standing[heardKey(webhook.name)] === undefined)
      await this.#noteHeard(webhook.name, '');
    try {
      await webhook.post(body);
    } catch (error) {
      const wait = Math.min((before?.wait ?? outside.first / 2) * 2, outside.most);
      this.#memory.waiting.set(body.id, { wait, until: clock.now() + wait, reason: reasonOf(error) });
      throw error;
    }
    this.#memory.waiting.delete(body.id);
    if (notice.kind === 'cancelled') await this.#noteHeard(webhook.name, over);
    await this.#told(notice);
  }

  /** Somebody who cannot get direct messages must not keep the channel from its news. */
  #note(post: Post, error: unknown, troubles: unknown[]): void {
    if (error instanceof Error && 'retryAfter' in error) throw error;
    this.#parts.log.warn({ err: error, rollout: this.#rollout.id, message: post.key }, 'message could not be shown');
    if (post.place.is !== 'dm') troubles.push(error);
    if (post.key === 'main' && this.#standing.main === undefined) throw error;
  }

  async #post(post: Post): Promise<void> {
    const lost = this.#standing[post.key];
    // It may stand there all the same: what is over is looked for too, once, so that no question stays open.
    if (post.onlyEdit ? lost === undefined || lost.content === over : this.#isSaid(post)) return;
    const { chat, store } = this.#parts;
    const message = await this.#message(post);
    if (message === null) return;
    const found = lost === undefined ? null : await chat.find(message, this.#rollout.createdAt);
    if (found !== null) {
      await this.#keep(post, { ts: found, channel: message.channel, content: '' });
      return this.#edit(post);
    }
    if (post.onlyEdit) return this.#keep(post, { ts: unknownTs, channel: message.channel, content: over });
    if (lost === undefined)
      await store.setPosted(this.#rollout.id, post.key, { ts: unknownTs, channel: message.channel, content: '' });
    const ts = await chat.post(message);
    this.#parts.meter?.posted(post.key);
    await this.#keep(post, { ts, channel: message.channel, content: this.#digest(post) });
  }

  async #edit(post: Post): Promise<void> {
    const standing = this.#standing[post.key];
    if (standing === undefined || post.once) return;
    // What is announced must really stand there: Redis saying so is not enough.
    if (standing.content === this.#digest(post) && post.announces === undefined) return;
    if (post.closes) return this.#close(post, standing);
    const message = await this.#message(post);
    if (message === null) return;
    await this.#pace(post.key);
    const there = await this.#parts.chat.edit(standing, message);
    if (there) {
      this.#parts.painted.set(paintedAs(message.mark), message.mark.revision);
      return this.#keep(post, { ...standing, content: this.#digest(post) });
    }
    // Somebody deleted it: what matters is said again, what is over is not.
    const ts = post.onlyEdit ? standing.ts : await this.#parts.chat.post(message);
    await this.#keep(post, { ...standing, ts, content: this.#digest(post) });
  }

  /** Nothing that was said is taken back: it is read where it stands, and gets one more line. Done once. */
  async #close(post: Post, standing: PostedMessage): Promise<void> {
    if (standing.content === over) return;
    const message = await this.#message(post);
    if (message === null) return;
    await this.#pace(post.key);
    const { chat } = this.#parts;
    const there = await chat.read({ ...standing, thread: message.thread });
    const content = there === null ? message.content : closed(there, post.text);
    await chat.edit(standing, { ...message, content });
    await this.#keep(post, { ...standing, content: over });
  }

  async #keep(post: Post, message: PostedMessage): Promise<void> {
    this.#standing[post.key] = message;
    await this.#parts.store.setPosted(this.#rollout.id, post.key, message);
  }

  async #pace(key: string): Promise<void> {
    const { clock } = this.#parts;
    const id = paintedAs({ rollout: this.#rollout.id, key });
    const wait = (this.#memory.editedAt.get(id) ?? Number.NEGATIVE_INFINITY) + editEveryMs - clock.now();
    if (wait > 0) await clock.sleep(Math.min(wait, editEveryMs));
    if (this.#memory.editedAt.size > 5_000) this.#memory.editedAt.clear();
    if (this.#parts.painted.size > 5_000) this.#parts.painted.clear();
    this.#memory.editedAt.set(id, clock.now());
  }

  #isSaid({ unlessSaid, ...post }: Post): boolean {
    const same = this.#digest(post);
    return (
      unlessSaid !== null &&
      Object.entries(this.#standing).some(([key, { content }]) => key.startsWith(unlessSaid) && content === same)
    );
  }

  async #message(post: Post): Promise<OutgoingMessage | null> {
    const { key, text, blocks } = post;
    const address = await this.#address(post);
    if (address === null) return null;
    const { id: rollout, fleet, revision } = this.#rollout;
    const mark = { fleet, rollout, key, revision };
    const sealed = sealedBlocks(blocks, this.#parts.sealer, { fleet, channel: address.channel });
    return { ...address, content: withLink({ text, blocks: sealed }, this.#link(post)), mark };
  }

  /** To the message that this one is about, else to the thread. */
  #link({ about }: Post): string | null {
    const at = about === null ? undefined : (this.#standing[about] ?? this.#standing.main);
    return at === undefined || at.ts === unknownTs ? null : this.#parts.link(at);
  }

  async #address({ key, place }: Post): Promise<Pick<OutgoingMessage, 'channel' | 'thread' | 'broadcast'> | null> {
    const alone = { broadcast: false, thread: null };
    switch (place.is) {
      case 'channel':
        return { ...alone, channel: this.#parts.channel };
      case 'dm':
        return { ...alone, channel: this.#standing[key]?.channel ?? (await this.#parts.chat.direct(place.user)) };
      case 'thread': {
        const main = this.#standing.main;
        if (main === undefined || main.ts === unknownTs) return null;
        return { channel: main.channel, thread: main.ts, broadcast: place.broadcast };
      }
    }
  }

  /** Another key of the seals makes every message another one: its buttons must be sealed anew. */
  #digest(post: Pick<Post, 'text' | 'blocks'>): string {
    const known = this.#memory.drawn.get(this.#rollout.id)?.digests;
    const found = known?.get(post) ?? digest(post, this.#parts.sealer.id);
    known?.set(post, found);
    return found;
  }
}

async function settled(work: Promise<void>): Promise<{ is: 'done' } | { is: 'failed'; error: unknown }> {
  return work.then(
    () => ({ is: 'done' }),
    (error: unknown) => ({ is: 'failed', error }),
  );
}

/**
 * Equal for messages that look the same: ids of blocks and references of buttons carry the revision, which nobody sees. A button
 * that stands on other facts is another one.
 */
export function digest({ text, blocks }: Pick<Post, 'text' | 'blocks'>, seals: string): string {
  const seen = JSON.stringify([seals, text, blocks], (name, value) =>
    name === 'block_id' ? undefined : name === 'value' ? readReference(value)?.o : value,
  );
  return createHash('sha256').update(seen).digest('hex').slice(0, 24);
}
