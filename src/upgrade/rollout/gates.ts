import { describeLocal, fits, frozenBy, nextOpening, openInterval } from '../../windows/index.ts';
import { batchIndexOf, isFirstTryOfSwitch, needsBake, nextNode, nodeOf, nodesInOrder, workingNode } from './queries.ts';
import type { Evidence, Gate, NodeRun, Rollout } from './types.ts';

/** One rule: the gate that it holds shut, or null when it is open. */
type Rule = (rollout: Rollout, node: NodeRun, now: number, evidence: Evidence | null) => Gate | null;

const shut = (name: Gate['name'], reason: string, owner: string, opensAt: number | null = null): Gate => ({
  name,
  reason,
  owner,
  opensAt,
});

const status: Rule = ({ status: current }) => {
  switch (current.is) {
    case 'running':
      return null;
    case 'paused':
      return shut('pause', `paused by ${current.by}`, 'whoever may resume');
    case 'held':
      return shut('state', current.reason, 'whoever may retry or roll back');
    case 'rolling-back':
      return shut('state', 'a rollback is under way', 'the rollback');
    case 'stopping':
      return shut('state', `being stopped by ${current.by}`, 'the node under way');
    default:
      return shut('state', 'the rollout is over', 'nobody');
  }
};

const schedule: Rule = ({ startAt }, _node, now) =>
  startAt !== null && startAt > now ? shut('schedule', 'scheduled for later', 'the clock', startAt) : null;

/** Everything is staged and verified on every node before the first one is stopped. */
const staged: Rule = (rollout, node) => {
  const lacking = nodesInOrder(rollout).filter(({ state }) => state.is === 'staging' || state.is === 'failed');
  if (lacking.length === 0) return null;
  const names = lacking.length > 3 ? `${lacking.length} nodes` : lacking.map(({ name }) => name).join(', ');
  return shut('staged', `not staged yet: ${names}`, lacking.includes(node) ? node.name : 'the workers');
};

const turn: Rule = (rollout, node, now) => {
  const busy = workingNode(rollout);
  if (busy && busy.name !== node.name) return shut('turn', `${busy.name} is being worked on`, busy.name);
  const first = nextNode(rollout);
  if (first && first.name !== node.name) return shut('turn', `${first.name} goes first`, first.name);
  const pauseEnd = rollout.lastNodeAt === null ? 0 : rollout.lastNodeAt + rollout.policy.pause;
  if (pauseEnd > now) return shut('turn', 'pause between two nodes', 'the clock', pauseEnd);
  if (node.state.is === 'ready' && node.state.notBefore > now) {
    const why = node.held?.gates.map(({ reason }) => reason).join('; ') ?? 'waiting to try again';
    return shut('turn', why, 'the clock', node.state.notBefore);
  }
  return null;
};

const bake: Rule = (rollout, node) => {
  const index = batchIndexOf(rollout, node.name) - 1;
  const before = rollout.batches[index];
  if (!before || before.bakedAt !== null || !needsBake(rollout, index)) return null;
  if (before.finishedAt === null) return shut('bake', `${before.region} is not finished`, before.region);
  return shut('bake', `${before.region} is being watched`, 'the clock', before.finishedAt + before.bake);
};

const approval: Rule = (rollout, node) => {
  const batch = rollout.batches[batchIndexOf(rollout, node.name)];
  if (!batch?.approval || batch.approved !== null) return null;
  return shut('approval', `${batch.region} is not approved`, `the approvers of ${batch.region}`);
};

const window: Rule = (rollout, node, now) => {
  const calendar = rollout.calendars[node.region];
  if (rollout.override || !calendar || frozenBy(calendar, now)) return null;
  const needed = rollout.policy.expectedNode + rollout.policy.rollbackReserve;
  const open = openInterval(calendar, now);
  if (open && fits(open, now, needed)) return null;
  const following = nextOpening(calendar, now);
  if (following.is === 'never') return shut('window', following.reason, 'whoever keeps the settings');
  const opens = following.interval.start;
  const why = open ? 'a node no longer fits before the window closes' : 'the maintenance window is closed';
  return shut('window', `${node.region}: ${why}; opens ${describeLocal(opens, calendar.zone)}`, 'the clock', opens);
};

const freeze: Rule = (rollout, node, now) => {
  const calendar = rollout.calendars[node.region];
  const frozen = rollout.override || !calendar ? null : frozenBy(calendar, now);
  return frozen ? shut('freeze', `${node.region} is frozen: ${frozen.reason}`, frozen.author, frozen.end) : null;
};

/** Never fewer than the minimum because of us; a node that is already down may be worked on (guide, high availability). */
const quorum: Rule = (rollout, node, _now, evidence) => {
  if (evidence === null || evidence.healthy[node.name] === false) return null;
  const others = (rollout.peers[node.region] ?? []).filter((name) => name !== node.name);
  const sick = others.filter((name) => evidence.healthy[name] !== true);
  const left = others.length - sick.length;
  if (left >= rollout.policy.minimumHealthy) return null;
  const reason = `stopping ${node.name} would leave ${left} healthy in ${node.region}, ${rollout.policy.minimumHealthy} are needed; not healthy: ${sick.join(', ')}`;
  return shut('quorum', reason, sick.join(', '));
};

const beforeBegin: Rule[] = [status, schedule, staged, turn, bake, approval, freeze, window, quorum];

/**
 * A node that was begun is finished or rolled back, also past its window, through a pause or a hold: only the
 * quorum can keep it waiting.
 */
const onceTouched: Rule[] = [quorum];

/**
 * Every reason why a node may not be stopped right now; empty when it may. Feeds `todo`, the worker right before
 * a stop (with fresh `evidence`), and `/zeitwork why`.
 * @param now epoch ms
 */
export function gates(rollout: Rollout, name: string, now: number, evidence: Evidence | null = null): Gate[] {
  const node = nodeOf(rollout, name);
  const rules = mustGoOn(rollout, node) ? onceTouched : beforeBegin;
  return rules.map((rule) => rule(rollout, node, now, evidence)).filter((gate) => gate !== null);
}

/** On its way back, or possibly switched already. The first try of the switch still obeys every gate. */
function mustGoOn(rollout: Rollout, node: NodeRun): boolean {
  const { state } = node;
  if (state.is !== 'working') return rollout.status.is === 'rolling-back' && node.touched;
  if (state.direction === 'back') return true;
  return node.touched && !isFirstTryOfSwitch(node);
}

/** The gates of the next node in order, whatever its state: why the rollout does not go on. */
export function whyWaiting(rollout: Rollout, now: number): Gate[] {
  const node = nextNode(rollout);
  return node ? gates(rollout, node.name, now) : [];
}
