import type { Clock } from '../base/clock.ts';
import type { AskChecks, CheckResult } from '../upgrade/checks/types.ts';
import type { ProofLook, StillProven } from '../upgrade/proof/types.ts';
import { finishedNodes, isBalancer, isWatchedAfterwards, unwellIn } from '../upgrade/rollout/index.ts';
import type { Event, Rate, Rollout, Unwell } from '../upgrade/rollout/types.ts';
import type { Advance } from './advance.ts';
import { type Log, reasonOf } from './log.ts';
import { type LookParts, lookAt } from './looks.ts';
import type { RecordEvent } from './record.ts';
import type { Store } from './types.ts';

/** So many of the newest are looked through: what never began leaves an older one to be watched. */
const looked = 10;

type Known = Pick<Store, 'newestIds' | 'load'>;

/** The newest rollout that began after this one, by its id; null: none did. What cannot be read may have. */
export async function begunSince(store: Known, id: string): Promise<string | null> {
  for (const newer of await store.newestIds(looked)) {
    if (newer === id) return null;
    if ((await store.load(newer))?.startedAt != null) return newer;
  }
  return null;
}

export interface WatchOnParts {
  store: Known;
  record: RecordEvent;
  advance: Advance;
  clock: Pick<Clock, 'now'>;
  log: Log;
}

/** Goes on looking at what is done, until another rollout begins. Asking again is harmless; it holds up nothing else. */
export async function watchOn({ store, record, advance, clock, log }: WatchOnParts): Promise<void> {
  try {
    for (const id of await store.newestIds(looked)) {
      const rollout = await store.load(id).catch(() => null);
      if (rollout === null || !isWatchedAfterwards(rollout)) continue;
      const newer = await begunSince(store, id);
      if (newer === null) await advance(id);
      else await record(id, { type: 'superseded', at: clock.now(), rollout: newer });
    }
  } catch (error) {
    log.warn({ reason: reasonOf(error) }, 'what is done could not be watched on');
  }
}

type Found = Pick<Extract<Event, { type: 'looked-after' }>, 'unwell' | 'rates'>;

/** One look at what an upgrade left in a region: health, image and process, and what the settings ask while nodes are watched. */
export async function lookAfterwards(
  { afterwards, ...rollout }: Rollout,
  region: string,
  parts: LookParts,
  signal: AbortSignal,
): Promise<Found> {
  const finished = finishedNodes(rollout, region).filter((node) => !isBalancer(node));
  const known = afterwards?.regions[region]?.runs ?? {};
  const runs: Record<string, Unwell['runs']> = {};
  const results: CheckResult[] = [];
  const stillProven: StillProven = async (node, proof, until) => {
    const look: ProofLook = await parts.stillProven(node, { ...proof, ...known[node] }, until);
    if (look.is === 'broken' && look.runs !== undefined) runs[node] = look.runs;
    return look;
  };
  const { checks: ask, probe, clock } = parts;
  const checks: AskChecks = async (node, _, until) => {
    const found = (await ask?.(node, 'after', until)) ?? [];
    results.push(...found);
    return found;
  };
  const names = finished.map(({ name }) => name);
  const own: LookParts = { probe, stillProven, clock, ...(ask === undefined ? {} : { checks }) };
  const seen = await lookAt(names, finished, own, signal);
  const rates = highestIn(results);
  return { unwell: unwellIn(seen, runs), ...(Object.keys(rates).length === 0 ? {} : { rates }) };
}

function highestIn(results: readonly CheckResult[]): Record<string, Rate> {
  const highest: Record<string, Rate> = {};
  for (const { check, rate, says } of results)
    if (rate !== undefined && rate >= (highest[check]?.value ?? rate)) highest[check] = { value: rate, says };
  return highest;
}
