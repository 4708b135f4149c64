import { describeLocal, fits, frozenBy, nextOpening, openInterval } from '../../windows/index.ts';
import type { Calendar, Freeze } from '../../windows/types.ts';
import { looksBeforeBegin } from './freshness.ts';
import { approvals, endOf, isStaging, turnOf, watchBefore, watchEnd } from './phases.ts';
import { nextNode, nodeOf, nodesInOrder, workingNode } from './queries.ts';

import { rested } from './rest.ts';
import { changesService } from './traits.ts';
import type { Evidence, Gate, NodeRun, Phase, Rollout } from './types.ts';

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

/** Phases before the node's own turn that are not over. */
function ahead(rollout: Rollout, { name }: NodeRun): Phase[] {
  const own = rollout.phases.indexOf(turnOf(rollout, name));
  return rollout.phases.slice(0, own).filter(({ state }) => state.is !== 'done');
}

/** Everything is staged and verified on every node before the first one is stopped. */
const staged: Rule = (rollout, node) => {
  if (ahead(rollout, node).every((phase) => !isStaging(phase))) return null;
  const lacking = nodesInOrder(rollout).filter(({ state }) => state.is === 'staging' || state.is === 'failed');
  const names = lacking.length > 3 ? `${lacking.length} nodes` : lacking.map(({ name }) => name).join(', ');
  return shut('staged', `not staged yet: ${names}`, lacking.includes(node) ? node.name : 'the workers');
};

const turn: Rule = (rollout, node, now) => {
  const busy = workingNode(rollout);
  if (busy && busy.name !== node.name) return shut('turn', `${busy.name} is being worked on`, busy.name);
  const first = nextNode(rollout);
  if (first && first.name !== node.name) return shut('turn', `${first.name} goes first`, first.name);
  const pauseLeft = rollout.policy.pause - rested(rollout, now);
  if (pauseLeft > 0) return shut('turn', 'pause between two nodes', 'the clock', now + pauseLeft);
  if (node.state.is === 'ready' && node.state.notBefore > now) {
    const why = node.held?.gates.map(({ reason }) => reason).join('; ') ?? 'waiting to try again';
    return shut('turn', why, 'the clock', node.state.notBefore);
  }
  return null;
};

const bake: Rule = (rollout, node) => {
  const phase = ahead(rollout, node).findLast((each) => each.is === 'watch');
  if (phase?.is !== 'watch') return null;
  if (phase.state.is !== 'active') return shut('bake', `${phase.title} is not finished`, phase.title);
  return shut('bake', `${phase.title} is being watched`, 'the clock', watchEnd(phase));
};

/** An approval holds for the watch that it was given on, and not for ever: judged here, at the last moment. */
const approval: Rule = (rollout, node, now) => {
  const { id } = turnOf(rollout, node.name);
  const phase = approvals(rollout).find(({ opens }) => opens.includes(id));
  if (phase === undefined) return null;
  const { title, given, state } = phase;
  const owner = `the approvers of ${title}`;
  if (state.is !== 'done') return shut('approval', `${title} is not approved`, owner);
  const old = given.find(({ at }) => now - at > rollout.policy.approvalExpires);
  if (old) return shut('approval', `the approval of ${title} by ${old.by} has expired`, owner);
  const watch = watchBefore(rollout, phase);
  if (given.every(({ watched }) => watched === endOf(watch))) return null;
  return shut('approval', `${watch?.title} was watched anew since ${title} was approved`, owner);
};

const overridden = ({ override }: Rollout, now: number): boolean => override !== null && now < override.until;

/**
 * The freezes of a region: those that the plan copied, and those that were declared since, as the step found them right
 * before the stop, else as the last look did. Those of the settings stay as they were copied; a declared one that is
 * found no more was lifted.
 */
function freezesNow(rollout: Rollout, region: string, evidence: Evidence | null) {
  const copied = rollout.calendars[region]?.freezes ?? [];
  const found = evidence?.freezes ?? rollout.looks[region]?.freezes;
  if (found === undefined) return { known: copied, since: [] };
  return {
    known: copied.filter((freeze) => freeze.id === undefined || found.some((each) => same(each, freeze))),
    since: found.filter((freeze) => !copied.some((each) => same(each, freeze))),
  };
}

const same = (a: Freeze, b: Freeze): boolean =>
  a.id === b.id && a.start === b.start && a.end === b.end && a.reason === b.reason;

/** When a region may be worked on, as far as is known now; null: it is not of this rollout. */
export function calendarNow(rollout: Rollout, region: string, evidence: Evidence | null = null): Calendar | null {
  const calendar = rollout.calendars[region];
  if (!calendar) return null;
  const { known, since } = freezesNow(rollout, region, evidence);
  return { ...calendar, freezes: [...known, ...since] };
}

const window: Rule = (rollout, node, now, evidence) => {
  const calendar = calendarNow(rollout, node.region, evidence);
  if (overridden(rollout, now) || !calendar || frozenBy(calendar, now)) return null;
  const needed = rollout.policy.expectedNode + rollout.policy.rollbackReserve;
  const open = openInterval(calendar, now);
  if (open && fits(open, now, needed)) return null;
  const following = nextOpening(calendar, now);
  if (following.is === 'never') return shut('window', following.reason, 'whoever keeps the settings');
  const opens = following.interval.start;
  const why = open ? 'a node no longer fits before the window closes' : 'the maintenance window is closed';
  return shut('window', `${node.region}: ${why}; opens ${describeLocal(opens, calendar.zone)}`, 'the clock', opens);
};

/** An override never outlives a freeze that was declared after it. */
function frozenNow(rollout: Rollout, { region }: NodeRun, now: number, evidence: Evidence | null): Freeze | null {
  const calendar = rollout.calendars[region];
  if (!calendar) return null;
  const { known, since } = freezesNow(rollout, region, evidence);
  return frozenBy({ ...calendar, freezes: overridden(rollout, now) ? since : [...known, ...since] }, now);
}

const freeze: Rule = (rollout, node, now, evidence) => {
  const frozen = frozenNow(rollout, node, now, evidence);
  return frozen ? shut('freeze', `${node.region} is frozen: ${frozen.reason}`, frozen.author, frozen.end) : null;
};

/**
 * Never fewer than the minimum because of us; a node that is proven to be down may be worked on (guide, high
 * availability). Silence proves nothing: when nobody answers, the gate is shut.
 */
const quorum: Rule = (rollout, node, _now, evidence) => {
  if (evidence === null) return null;
  const { standing, sight } = evidence;
  if (sight.down || standing[node.name] === 'down') return null;
  const others = (rollout.peers[node.region] ?? []).filter((name) => name !== node.name);
  const sick = others.filter((name) => standing[name] !== 'healthy' || rollout.nodes[name]?.drained === true);
  const left = others.length - sick.length;
  if (left >= rollout.policy.minimumHealthy) return null;
  const all = sick.length === 0 ? '' : `; not healthy: ${sick.join(', ')}`;
  const reason = `stopping ${node.name} would leave ${left} healthy in ${node.region}, ${rollout.policy.minimumHealthy} are needed${all}`;
  return shut('quorum', reason, sick.join(', ') || node.region);
};

/** What is finished must still be what was proven, as far as fresh looks tell, before the next node is begun. */
const proof: Rule = (rollout, node, now, evidence) => {
  if (evidence !== null || node.state.is !== 'ready') return null;
  const [old] = looksBeforeBegin(rollout, node, now);
  if (old === undefined) return null;
  const misses = Object.entries(rollout.looks[old.region]?.misses ?? {}).filter(([, count]) => count > 0);
  const missed = misses.map(([name]) => name).join(', ');
  const why = missed === '' ? `${old.region} is being looked at` : `${missed} did not answer healthy at the last look`;
  return shut('proof', why, missed || 'the workers');
};

const beforeLooks: Rule[] = [status, schedule, staged, turn, bake, approval, freeze, window, quorum];

/**
 * A node that was begun is finished or rolled back, also past its window, through a pause or a hold: only the
 * quorum can keep it waiting.
 */
const onceTouched: Rule[] = [quorum];

/** What was changed already is finished before anything new is begun; that needs no window and no approval. */
const toBeProvenAgain: Rule[] = [status, turn];

/**
 * Every reason why a node may not be stopped right now; empty when it may. Feeds `todo`, the worker right before
 * a stop (with fresh `evidence`), and `/zeitwork why`.
 * @param now epoch ms
 */
export function gates(rollout: Rollout, name: string, now: number, evidence: Evidence | null = null): Gate[] {
  const shutGates = gatesBeforeLooks(rollout, name, now, evidence);
  if (shutGates.length > 0 || rulesFor(rollout, nodeOf(rollout, name), evidence) !== beforeLooks) return shutGates;
  const last = proof(rollout, nodeOf(rollout, name), now, evidence);
  return last === null ? [] : [last];
}

/** The same without the looks at what is finished: they are taken when nothing else holds the node. */
function gatesBeforeLooks(rollout: Rollout, name: string, now: number, evidence: Evidence | null = null): Gate[] {
  const node = nodeOf(rollout, name);
  return rulesFor(rollout, node, evidence)
    .map((rule) => rule(rollout, node, now, evidence))
    .filter((gate) => gate !== null);
}

/** Whether anything but a look holds the node; costs less than the list, since the first reason is enough. */
export function isHeldBeforeLooks(rollout: Rollout, name: string, now: number): boolean {
  const node = nodeOf(rollout, name);
  return rulesFor(rollout, node, null).some((rule) => rule(rollout, node, now, null) !== null);
}

/** Nothing but a freeze holds the node, and not one that the plan copied from the settings: it may be lifted at any time. */
export function mayThaw(rollout: Rollout, name: string, now: number): boolean {
  const node = nodeOf(rollout, name);
  const frozen = frozenNow(rollout, node, now, null);
  if (frozen === null) return false;
  if (frozen.id === undefined && !freezesNow(rollout, node.region, null).since.includes(frozen)) return false;
  const [first, ...others] = gatesBeforeLooks(rollout, name, now);
  return first?.name === 'freeze' && others.length === 0;
}

function rulesFor(rollout: Rollout, node: NodeRun, evidence: Evidence | null): Rule[] {
  const { state } = node;
  if (mustGoOn(rollout, node, evidence)) return onceTouched;
  return state.is === 'ready' && node.touched ? toBeProvenAgain : beforeLooks;
}

/** On its way back, or possibly switched already. A switch that is seen to have changed nothing obeys every gate. */
function mustGoOn({ status: current }: Rollout, node: NodeRun, evidence: Evidence | null): boolean {
  const { state, touched } = node;
  if (state.is !== 'working') return current.is === 'rolling-back' && touched;
  if (state.direction === 'back') return true;
  return touched && !(changesService(state.step) && evidence?.sight.unchanged === true);
}

/** The gates of the next node in order, whatever its state: why the rollout does not go on. */
export function whyWaiting(rollout: Rollout, now: number): Gate[] {
  const node = nextNode(rollout);
  return node ? gates(rollout, node.name, now) : [];
}
