import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Clock } from '../base/clock.ts';
import type { Probe } from '../upgrade/http/types.ts';
import type { StillProven } from '../upgrade/proof/types.ts';
import type { Fleet } from '../upgrade/rollout/types.ts';
import type { Shell } from '../upgrade/ssh/types.ts';
import type { Steps } from '../upgrade/steps/types.ts';
import type { Freeze } from '../windows/types.ts';
import { advancer } from './advance.ts';
import type { NodeReader } from './ask.ts';
import { bringOver } from './bring-over.ts';
import { keysOf } from './keys.ts';
import { type PulseRate, startPulse } from './living.ts';
import { type Log, reasonOf } from './log.ts';
import { prune } from './prune.ts';
import { createQueues, queueNames, type WakeJob } from './queues.ts';
import { recorder } from './record.ts';
import type { RedisHandle } from './redis.ts';
import { regionWorkers } from './region-workers.ts';
import { type Archives, taskRunner } from './step.ts';
import { createStore } from './store.ts';
import { everySweep, type Sweeping } from './sweep.ts';
import { type OpenWorker, openWorker } from './worker.ts';

export interface WorkerParts extends NodeReader {
  redis: RedisHandle;
  /** Its name keeps it apart from other fleets on the same Redis; no other node is looked at. */
  fleet: Pick<Fleet, 'name' | 'regions'>;
  /** Works on the nodes of these regions. */
  regions: readonly string[];
  steps: Steps;
  shell: Shell;
  probe: Probe;
  archives: Archives;
  stillProven: StillProven;
  /** Freezes of a region as the settings of now have them. */
  freezes: (region: string) => Freeze[];
  clock: Clock;
  log: Log;
  /** Cron expression with seconds; every ten seconds when absent. */
  sweep?: string;
  /** How long `close` waits for steps under way, in ms; then they are left to the next worker. */
  grace?: number;
  /** How it says that it lives; every 5 s for 20 s when absent. */
  pulse?: PulseRate;
}

/** Advances rollouts, and works on and answers for the nodes of its regions. Any number of these may run. */
export async function startWorker(parts: WorkerParts): Promise<Sweeping> {
  const { regions, clock, log } = parts;
  const redis = parts.redis.patient();
  const fleet = parts.fleet.name;
  await bringOver(redis, fleet, log);
  let ownWorkers: OpenWorker[] = [];
  let clockIsRight = true;
  const serve = (may: boolean): void => {
    clockIsRight = may;
    const all = Promise.all(ownWorkers.map((worker) => worker.serve(may)));
    all.catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'cannot hold or let go of the queues'));
  };
  const pulse = await startPulse({
    redis,
    key: keysOf(fleet).living,
    worker: `${hostname()}.${process.pid}.${randomBytes(3).toString('hex')}`,
    regions,
    log,
    onClock: serve,
    ...(parts.pulse ? { rate: parts.pulse } : {}),
  });
  const store = createStore(redis, fleet, log);
  const queues = createQueues(redis, fleet, log);
  const record = recorder(store, queues.wake);
  const advance = advancer({ store, record, queues, clock, log });
  const runTask = taskRunner({ ...parts, store, record });

  ownWorkers = regions.flatMap((region) => regionWorkers(parts, redis, region, runTask));
  if (!clockIsRight) serve(false);
  const workers = [
    openWorker<WakeJob, void>({
      fleet,
      queue: queueNames.advance,
      redis,
      log,
      concurrency: 4,
      process: ({ job }) => advance(job.data.id),
    }),
    ...ownWorkers,
  ];

  // Not through the queue: a sweep must also help when the queue is what was lost.
  const sweeping = everySweep(parts.sweep, log, async () => {
    // Again and again: during an update, a program of the version before may start a rollout when we run already.
    await bringOver(redis, fleet, log).catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'not moved'));
    for (const id of await store.openIds()) {
      await advance(id).catch((error: unknown) => log.error({ rollout: id, reason: reasonOf(error) }, 'cannot go on'));
    }
    const removed = await prune(redis, fleet, clock.now());
    if (removed.length > 0) log.info({ rollouts: removed }, 'rollouts of long ago removed');
  });
  return {
    sweep: sweeping.sweep,
    async close() {
      await sweeping.close();
      await pulse.close();
      await Promise.allSettled(workers.map((worker) => worker.close(parts.grace ?? 10_000)));
      await queues.close();
    },
  };
}
