import type { Clock } from '../base/clock.ts';
import { minute } from '../base/duration.ts';
import { Refused } from '../base/errors.ts';
import { neglected, todo } from '../upgrade/rollout/index.ts';
import type { Rollout } from '../upgrade/rollout/types.ts';
import { type Log, seldom } from './log.ts';
import type { RecordEvent } from './record.ts';
import { Newer, Tampered } from './replay.ts';
import type { RolloutStore } from './store.ts';

export interface TickParts {
  store: Pick<RolloutStore, 'load' | 'livingRegions'>;
  record: RecordEvent;
  clock: Clock;
  log: Log;
}

/** Lets time pass for one rollout, telling it which of its regions nobody serves; null when there is no such rollout. */
export type Tick = (id: string) => Promise<Rollout | null>;

export function ticker({ store, record, clock, log }: TickParts): Tick {
  const complain = seldom(minute, (said) => {
    const [region, rollout] = said.split('\n');
    log.warn({ rollout, region }, `no living worker serves ${region}`);
  });
  const complainOf = seldom(minute, (said) => {
    const [region, rollout, reason] = said.split('\n');
    log.warn({ rollout, region, reason }, 'work that nobody takes up, or that does not end');
  });

  return async (id) => {
    const [rollout, living] = await Promise.all([store.load(id), store.livingRegions()]);
    if (rollout === null) return unknown(id);
    const at = clock.now();
    const silent = silentRegions(rollout, living);
    for (const { region } of todo(rollout, at)) if (silent.includes(region)) complain([region, id].join('\n'));
    try {
      const { rollout: after } = await record(id, { type: 'ticked', at, silent });
      for (const { region, why } of neglected(after)) if (why !== 'no worker') complainOf([region, id, why].join('\n'));
      return after;
    } catch (error) {
      if (error instanceof Refused && !(error instanceof Tampered) && !(error instanceof Newer)) return unknown(id);
      throw error;
    }
  };

  function unknown(id: string): null {
    log.warn({ rollout: id }, 'woken for a rollout that does not exist');
    return null;
  }
}

/** Regions of the rollout's work that are not among the living. */
function silentRegions({ nodes }: Rollout, living: readonly string[]): string[] {
  return [...new Set(Object.values(nodes).map(({ region }) => region))].filter((region) => !living.includes(region));
}
