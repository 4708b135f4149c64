import { bakingBatch, goesForward, isOpen, nodeOf, workingNode } from './queries.ts';
import { capped } from './rest.ts';
import { moveStatus } from './transitions.ts';
import type { BatchRun, Event, NodeRun, RegionLooks, Rollout, Seen } from './types.ts';

type Watched = Extract<Event, { type: 'watched' }>;

/** Looks in a row that must miss a node before the rollout is held: one lost probe is no outage. */
const missesAllowed = 3;

/** Really watched: one look at a region, folded in. What is finished and no longer as it was proven holds the rollout. */
export function watched(rollout: Rollout, event: Watched): Rollout {
  const before = rollout.looks[event.region];
  if (!before || !isOpen(rollout) || event.run !== rollout.run || event.attempt !== before.count + 1) return rollout;
  const busy = workingNode(rollout)?.name ?? null;
  const looks = { ...rollout.looks, [event.region]: seenBy(before, event, busy) };
  const seen = noted({ ...rollout, looks }, event);
  return holdForSickness(baked(seen, event), event);
}

/** `busy`: a node that is being worked on may be away for a while. */
function seenBy(before: RegionLooks, { attempt, at, seen }: Watched, busy: string | null): RegionLooks {
  const names = Object.keys(seen);
  const missed = (name: string) => (name === busy || isFine(seen[name]) ? 0 : (before.misses[name] ?? 0) + 1);
  return {
    count: attempt,
    at,
    standing: Object.fromEntries(names.map((name) => [name, seen[name]?.standing ?? 'unclear'])),
    misses: Object.fromEntries(names.map((name) => [name, missed(name)])),
  };
}

const isFine = (seen: Seen | undefined) =>
  seen?.standing === 'healthy' && (seen.proof === 'holds' || seen.proof === 'not asked');

/** What each finished node of the region is known to be now. */
function noted(rollout: Rollout, { region, at, seen }: Watched): Rollout {
  const nodes = { ...rollout.nodes };
  for (const node of Object.values(nodes)) {
    const now = seen[node.name];
    if (node.region !== region || node.state.is !== 'done' || now === undefined) continue;
    nodes[node.name] = noteOne(node, now, rollout.looks[region]?.misses[node.name] ?? 0, at);
  }
  return { ...rollout, nodes };
}

function noteOne(node: NodeRun, seen: Seen, misses: number, at: number): NodeRun {
  const healthy = seen.standing === 'healthy' && seen.proof !== 'broken';
  const isSick = seen.proof === 'broken' || misses >= missesAllowed;
  return {
    ...node,
    seenAt: healthy ? at : node.seenAt,
    provenAt: healthy && seen.proof === 'holds' ? at : node.provenAt,
    sick: node.sick ?? (isSick ? { reason: seen.detail, at } : null),
  };
}

/** Healthy time is summed over gaps between healthy looks: neither a jump of the clock nor a pause of ours adds to it. */
function baked(rollout: Rollout, { region, at, seen }: Watched): Rollout {
  const batch = bakingBatch(rollout);
  if (batch === null || batch.region !== region || !goesForward(rollout)) return rollout;
  const all = Object.values(seen);
  const replace = (changes: Partial<BatchRun>): Rollout => ({
    ...rollout,
    batches: rollout.batches.map((each) => (each === batch ? { ...each, ...changes } : each)),
  });
  if (all.some(({ standing, proof }) => standing === 'down' || proof === 'broken')) {
    return replace({ healthyFor: 0, healthyAt: null });
  }
  if (!all.every(isFine)) return replace({ healthyAt: null });
  const gap = batch.healthyAt === null ? 0 : capped(at - batch.healthyAt, 2 * rollout.policy.watch);
  const healthyFor = batch.healthyFor + gap;
  const proven = batch.nodes.every((name) => nodeOf(rollout, name).provenAt === at);
  return replace({ healthyFor, healthyAt: at, bakedAt: healthyFor >= batch.bake && proven ? at : null });
}

function holdForSickness(rollout: Rollout, { region, at, seen }: Watched): Rollout {
  if (!goesForward(rollout)) return rollout;
  const isBaking = bakingBatch(rollout)?.region === region;
  const gone = (name: string) =>
    rollout.nodes[name]?.sick != null || (isBaking && (rollout.looks[region]?.misses[name] ?? 0) >= missesAllowed);
  const [first, ...others] = Object.keys(seen).filter(gone);
  if (first === undefined) return rollout;
  const names = [first, ...others].join(', ');
  const when = isBaking ? `while ${region} was being watched` : 'after it was finished';
  const reason = `${names} became unhealthy ${when}: ${seen[first]?.detail ?? 'no answer'}`;
  return moveStatus(rollout, { is: 'held', reason, node: first, at, pending: null });
}
