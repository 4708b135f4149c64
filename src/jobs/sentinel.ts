import type { Clock } from '../base/clock.ts';
import { hour, minute } from '../base/duration.ts';
import { timeLimit } from '../base/time-limit.ts';
import { type Basis, compared, isAtWork, leftUnproven, markOf } from '../upgrade/ledger/index.ts';
import { serviceOf } from '../upgrade/rollout/index.ts';
import type { Fleet, FleetNode, NodeSurvey } from '../upgrade/rollout/types.ts';
import { type Night, nightAt } from '../windows/index.ts';
import type { NodeReader } from './ask.ts';
import { type Log, reasonOf, seldom } from './log.ts';
import type { Nights } from './nights.ts';
import type { RolloutStore } from './store.ts';
import type { LedgerStore } from './types.ts';

/** What is compared with what. */
export interface Known {
  store: Pick<RolloutStore, 'openIds' | 'load' | 'latest' | 'lastEpoch'>;
  ledger: Pick<LedgerStore, 'load'>;
}

export interface SentinelParts extends Known {
  fleet: Pick<Fleet, 'regions' | 'service' | 'services' | 'drift' | 'aftercare'>;
  /** Those that this worker serves. */
  regions: readonly string[];
  survey: NodeReader['survey'];
  nights: Nights;
  /** Called with what is as recorded, after a look. */
  tidy: (seen: readonly NodeSurvey[], signal: AbortSignal) => Promise<void>;
  clock: Clock;
  log: Log;
}

/** Looks at every node of its regions once a night. */
export interface Sentinel {
  /** Begins what is due; does not wait for it, and never throws. */
  tick(): void;
  /** When nothing is under way. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/** A night that nobody began in this time (ms) is left out: at noon nobody wants to be called for it. */
export const nightPatience = 2 * hour;
/** When nothing is said, for what is done at night all the same. */
const usual = '03:30';
/** Nodes looked at together: by day other people ask them, too. */
const together = 4;
/** All that is asked of one node, ms. */
const perNode = 2 * minute;
/** After something that failed, ms. */
const pause = 5 * minute;
/** Of rollouts, for those that changed a node after its record. */
const looked = 10;

export function createSentinel(parts: SentinelParts): Sentinel {
  const { fleet, regions, nights, clock, log } = parts;
  const { at = null } = fleet.drift ?? {};
  const isWanted = at !== null || (fleet.aftercare?.stable ?? null) !== null;
  const over = new Map<string, string>();
  const notBefore = new Map<string, number>();
  const running = new Map<string, Promise<void>>();
  const closing = new AbortController();
  const complain = seldom(hour, (reason) => log.warn({ reason }, 'the nodes could not be compared with their records'));

  const due = (zone: string, region: string): Night | null => {
    const now = clock.now();
    const night = nightAt(now, at ?? usual, zone);
    const isLate = now - night.begins > nightPatience;
    return isLate || over.get(region) === night.name || now < (notBefore.get(region) ?? 0) ? null : night;
  };

  const through = async (region: Fleet['regions'][number], night: Night): Promise<void> => {
    const { name } = region;
    const [last] = at === null ? [] : await nights.of([name]);
    if (last?.night !== night.name) {
      const seen = await lookAt(region.nodes, parts, closing.signal);
      const basis = seen.basis;
      const all = seen.nodes.map((each) => ({ each, found: compared(each, basis) }));
      const nodes = all.flatMap(({ each, found }) =>
        found.is === 'as-recorded' || found.is === 'no-record' || found.is === 'busy'
          ? []
          : [{ ...briefly(each), found }],
      );
      closing.signal.throwIfAborted();
      if (at !== null)
        await nights.keep({ region: name, night: night.name, at: clock.now(), looked: all.length, nodes });
      const asRecorded = all.flatMap(({ each, found }) => (found.is === 'as-recorded' ? [each] : []));
      await parts.tidy(asRecorded, closing.signal);
    }
    over.set(name, night.name);
  };

  return {
    tick() {
      if (!isWanted || closing.signal.aborted) return;
      for (const region of fleet.regions) {
        const { name, calendar } = region;
        if (!regions.includes(name) || running.has(name)) continue;
        const night = due(calendar.zone, name);
        if (night === null) continue;
        const work = through(region, night)
          .catch((error: unknown) => {
            notBefore.set(name, clock.now() + pause);
            if (!closing.signal.aborted) complain(reasonOf(error));
          })
          .finally(() => running.delete(name));
        running.set(name, work);
      }
    },
    async settled() {
      while (running.size > 0) await Promise.all(running.values());
    },
    async close() {
      closing.abort();
      await Promise.all(running.values());
    },
  };
}

function briefly(seen: NodeSurvey) {
  const { node, version, sha256, lies } = seen;
  return { node, as: markOf(seen), version, sha256, disk: lies?.disk ?? null };
}

/** Which nodes rollouts are at is asked before the look and after it: what was begun meanwhile is not judged either. */
async function lookAt(
  nodes: readonly FleetNode[],
  parts: SentinelParts,
  signal: AbortSignal,
): Promise<{ nodes: NodeSurvey[]; basis: Basis }> {
  const service = serviceOf(parts.fleet, nodes[0]?.name ?? '');
  // First of all: while it cannot be believed, nobody is asked for nothing.
  const before = await basisOf(nodes, parts, service.envFile !== null);
  const look = (node: FleetNode) => one(node, parts, signal);
  const first = await inTurn(nodes, look);
  // A silence of a moment is nobody's news.
  const silent = nodes.filter(({ name }) => first.some((seen) => seen.node === name && seen.unit === null));
  const again = await inTurn(silent, look);
  const after = await basisOf(nodes, parts, service.envFile !== null);
  return {
    nodes: first.map((seen) => again.find(({ node }) => node === seen.node) ?? seen),
    basis: { ...after, busy: { ...before.busy, ...after.busy } },
  };
}

async function one(
  { name, region }: FleetNode,
  { survey, clock }: Pick<SentinelParts, 'survey' | 'clock'>,
  signal: AbortSignal,
): Promise<NodeSurvey> {
  const limit = timeLimit(clock, perNode);
  try {
    return await survey({ name, region }, AbortSignal.any([signal, limit.signal]), true);
  } catch (error) {
    signal.throwIfAborted();
    const detail = reasonOf(error);
    return { node: name, region, version: null, sha256: null, healthy: false, detail, unit: null, at: clock.now() };
  } finally {
    limit.lift();
  }
}

async function inTurn<T, R>(all: readonly T[], work: (each: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  const rest = [...all.entries()];
  const worker = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) results[next[0]] = await work(next[1]);
  };
  await Promise.all(Array.from({ length: together }, worker));
  return results;
}

/** @throws Tampered when something of it cannot be believed: then nothing is said of any node */
export async function basisOf(
  nodes: readonly Pick<FleetNode, 'name'>[],
  { store, ledger: kept }: Known,
  hasEnvironment: boolean,
): Promise<Basis> {
  const ledger = await kept.load();
  const open = await Promise.all((await store.openIds()).map((id) => store.load(id)));
  const busy = open.flatMap((rollout) =>
    rollout === null
      ? []
      : nodes.flatMap(({ name }): [string, string][] => (isAtWork(rollout, name) ? [[name, rollout.id]] : [])),
  );
  const unproven: Basis['unproven'] = {};
  for (const rollout of (await store.latest(looked)).toReversed())
    if ('at' in rollout.status)
      for (const name of leftUnproven(rollout)) unproven[name] = { rollout: rollout.id, at: rollout.status.at };
  const known = Math.max(await store.lastEpoch(), ledger.epoch ?? 0);
  return { ledger, busy: Object.fromEntries(busy), unproven, known, hasEnvironment };
}
