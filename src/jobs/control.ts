import type { Clock } from '../base/clock.ts';
import { createInspector } from './ask.ts';
import { audit } from './audit.ts';
import { createLedger } from './ledger.ts';
import type { Log } from './log.ts';
import { createQueues } from './queues.ts';
import { recorder } from './record.ts';
import type { RedisHandle } from './redis.ts';
import { type Belief, createStore } from './store.ts';
import type { Control } from './types.ts';

/** The queue side of a fleet as a person's programs see it. Every call fails within seconds when Redis is away. */
export function createControl(
  redis: RedisHandle,
  fleet: string,
  belief: Belief,
  clock: Clock,
  log: Log,
): Control & { close(): Promise<void> } {
  const store = createStore(redis.caller, fleet, belief, log);
  const ledger = createLedger(redis.caller, fleet, belief);
  const queues = createQueues(redis.caller, fleet, log);
  const inspector = createInspector(queues, clock);
  return {
    store,
    ledger,
    record: recorder(store, queues.wake),
    async start(rollout) {
      await store.create(rollout);
      await queues.wake(rollout.id);
    },
    async adopt(id, by) {
      const rollout = await store.adopt(id, by, clock.now());
      await queues.wake(id);
      return rollout;
    },
    audit: (journal) => audit(fleet, { store, ledger, belief }, journal),
    survey: inspector.survey,
    diagnose: inspector.diagnose,
    close: queues.close,
  };
}
