import { type JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Wanted } from '../upgrade/environment/index.ts';
import type { BackQuestion, Task } from '../upgrade/rollout/types.ts';
import { prefixOf } from './keys.ts';
import { type Log, reasonOf, seldom } from './log.ts';

/** Jobs carry references only, never state and never secrets: Redis keeps them in clear text. */
export interface WakeJob {
  id: string;
}
export interface StepJob {
  task: Task;
}
export interface AskJob {
  /** `database`: what its host tells; the version that is asked about stands for the node. */
  ask: 'survey' | 'diagnose' | 'database';
  node: string;
  region: string;
  /** Whether what work on it rests on is looked at, too; absent: no. */
  forWork?: true;
  /** Whether what lies on it is told, too; absent: no. */
  whole?: true;
  /** Whether what the settings ask of every node is asked, too; absent: no. */
  checked?: true;
  /** What its way back is looked for by, too; absent: it is not. */
  back?: BackQuestion;
  /** What a change of configuration would come to on it is asked, too; names of secrets, and no secret, are in it. */
  wanted?: Wanted;
  /** Epoch ms after which nobody waits for the answer. */
  until: number;
  /** Another one for each ask: an answer to one is none to another. */
  nonce: string;
}

/** How a step's job ended; anything but `reported` frees its id. */
export type StepEnd = 'reported' | 'gated' | 'dropped' | 'watched';

/** Under the fleet's prefix, which keeps queues of the same name apart. */
export const queueNames = {
  advance: 'advance',
  publish: 'publish',
  build: 'build',
  step: (region: string): string => `step-${region}`,
  ask: (region: string): string => `ask-${region}`,
};

export interface Queues {
  /** Something changed: rules and chat look at it soon. Bursts collapse; the last one is never lost. Never throws. */
  wake(id: string): Promise<void>;
  /** Draws the rollout again. */
  publish(id: string): Promise<void>;
  /** Looks at the rollout again in `delay` ms; asking twice for the same instant is harmless. */
  wakeAt(id: string, at: number, delay: number): Promise<void>;
  /** Has somebody go to the build of a version; asking twice is harmless. */
  build(version: string, number: number): Promise<void>;
  step(region: string): Queue<StepJob, StepEnd>;
  /** Takes away whatever bears the name of a step, unless it waits to be worked on or is. */
  free(region: string, id: string): Promise<void>;
  ask(region: string): Queue<AskJob>;
  close(): Promise<void>;
}

/** KEYS: wait, active, what else holds names, the job and what belongs to it. ARGV: its name, how many of the keys hold names. */
const freeScript = `
  for index, key in ipairs(KEYS) do
    if index <= 2 and redis.call('LPOS', key, ARGV[1]) then return 0 end
    if index > 2 and index <= tonumber(ARGV[2]) then redis.call('ZREM', key, ARGV[1]) end
    if index > tonumber(ARGV[2]) then redis.call('DEL', key) end
  end
  return 1
`;

const day = 24 * 3600;
/** Finished jobs stay for a while: a kept id is how the same step is not put in flight twice. */
export const kept: JobsOptions = {
  attempts: 1,
  removeOnComplete: { age: 7 * day, count: 5_000 },
  removeOnFail: { age: 30 * day, count: 5_000 },
};

/**
 * The queues of one fleet.
 * @param redis the connection that all queues share; it stays the caller's to close
 */
export function createQueues(redis: Redis, fleet: string, log: Log): Queues {
  const opened = new Map<string, Queue>();
  const queue = (name: string): Queue => {
    const found = opened.get(name);
    if (found) return found;
    const created = new Queue(name, { connection: redis, prefix: prefixOf(fleet) });
    created.on(
      'error',
      seldom(10_000, (reason, heldBack) => log.warn({ queue: name, reason, heldBack }, 'queue in trouble')),
    );
    opened.set(name, created);
    return created;
  };
  const nudge = async (name: string, id: string, options: JobsOptions): Promise<void> => {
    await queue(name).add(name, { id } satisfies WakeJob, {
      ...options,
      removeOnComplete: true,
      removeOnFail: { age: day, count: 100 },
      deduplication: { id, keepLastIfActive: true },
    });
  };
  const publish = (id: string): Promise<void> =>
    nudge(queueNames.publish, id, { attempts: 6, backoff: { type: 'exponential', delay: 1_000 } });
  return {
    async wake(id) {
      const results = await Promise.allSettled([nudge(queueNames.advance, id, { attempts: 1 }), publish(id)]);
      for (const result of results) {
        // What happened is stored already; the sweep looks at it within seconds.
        if (result.status === 'rejected') log.warn({ rollout: id, reason: reasonOf(result.reason) }, 'wake lost');
      }
    },
    publish,
    async wakeAt(id, at, delay) {
      await queue(queueNames.advance).add('timer', { id } satisfies WakeJob, {
        jobId: `timer.${id}.${at}`,
        delay,
        removeOnComplete: true,
        removeOnFail: true,
      });
    },
    async build(version, number) {
      await queue(queueNames.build).add('build', { id: version } satisfies WakeJob, {
        jobId: `build.${number}`,
        removeOnComplete: true,
        removeOnFail: true,
      });
    },
    step: (region) => queue(queueNames.step(region)),
    async free(region, id) {
      const of = `${prefixOf(fleet)}:${queueNames.step(region)}:`;
      const named = ['wait', 'active', 'completed', 'failed', 'delayed'];
      const own = ['', ':lock', ':logs'].map((part) => id + part);
      const touched = [...named, ...own].map((each) => of + each);
      await redis.eval(freeScript, touched.length, ...touched, id, named.length);
    },
    ask: (region) => queue(queueNames.ask(region)),
    async close() {
      await Promise.allSettled([...opened.values()].map((each) => each.close()));
    },
  };
}
