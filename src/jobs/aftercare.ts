import type { Clock } from '../base/clock.ts';
import { leftBy } from '../upgrade/ledger/index.ts';
import type { Left } from '../upgrade/ledger/types.ts';
import { asSeenBy, isGoodAfterwards, isOpen, serviceOf } from '../upgrade/rollout/index.ts';
import type { Fleet, NodeSurvey, Pair, Rollout } from '../upgrade/rollout/types.ts';
import type { Shell } from '../upgrade/ssh/types.ts';
import type { TidyNode } from '../upgrade/steps/tidy.ts';
import { type AskHalt, Halted, heeding } from './halt.ts';
import type { Log } from './log.ts';
import { type FindOrder, presenting } from './orders.ts';
import type { RolloutStore } from './store.ts';
import type { LedgerStore } from './types.ts';

export interface AftercareParts {
  fleet: Pick<Fleet, 'service' | 'services' | 'aftercare'>;
  store: Pick<RolloutStore, 'openIds' | 'latest'>;
  ledger: Pick<LedgerStore, 'load'>;
  orders: FindOrder;
  shell: Shell;
  halt: AskHalt;
  tidyNode: TidyNode;
  clock: Clock;
  log: Log;
}

/** Of rollouts, for the last one that knows a node, and what was proven there before. */
const looked = 20;

/**
 * Cleans up nodes that were just seen to be as recorded. Who decides that: the settings of this worker, and what the journals prove,
 * which it folds itself; where a node has a helper, an order that was signed when the rollout was decided.
 */
export function createAftercare(parts: AftercareParts) {
  const { fleet, store, clock, log } = parts;
  return async (seen: readonly NodeSurvey[], signal: AbortSignal): Promise<void> => {
    const { stable = null, keep = 2 } = fleet.aftercare ?? {};
    if (stable === null || seen.length === 0) return;
    const ledger = await parts.ledger.load();
    const rollouts = await store.latest(looked);
    for (const each of seen) {
      const { node, region } = each;
      const left = Object.hasOwn(ledger.nodes, node) ? ledger.nodes[node] : undefined;
      const turn = left === undefined ? null : turnFor(each, left, rollouts, { stable, keep }, clock.now());
      if (turn === null) continue;
      signal.throwIfAborted();
      // Asked for each: one may be begun at any time, and goes first.
      if ((await store.openIds()).length > 0) return;
      const { run, spare } = turn;
      const rollout = { ...asSeenBy(turn.rollout, node), service: serviceOf(fleet, node) };
      const heeded = heeding(parts.shell, () => parts.halt(region), clock);
      const shell = presenting(heeded, () => parts.orders(rollout, node, 'tidy'));
      try {
        const visit = { rollout, node: run, attempt: run.attempt, shell, signal };
        const done = await parts.tidyNode(visit, spare, { stable, keep });
        if (done.is === 'left') log.warn({ region, node, reason: done.reason }, 'backups of long ago stay');
        else if (done.removed.length > 0)
          log.info({ region, node, removed: done.removed }, 'backups of long ago removed');
      } catch (error) {
        if (!(error instanceof Halted)) throw error;
        log.warn({ region, node, reason: error.message }, 'backups of long ago stay');
      }
    }
  };
}

/** Under which run a node is cleaned up, by its own number: any later one goes before. Null: it is not to be, now. */
function turnFor(
  { node, healthy, lies }: NodeSurvey,
  left: Left,
  rollouts: readonly Rollout[],
  { stable, keep }: { stable: number; keep: number },
  now: number,
) {
  const known = rollouts.filter((each) => Object.hasOwn(each.nodes, node));
  const [rollout] = known;
  const run = rollout?.nodes[node];
  if (rollout === undefined || run === undefined || !healthy || lies === undefined) return null;
  if (left.rollout === null || isOpen(rollout) || !('at' in rollout.status) || rollout.unsigned || rollout.onlyBack)
    return null;
  if (now - Math.max(left.at, rollout.status.at) < stable || !wasWatchedWell(known)) return null;
  const others = lies.backups.filter((each) => !isSame(each, left));
  if (others.length <= keep) return null;
  return { rollout, run: { ...run, before: cameFrom(known, node, left) }, spare: provenBefore(known, node, left) };
}

/** The newest of them that was to be watched once it was done was well then; a recovery or a restart since says nothing of it, nor does an upgrade that was never done. */
const wasWatchedWell = (known: readonly Rollout[]): boolean => {
  const watched = known.find(({ afterwards }) => afterwards !== undefined && afterwards.since !== null);
  return watched === undefined || isGoodAfterwards(watched);
};

const isSame = (one: Pick<Pair, 'sha256' | 'envSha256'>, other: Pick<Pair, 'sha256' | 'envSha256'>): boolean =>
  one.sha256 === other.sha256 && one.envSha256 === other.envSha256;

/** What the node was before the last rollout that changed it: one that was stopped before it, or restarted it, came from what is there. */
const cameFrom = (rollouts: readonly Rollout[], node: string, now: Left): Pair | null =>
  rollouts.flatMap(({ nodes }) => nodes[node]?.before ?? []).find((before) => !isSame(before, now)) ?? null;

/** The newest pair that a rollout left on the node, other than what is there now. */
function provenBefore(rollouts: readonly Rollout[], node: string, now: Left): Pair | null {
  for (const rollout of rollouts) {
    const event = leftBy(rollout);
    const pair = event?.type === 'left' ? event.nodes[node] : undefined;
    if (pair !== undefined && !isSame(pair, now)) return pair;
  }
  return null;
}
