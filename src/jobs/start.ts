import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { hour } from '../base/duration.ts';
import { buildUnderWay } from '../upgrade/ledger/index.ts';
import { createAftercare } from './aftercare.ts';
import { bringOver } from './bring-over.ts';
import { buildsName, createBuildTelling } from './build-told.ts';
import { createBuilder } from './builder.ts';
import { comparing } from './comparing.ts';
import { workerDuties } from './duties.ts';
import { keysOf } from './keys.ts';
import { createLedger } from './ledger.ts';
import { startPulse } from './living.ts';
import { reasonOf, seldom } from './log.ts';
import { createMeasurements } from './measurements.ts';
import { startMeasuring } from './measuring.ts';
import { mend } from './mend.ts';
import { createNights } from './nights.ts';
import { orderFinder } from './orders.ts';
import type { WorkerParts } from './parts.ts';
import { prune } from './prune.ts';
import { createQueues, queueNames, type WakeJob } from './queues.ts';
import { regionWorkers } from './region-workers.ts';
import { createSentinel } from './sentinel.ts';
import { createStore } from './store.ts';
import { everySweep, type Sweeping } from './sweep.ts';
import { type OpenWorker, openWorker } from './worker.ts';

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
    parts.meter?.clock(may);
    const all = Promise.all(ownWorkers.map((worker) => worker.serve(may)));
    all.catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'cannot hold or let go of the queues'));
  };
  const worker = `${hostname()}.${process.pid}.${randomBytes(3).toString('hex')}`;
  const pulse = await startPulse({
    redis,
    key: keysOf(fleet).living,
    worker,
    regions,
    log,
    onClock: serve,
    ...(parts.pulse ? { rate: parts.pulse } : {}),
  });
  const store = createStore(redis, fleet, parts.belief);
  const queues = createQueues(redis, fleet, log);
  const ledger = createLedger(redis, fleet, parts.belief);
  const orders = orderFinder(redis, fleet);
  const measurements = createMeasurements(redis, fleet, parts.belief.notary);
  const compared = parts.compare === undefined ? {} : { compared: comparing(parts.compare, measurements) };
  const duties = workerDuties({ ...parts, ...compared }, { store, ledger, queues, orders });

  ownWorkers = regions.flatMap((region) => regionWorkers(parts, redis, region, duties));
  if (!clockIsRight) serve(false);
  const workers = [
    openWorker<WakeJob, void>({
      fleet,
      queue: queueNames.advance,
      redis,
      clock,
      log,
      concurrency: 4,
      process: ({ job }) => duties.advance(job.data.id),
    }),
    ...ownWorkers,
    ...buildWorkers(),
  ];
  function buildWorkers(): OpenWorker[] {
    if (parts.build === undefined) return [];
    const work = createBuilder({
      ...{ ...parts.build, ledger, worker: hostname(), clock, log },
      telling: createBuildTelling(redis, fleet, parts.belief.notary),
      show: () => queues.publish(buildsName).catch(() => undefined),
      halted: async () => {
        const halt = await parts.halt('this build');
        return halt.is === 'lies' ? halt.reason : null;
      },
    });
    const setup = { fleet, queue: queueNames.build, redis, clock, log, concurrency: 1 };
    return [openWorker<WakeJob, void>({ ...setup, process: ({ job, signal }) => work(job.data.id, signal) })];
  }

  const sentinel = createSentinel({
    ...{ fleet: parts.fleet, regions, survey: parts.survey, store, ledger, clock, log },
    nights: createNights(redis, fleet, parts.belief.notary),
    tidy:
      parts.tidyNode === undefined
        ? async () => undefined
        : createAftercare({ ...parts, tidyNode: parts.tidyNode, store, ledger, orders }),
  });
  const measuring =
    parts.compare === undefined
      ? null
      : startMeasuring({
          ...{ ...parts.compare, measurements, worker, clock, log, serves: () => clockIsRight },
          regions: parts.fleet.regions.filter(({ name }) => regions.includes(name)),
        });
  const ofRegions = regions.flatMap((region) => [queueNames.step(region), queueNames.ask(region)]);
  const building = parts.build === undefined ? [] : [queueNames.build];
  const served = [queueNames.advance, queueNames.publish, ...building, ...ofRegions];
  const stays = seldom(hour, (reason) => log.warn({ reason }, 'a rollout of long ago stays in Redis'));
  // Not through the queue: a sweep must also help when the queue is what was lost.
  const sweeping = everySweep(parts.sweep, log, async () => {
    // Again and again: during an update, a program of the version before may start a rollout when we run already.
    await bringOver(redis, fleet, log).catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'not moved'));
    await mend(redis, fleet, served, log);
    // Whoever cannot follow works on nothing: the channel then says so, instead of waiting for a step's report.
    const outrun = await duties.sweep();
    parts.meter?.follows(!outrun);
    await pulse.serves(!outrun);
    if (clockIsRight) sentinel.tick();
    if (parts.build !== undefined)
      await lookForBuilds().catch((error: unknown) => log.warn({ reason: reasonOf(error) }, 'no build'));
    const removed = await prune({ redis, fleet, store, ledger }, clock.now(), parts.retention, stays);
    if (removed.length > 0) {
      log.info({ rollouts: removed, to: parts.retention.exports }, 'rollouts of long ago written down, and removed');
    }
  });
  /** What a lost wake would have brought. */
  async function lookForBuilds(): Promise<void> {
    const build = buildUnderWay(await ledger.load());
    if (build !== null) await queues.build(build.version, build.number);
  }
  return {
    sweep: sweeping.sweep,
    async close() {
      await sweeping.close();
      await sentinel.close();
      await measuring?.close();
      await pulse.close();
      await Promise.allSettled(workers.map((worker) => worker.close(parts.grace ?? 10_000)));
      await queues.close();
    },
  };
}
