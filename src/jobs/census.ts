import type { Redis } from 'ioredis';
import { Refused } from '../base/errors.ts';
import type { Notary } from '../trust/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { keysOf, prefixOf } from './keys.ts';
import { livingWorkers } from './living.ts';
import { createNights, type NightFound } from './nights.ts';
import { queueNames } from './queues.ts';
import { Newer } from './replay.ts';
import type { RolloutStore } from './store.ts';

/** What Redis says of a fleet right now. */
export interface Census {
  /** Those that are open and can be believed. */
  rollouts: Rollout[];
  /** How many open ones cannot. */
  unbelieved: number;
  /** Living workers by region. */
  workers: Map<string, number>;
  queues: { queue: string; state: QueueState; jobs: number }[];
  /** The last night of each region that was looked at. */
  nights: NightFound[];
}

export const queueStates = ['waiting', 'active', 'delayed', 'failed'] as const;
export type QueueState = (typeof queueStates)[number];

/** There is one, or one for a moment besides; a list that somebody filled must not be read to its end with every look. */
const mostOpen = 5;

/** KEYS: of each queue, what waits, is worked on, is delayed, and failed. */
const depthScript = `
  local found = {}
  for index, key in ipairs(KEYS) do
    local isList = index % 4 == 1 or index % 4 == 2
    found[index] = isList and redis.call('LLEN', key) or redis.call('ZCARD', key)
  end
  return found
`;

export interface CensusParts {
  redis: Redis;
  fleet: string;
  regions: readonly string[];
  store: Pick<RolloutStore, 'openIds' | 'load'>;
  notary: Notary;
  /** The queues of steps are the workers' alone: Redis lets no bot look at them. */
  seesSteps: boolean;
}

/** Looks with a few commands, however many regions there are. Rejects when Redis does not answer. */
export function createCensus({ redis, fleet, regions, store, notary, seesSteps }: CensusParts): () => Promise<Census> {
  const nights = createNights(redis, fleet, notary);
  const ofRegions = regions.flatMap((region) => [
    queueNames.ask(region),
    ...(seesSteps ? [queueNames.step(region)] : []),
  ]);
  const names = [queueNames.advance, queueNames.publish, queueNames.build, ...ofRegions];
  const keys = names.flatMap((name) =>
    ['wait', 'active', 'delayed', 'failed'].map((state) => `${prefixOf(fleet)}:${name}:${state}`),
  );
  const depths = async (): Promise<Census['queues']> => {
    const answer: unknown = await redis.eval(depthScript, keys.length, ...keys);
    const numbers = Array.isArray(answer) ? answer.map(Number) : [];
    return names.flatMap((queue, at) =>
      queueStates.map((state, of) => ({ queue, state, jobs: numbers[at * queueStates.length + of] ?? 0 })),
    );
  };
  const rollouts = async (): Promise<Pick<Census, 'rollouts' | 'unbelieved'>> => {
    const found = { rollouts: [] as Rollout[], unbelieved: 0 };
    for (const id of (await store.openIds()).slice(0, mostOpen)) {
      const rollout = await store.load(id).catch((error: unknown) => {
        if (!(error instanceof Refused)) throw error;
        // What a newer version went on with is as it should be.
        if (!(error instanceof Newer)) found.unbelieved += 1;
        return null;
      });
      if (rollout !== null) found.rollouts.push(rollout);
    }
    return found;
  };
  return async () => {
    const [open, workers, queues, seen] = await Promise.all([
      rollouts(),
      livingWorkers(redis, keysOf(fleet).living),
      depths(),
      nights.of(regions),
    ]);
    return { ...open, workers, queues, nights: seen };
  };
}
