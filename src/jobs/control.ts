import type { Redis } from 'ioredis';
import type { Clock } from '../base/clock.ts';
import { Refused } from '../base/errors.ts';
import { createInspector } from './ask.ts';
import { audit } from './audit.ts';
import { buildsName, createBuildTelling } from './build-told.ts';
import { exportOf, provenLines } from './exported.ts';
import { readStored } from './history.ts';
import { createLedger } from './ledger.ts';
import { type Log, reasonOf } from './log.ts';
import { createNights } from './nights.ts';
import { createNotes } from './notes.ts';
import { type IssueOrders, orderIssuer, type SignOrder } from './orders.ts';
import { createQueues, type Queues } from './queues.ts';
import { recorder } from './record.ts';
import type { RedisHandle } from './redis.ts';
import { type Belief, createStore } from './store.ts';
import type { Control } from './types.ts';

/**
 * The queue side of a fleet as a person's programs see it. Every call fails within seconds when Redis is away.
 * @param sign signs the orders that a decision brings with it; null where no node asks for one
 */
export function createControl(
  redis: RedisHandle,
  fleet: string,
  belief: Belief,
  clock: Clock,
  log: Log,
  sign: SignOrder | null = null,
): Control & { close(): Promise<void> } {
  const queues = createQueues(redis.caller, fleet, log);
  const issue = sign === null ? async () => undefined : telling(orderIssuer(redis.caller, fleet, sign), log);
  const control = controlOver({ redis: redis.caller, queues, fleet, belief, issue, clock, log });
  return {
    ...control,
    async close() {
      await control.settled();
      await queues.close();
    },
  };
}

interface ControlParts {
  redis: Redis;
  queues: Queues;
  fleet: string;
  belief: Belief;
  issue: IssueOrders;
  clock: Clock;
  log: Log;
}

/** The same over queues that are the caller's to close. `settled`: all that was noted is written down. */
export function controlOver(parts: ControlParts): Control & { settled(): Promise<void> } {
  const { redis, queues, fleet, belief, issue, clock, log } = parts;
  const store = createStore(redis, fleet, belief);
  const ledger = createLedger(redis, fleet, belief);
  const notes = createNotes(redis, fleet, belief, log);
  const inspector = createInspector(fleet, queues, belief.notary, clock);
  return {
    store,
    ledger,
    record: recorder(store, queues.wake, issue),
    async start(rollout) {
      await store.create(rollout);
      await issue(rollout, { type: 'created', at: rollout.createdAt });
      await queues.wake(rollout.id);
      // It cannot be rolled back any more, and says so.
      for (const id of (await store.newestIds(2)).slice(1)) await queues.publish(id).catch(() => undefined);
    },
    async adopt(id, by, how) {
      const at = clock.now();
      const rollout = await store.adopt(id, by, at, how);
      await issue(rollout, { type: 'resumed', at, by });
      await queues.wake(id);
      return rollout;
    },
    audit: (journal, keptFor, head) =>
      audit(fleet, { store, ledger, notes, belief }, journal, clock.now() - keptFor, head),
    async wakeBuild(version, number) {
      const woken = await Promise.allSettled([queues.build(version, number), queues.publish(buildsName)]);
      // What was decided is stored already; a sweep finds it.
      for (const each of woken)
        if (each.status === 'rejected') log.warn({ reason: reasonOf(each.reason) }, 'wake lost');
    },
    buildTold: createBuildTelling(redis, fleet, belief.notary).of,
    nights: createNights(redis, fleet, belief.notary).of,
    async written(id) {
      const stored = await readStored(redis, fleet, id);
      if (stored === null) throw new Refused(`There is no rollout ${id}; see history, or stateDir/exports.`);
      const lines = provenLines({ fleet, journal: id }, stored.journal, belief.notary);
      return { lines, exported: exportOf(fleet, stored, clock.now(), belief.notary) };
    },
    note: notes.note,
    survey: inspector.survey,
    diagnose: inspector.diagnose,
    database: inspector.database,
    settled: notes.settled,
  };
}

/** The decision stands, whatever becomes of its orders: nodes refuse what has none, and a resume or a retry issues them anew. */
function telling(issue: IssueOrders, log: Log): IssueOrders {
  return async (rollout, decision) => {
    await issue(rollout, decision).catch((error: unknown) =>
      log.error({ rollout: rollout.id, reason: reasonOf(error) }, 'the orders of a decision could not be stored'),
    );
  };
}
