import type { Clock } from '../base/clock.ts';
import { minute } from '../base/duration.ts';
import { nextAsk } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { buildsName } from './build-told.ts';
import { type Log, reasonOf, seldom } from './log.ts';
import type { ShowMeter } from './meter.ts';
import type { Queues } from './queues.ts';
import { recorder } from './record.ts';
import { Newer, Tampered } from './replay.ts';
import type { RolloutStore } from './store.ts';
import { ticker } from './tick.ts';
import type { Announcer, LedgerStore } from './types.ts';

export interface ShowingParts {
  store: RolloutStore;
  ledger: Pick<LedgerStore, 'load'>;
  queues: Pick<Queues, 'wake' | 'publish'>;
  announcer: Announcer;
  /** Who counts; absent: nobody. */
  meter?: ShowMeter | undefined;
  clock: Pick<Clock, 'now' | 'sleep' | 'monotonic'>;
  log: Log;
}

/** What whoever shows rollouts does when it is woken. */
export interface Showing {
  /** Draws the newest state. Milliseconds after which the chat wants to be asked again, or null: it stands there. */
  show(id: string): Promise<number | null>;
  /** Lets time pass, and draws again what may not stand in the chat. */
  sweep(): Promise<void>;
}

/** Nobody can ask for more patience than this (s). */
export const longestPause = 600;

/** What stands in the chat is compared with the store by the first sweep after so long (ms). */
const repairEvery = 45_000;

/** So many of the newest rollouts can be gone back to soonest; what is over is read by nobody else for days. */
const looked = 10;

const gone = 'it was here, and is not there any more';

/** A bot that is updated within this time (ms) after the first worker was needs no word. */
const updatePatience = 20_000;

export function showing({ store, ledger, queues, announcer, meter, clock, log }: ShowingParts): Showing {
  const record = recorder(store, queues.wake);
  const tick = ticker({ store, record, clock, log });
  const trouble = (id: string, error: unknown): void =>
    log.warn({ rollout: id, reason: reasonOf(error) }, 'time could not pass');

  const unshown = seldom(minute, (reason) => log.warn({ reason }, 'what the night found could not be shown'));

  const alarm = (journal: string, what: string): Promise<void> => {
    meter?.believed(journal, false);
    return announcer.alarm(journal, what);
  };

  const outrunSince = new Map<string, number>();
  /** What cannot be believed, or followed, is not shown: people are told. */
  const tell = async (journal: string, error: unknown): Promise<void> => {
    if (error instanceof Tampered) await alarm(journal, error.what);
    if (!(error instanceof Newer)) return;
    const since = outrunSince.get(journal) ?? clock.now();
    outrunSince.set(journal, since);
    if (clock.now() - since >= updatePatience) await announcer.outrun(journal);
  };

  /** When something is asked that is not asked yet, by the rollout; forgotten with this program, and learned anew. */
  const later = new Map<string, number>();

  const believed = async (id: string): Promise<Rollout | null> => {
    try {
      const rollout = await store.load(id);
      if (rollout !== null) meter?.believed(id, true);
      return rollout;
    } catch (error) {
      await tell(id, error);
      throw error;
    }
  };

  let repairedAt = Number.NEGATIVE_INFINITY;
  let refused = false;
  return {
    async show(id) {
      if (id === buildsName) return shownBuild();
      const rollout = await believed(id);
      if (!rollout) {
        await store.painted(id, Number.MAX_SAFE_INTEGER);
        return null;
      }
      const began = clock.now();
      meter?.drawing(rollout.id, rollout.revision, store.headOf(id)?.at ?? began);
      later.delete(rollout.id);
      try {
        await announcer.show(rollout, async (notice) => {
          await record(rollout.id, { type: 'announced', ...notice, at: clock.now() });
        });
      } catch (error) {
        log.warn({ rollout: rollout.id, reason: reasonOf(error) }, 'could not be shown');
        const seconds = retryAfter(error);
        if (seconds === null) throw error;
        return Math.min(seconds, longestPause) * 1_000;
      }
      meter?.drawn(rollout.id, rollout.revision);
      // Whoever is asked something on another day is still to be asked it: until then it stays to be painted.
      const due = nextAsk(rollout, began);
      if (due !== null) later.set(rollout.id, due);
      else await store.painted(rollout.id, rollout.revision);
      return null;
    },
    async sweep() {
      try {
        await sweepOnce();
      } catch (error) {
        const reason = refusalIn(error);
        if (reason !== null) await tellRefusal(reason);
        throw error;
      }
      await tellRefusal(null);
    },
  };

  async function shownBuild(): Promise<number | null> {
    try {
      await announcer.build?.();
    } catch (error) {
      const seconds = retryAfter(error);
      if (seconds === null) throw error;
      return Math.min(seconds, longestPause) * 1_000;
    }
    return null;
  }

  async function sweepOnce(): Promise<void> {
    const open = await store.openIds();
    // Not only the workers let time pass: that there is none must be noticed as well.
    for (const id of open) await tick(id).catch((error: unknown) => trouble(id, error));
    // The last edit of a finished rollout is the one that must not be missing, also when Slack was away for days.
    const due = (id: string): boolean => clock.now() >= (later.get(id) ?? 0);
    const ids = new Set([...open, ...(await store.unpainted()).filter(due)]);
    for (const id of ids) await queues.publish(id);
    await announcer.night?.().catch((error: unknown) => unshown(reasonOf(error)));
    await announcer
      .build?.()
      .catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'a build could not be shown'));
    if (clock.now() - repairedAt < repairEvery) return;
    repairedAt = clock.now();
    for (const id of await store.lost()) await alarm(id, gone);
    await announcer.repair();
    const newest = await store.newestIds(looked);
    // What can be decided about one that is over ends with the next one.
    for (const id of newest.slice(1)) await queues.publish(id);
    for (const id of newest) {
      // Each is asked, whatever became of the one before.
      const rollout = await believed(id).catch((error: unknown) => trouble(id, error));
      if (rollout === null && store.headOf(id) !== null) await alarm(id, gone);
    }
    await ledger.load().catch(async (error: unknown) => {
      await tell('ledger', error);
      throw error;
    });
    meter?.believed('ledger', true);
  }

  /** That the chat is away too keeps nobody from sweeping; the next sweep tries again. */
  async function tellRefusal(reason: string | null): Promise<void> {
    if (reason === null && !refused) return;
    try {
      await announcer.refusing(reason);
      refused = reason !== null;
    } catch (error) {
      log.warn({ reason: reasonOf(error) }, 'nobody could be told that the store takes no writes');
    }
  }
}

/** Why Redis takes no writes, when that is what an error says: no memory, no disk, a replica, too few replicas. */
function refusalIn(error: unknown): string | null {
  const reason = reasonOf(error);
  return /\b(?:OOM|MISCONF|READONLY|NOREPLICAS)\b/.test(reason) ? reason : null;
}

/** Seconds that the chat asks to wait (HTTP 429), when the error says so. */
function retryAfter(error: unknown): number | null {
  if (!(error instanceof Error) || !('retryAfter' in error)) return null;
  return typeof error.retryAfter === 'number' && error.retryAfter > 0 ? error.retryAfter : null;
}
