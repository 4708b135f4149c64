import { DelayedError } from 'bullmq';
import type { Clock } from '../base/clock.ts';
import { followUpAt } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { bringOver } from './bring-over.ts';
import { createLedger } from './ledger.ts';
import type { Log } from './log.ts';
import { reasonOf } from './log.ts';
import { mend } from './mend.ts';
import { createQueues, queueNames, type WakeJob } from './queues.ts';
import { recorder } from './record.ts';
import type { RedisHandle } from './redis.ts';
import { Newer, Tampered } from './replay.ts';
import { type Belief, createStore } from './store.ts';
import { everySweep, type Sweeping } from './sweep.ts';
import { ticker } from './tick.ts';
import type { Announcer } from './types.ts';
import { type Held, openWorker } from './worker.ts';

export interface PublisherParts {
  redis: RedisHandle;
  belief: Belief;
  /** Whose rollouts are shown. */
  fleet: string;
  announcer: Announcer;
  clock: Clock;
  log: Log;
  /** Cron expression with seconds; every ten seconds when absent. */
  sweep?: string;
}

/** Nobody can ask for more patience than this (s). */
const longestPause = 600;

/** What stands in the chat is compared with the store by the first sweep after so long (ms). */
const repairEvery = 45_000;

/** So many of the newest rollouts can be gone back to soonest; what is over is read by nobody else for days. */
const looked = 10;

const gone = 'it was here, and is not there any more';

/** A bot that is updated within this time (ms) after the first worker was needs no word. */
const updatePatience = 20_000;

/** Shows rollouts, always the newest state. What goes wrong here never touches a rollout. */
export async function startPublisher(parts: PublisherParts): Promise<Sweeping> {
  const { redis, fleet, announcer, clock, log } = parts;
  await bringOver(redis.patient(), fleet, log);
  const store = createStore(redis.patient(), fleet, parts.belief);
  const ledger = createLedger(redis.patient(), fleet, parts.belief);
  const queues = createQueues(redis.patient(), fleet, log);
  const record = recorder(store, queues.wake);
  const tick = ticker({ store, record, clock, log });
  const trouble = (id: string, error: unknown): void =>
    log.warn({ rollout: id, reason: reasonOf(error) }, 'time could not pass');

  const outrunSince = new Map<string, number>();
  /** What cannot be believed, or followed, is not shown: people are told. */
  const tell = async (journal: string, error: unknown): Promise<void> => {
    if (error instanceof Tampered) await announcer.alarm(journal, error.what);
    if (!(error instanceof Newer)) return;
    const since = outrunSince.get(journal) ?? clock.now();
    outrunSince.set(journal, since);
    if (clock.now() - since >= updatePatience) await announcer.outrun(journal);
  };

  /** When something is asked that is not asked yet, by the rollout; forgotten with this program, and learned anew. */
  const later = new Map<string, number>();

  const believed = async (id: string): Promise<Rollout | null> => {
    try {
      return await store.load(id);
    } catch (error) {
      await tell(id, error);
      throw error;
    }
  };

  const show = async ({ job, token }: Held<WakeJob>): Promise<void> => {
    const rollout = await believed(job.data.id);
    if (!rollout) return store.painted(job.data.id, Number.MAX_SAFE_INTEGER);
    const began = clock.now();
    later.delete(rollout.id);
    try {
      await announcer.show(rollout, async (notice) => {
        await record(rollout.id, { type: 'announced', ...notice, at: clock.now() });
      });
    } catch (error) {
      log.warn({ rollout: rollout.id, reason: reasonOf(error) }, 'could not be shown');
      const seconds = retryAfter(error);
      if (seconds === null) throw error;
      // BullMQ judges delays by the real time.
      await job.moveToDelayed(Date.now() + Math.min(seconds, longestPause) * 1_000, token);
      throw new DelayedError();
    }
    // Whoever is asked something on another day is still to be asked it: until then it stays to be painted.
    const due = followUpAt(rollout);
    if (due !== null && began < due) later.set(rollout.id, due);
    else await store.painted(rollout.id, rollout.revision);
  };

  const worker = openWorker<WakeJob, void>({
    fleet,
    queue: queueNames.publish,
    redis: redis.patient(),
    log,
    concurrency: 4,
    process: show,
  });
  let repairedAt = Number.NEGATIVE_INFINITY;
  const sweeping = everySweep(parts.sweep, log, async () => {
    await mend(redis.patient(), fleet, [queueNames.advance, queueNames.publish], log);
    const open = await store.openIds();
    // Not only the workers let time pass: that there is none must be noticed as well.
    for (const id of open) await tick(id).catch((error: unknown) => trouble(id, error));
    // The last edit of a finished rollout is the one that must not be missing, also when Slack was away for days.
    const due = (id: string): boolean => clock.now() >= (later.get(id) ?? 0);
    const ids = new Set([...open, ...(await store.unpainted()).filter(due)]);
    for (const id of ids) await queues.publish(id);
    if (clock.now() - repairedAt < repairEvery) return;
    repairedAt = clock.now();
    for (const id of await store.lost()) await announcer.alarm(id, gone);
    await announcer.repair();
    for (const id of await store.newestIds(looked)) {
      // Each is asked, whatever became of the one before.
      const rollout = await believed(id).catch((error: unknown) => trouble(id, error));
      if (rollout === null && store.headOf(id) !== null) await announcer.alarm(id, gone);
    }
    await ledger.load().catch(async (error: unknown) => {
      await tell('ledger', error);
      throw error;
    });
  });
  return {
    sweep: sweeping.sweep,
    async close() {
      await sweeping.close();
      await worker.close(5_000);
      await queues.close();
    },
  };
}

/** Seconds that the chat asks to wait (HTTP 429), when the error says so. */
function retryAfter(error: unknown): number | null {
  if (!(error instanceof Error) || !('retryAfter' in error)) return null;
  return typeof error.retryAfter === 'number' && error.retryAfter > 0 ? error.retryAfter : null;
}
