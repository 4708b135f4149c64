import type { Logger } from 'pino';
import type { Clock } from '../base/clock.ts';
import { day, hour } from '../base/duration.ts';
import { buildsName } from '../jobs/index.ts';
import { seldom } from '../jobs/log.ts';
import type { PostedMessage, Store } from '../jobs/types.ts';
import { isOpen } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { type Painted, paintedAs } from './announcer.ts';
import type { Chat } from './chat.ts';
import type { Standing } from './history.ts';
import { verdictOn } from './marks.ts';
import { nightsName } from './views/nights.ts';
import { staled } from './views/stale.ts';

export interface RepairParts {
  chat: Pick<Chat, 'ours' | 'edit'>;
  store: Pick<Store, 'load' | 'posted' | 'setPosted'>;
  show(rollout: Rollout): Promise<void>;
  painted: Painted;
  channel: string;
  fleet: string;
  log: Pick<Logger, 'warn' | 'error'>;
  clock: Pick<Clock, 'now'>;
}

/** How far back messages are looked at, in ms. */
const lookBack = 14 * day;
/** Edits in one pass: Slack takes about fifty a minute. The next pass goes on where this one ended. */
const mostEdits = 40;

/**
 * Finds messages that show a rollout which the store does not know, or knows only as it was before, and says so in them:
 * else a channel stays at "running", with live buttons, when Redis was emptied or put back. Never throws.
 */
export function createRepair(parts: RepairParts): () => Promise<void> {
  const memory: Memory = { strangers: new Set(), told: new Set(), hopeless: new Set() };
  const complain = seldom(hour, (reason) =>
    parts.log.warn({ reason }, 'could not see whether the channel shows what the store knows'),
  );
  let notBefore = Number.NEGATIVE_INFINITY;
  return async () => {
    if (parts.clock.now() < notBefore) return;
    try {
      await new Pass(parts, memory).run();
    } catch (error) {
      notBefore = parts.clock.now() + waitAsked(error);
      complain(error);
    }
  };
}

interface Memory {
  /** Messages that the store did not have the last time: one that was only just posted is there the next time. */
  strangers: Set<string>;
  /** Rollouts about which the log was told. */
  told: Set<string>;
  /** Messages that cannot be edited. */
  hopeless: Set<string>;
}

class Pass {
  readonly #parts: RepairParts;
  readonly #memory: Memory;
  readonly #again = new Map<string, Rollout>();
  readonly #postedIn = new Map<string, Record<string, PostedMessage>>();
  readonly #troubles: unknown[] = [];
  #edits = 0;

  constructor(parts: RepairParts, memory: Memory) {
    this.#parts = parts;
    this.#memory = memory;
  }

  /** @throws the first trouble with the store, after everything else was looked at; at once a trouble with the chat */
  async run(): Promise<void> {
    await this.#examineAll(null);
    for (const rollout of this.#again.values()) await this.#parts.show(rollout);
    if (this.#troubles.length > 0) throw this.#troubles[0];
  }

  async #examineAll(thread: string | null): Promise<void> {
    const { chat, channel, fleet, clock } = this.#parts;
    // What is painted while they are read was not there to be seen.
    const painted = new Map(this.#parts.painted);
    const found = await chat.ours({ channel, thread }, clock.now() - lookBack);
    // Asked for after the messages were read: what is painted was stored before.
    const known = new Map<string, Rollout | null | 'unsure'>();
    for (const standing of found) {
      const { mark, ts } = standing;
      // Messages of another fleet's bot in the same channel are that bot's to judge.
      // Those of a night, or of a build, are of no rollout.
      if (mark.rollout === nightsName || mark.rollout === buildsName) continue;
      if (ts === thread || (mark.fleet !== fleet && mark.fleet !== '')) continue;
      if (!known.has(mark.rollout)) known.set(mark.rollout, await this.#load(mark.rollout));
      const rollout = known.get(mark.rollout) ?? null;
      if (rollout !== 'unsure') await this.#examine(standing, rollout, painted);
    }
  }

  /** A store that does not answer knows no less than before. */
  async #load(id: string): Promise<Rollout | null | 'unsure'> {
    try {
      return await this.#parts.store.load(id);
    } catch (error) {
      this.#troubles.push(error);
      return 'unsure';
    }
  }

  async #examine(standing: Standing, rollout: Rollout | null, painted: Painted): Promise<void> {
    const known = rollout?.revision ?? 0;
    const isOurs = rollout === null || (await this.#isOurs(standing));
    const verdict = verdictOn(standing.mark, known, { isOurs, painted: painted.get(paintedAs(standing.mark)) ?? 0 });
    // The thread first: a main message that is marked says that its whole thread is done. One that is open may have been
    // painted again already, before anybody looked at its thread.
    const isOpenRollout = rollout !== null && isOpen(rollout);
    if (standing.isRoot && (verdict !== 'leave' || isOpenRollout)) await this.#examineAll(standing.ts);
    if (verdict === 'mark') await this.#mark(standing, known);
    if (verdict === 'repaint' && rollout !== null) await this.#paintAgain(standing, rollout);
  }

  async #isOurs({ ts, mark }: Standing): Promise<boolean> {
    const { strangers } = this.#memory;
    if ((await this.#posted(mark.rollout))[mark.key]?.ts === ts) {
      strangers.delete(ts);
      return true;
    }
    const isNew = !strangers.has(ts);
    strangers.add(ts);
    return isNew;
  }

  /** As it stood when this pass first asked. */
  async #posted(rollout: string): Promise<Record<string, PostedMessage>> {
    const known = this.#postedIn.get(rollout) ?? (await this.#parts.store.posted(rollout));
    this.#postedIn.set(rollout, known);
    return known;
  }

  async #mark({ ts, channel, mark, text, blocks }: Standing, known: number): Promise<void> {
    const { chat, log } = this.#parts;
    if (this.#memory.hopeless.has(ts) || this.#edits >= mostEdits) return;
    this.#edits += 1;
    const content = staled({ text, blocks }, known, mark.revision, mark.stale !== undefined);
    const there = await chat.edit({ channel, ts }, { content, mark: { ...mark, stale: known } });
    if (!there) return void this.#memory.hopeless.add(ts);
    if (this.#memory.told.has(mark.rollout)) return;
    this.#memory.told.add(mark.rollout);
    const fields = { rollout: mark.rollout, painted: mark.revision, known };
    log.error(fields, 'the channel shows a rollout beyond what the store knows: Redis was emptied or put back');
  }

  /** What stands there is not what was painted last, although the store says so: it was marked since, or an older edit came late. */
  async #paintAgain({ ts, mark }: Standing, rollout: Rollout): Promise<void> {
    const { store } = this.#parts;
    const posted = (await store.posted(rollout.id))[mark.key];
    if (posted?.ts !== ts) return;
    if (posted.content !== '') await store.setPosted(rollout.id, mark.key, { ...posted, content: '' });
    this.#again.set(rollout.id, rollout);
  }
}

/** Milliseconds that the chat asks to wait (HTTP 429); 0 when the error says nothing of it. */
function waitAsked(error: unknown): number {
  if (!(error instanceof Error) || !('retryAfter' in error)) return 0;
  return typeof error.retryAfter === 'number' ? error.retryAfter * 1_000 : 0;
}
