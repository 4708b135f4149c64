import type { Task } from '../upgrade/rollout/types.ts';
import { advancer } from './advance.ts';
import { watchOn } from './afterwards.ts';
import { answer, type SignedAnswer, signAnswer } from './ask.ts';
import { guardOf } from './guard.ts';
import { noteLeft } from './ledger.ts';
import { type Log, reasonOf } from './log.ts';
import type { FindOrder } from './orders.ts';
import type { WorkerParts } from './parts.ts';
import type { AskJob, Queues, StepEnd } from './queues.ts';
import { recorder } from './record.ts';
import { Newer } from './replay.ts';
import { taskRunner } from './step.ts';
import type { RolloutStore } from './store.ts';
import type { LedgerStore } from './types.ts';

/** Where a worker reads and writes. */
export interface Shelves {
  store: RolloutStore;
  ledger: LedgerStore;
  queues: Queues;
  orders: FindOrder;
}

/** What a worker does when it is woken, whoever wakes it. `signal` aborts when another may have taken the work over. */
export interface WorkerDuties {
  advance(id: string): Promise<void>;
  /** @param region whose queue the task came through */
  work(region: string, task: Task, signal: AbortSignal): Promise<StepEnd>;
  answer(region: string, ask: AskJob, signal: AbortSignal): Promise<SignedAnswer | null>;
  /** All that a lost wake would have brought. True when a newer version went on with something. */
  sweep(): Promise<boolean>;
}

/** Rollouts whose end may not have been written into the ledger yet. */
const lately = 2;

export function workerDuties(parts: Omit<WorkerParts, 'redis' | 'retention'>, shelves: Shelves): WorkerDuties {
  const { fleet, belief, clock, log } = parts;
  const { store, ledger, queues, orders } = shelves;
  const record = recorder(store, queues.wake);
  const advance = advancer({ store, ledger, record, queues, clock, log });
  const run = taskRunner({ ...parts, store, ledger, record, orders });

  return {
    advance,
    async work(region, task, signal) {
      if (guardOf(fleet, region).isHere(task)) return run(task, signal);
      log.warn({ region, job: task.id, of: task.region, rollout: task.rollout }, 'step of another region refused');
      return 'dropped';
    },
    async answer(region, ask, signal) {
      const found = await answer(ask, { ...parts, guard: guardOf(fleet, region) }, signal);
      return found === null ? null : signAnswer(fleet.name, ask, found, belief.notary);
    },
    async sweep() {
      for (const id of await store.lost()) log.error({ rollout: id }, 'it was under way, and is not there any more');
      let outrun = false;
      for (const id of await store.openIds()) {
        await advance(id).catch((error: unknown) => {
          outrun ||= error instanceof Newer;
          log.error({ rollout: id, reason: reasonOf(error) }, 'cannot go on');
        });
      }
      await noteLately(store, ledger, log);
      await watchOn({ store, record, advance, clock, log });
      return outrun;
    },
  };
}

/** The last wake of a rollout may have been lost, and nobody advances one that is over. */
async function noteLately(store: RolloutStore, ledger: LedgerStore, log: Log): Promise<void> {
  try {
    for (const rollout of await store.latest(lately)) await noteLeft(ledger, rollout);
  } catch (error) {
    log.warn({ reason: reasonOf(error) }, 'not noted');
  }
}
