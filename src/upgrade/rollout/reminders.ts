import { minute } from '../../base/duration.ts';
import { isAny } from '../../base/is-any.ts';
import { declineOf } from './approvers.ts';
import { whenAwake } from './asking.ts';
import { gates, isLeftToPeople } from './gates.ts';
import { longWatch } from './long-watch.ts';
import { neglected } from './neglected.ts';
import { approvals, asked, saidAt, sinceOf, takesNodes, turns } from './phases.ts';
import { nextNode } from './places.ts';
import { goesForward, isOpen, isQueued, nodesInOrder } from './queries.ts';
import { startOf } from './start.ts';
import type { ApprovalPhase, Event, NodeRun, Rollout, Taken } from './types.ts';

/** Something that only people can move on. */
export interface Waiting {
  /** `held`, `start`, `node NAME`, `region NAME`, or the id of an approval or a watch. */
  what: string;
  /** Epoch ms. */
  since: number;
}

/** A gate that stays shut for so long (ms) is a matter for people. */
export const gatePatience = minute;

/** Everything that waits for people now, the worst first. */
export function waitingForPeople(rollout: Rollout): Waiting[] {
  if (!isOpen(rollout)) return [];
  const { status } = rollout;
  const watch = longWatch(rollout);
  const waits = [
    ...(status.is === 'held' ? [{ what: 'held', since: status.at }] : []),
    ...neglected(rollout).map(({ region, since }) => ({ what: `region ${region}`, since })),
    ...nodesInOrder(rollout).flatMap((node) => {
      const since = waitAtGate(rollout, node)?.since ?? keptSince(rollout, node) ?? silentFrom(node);
      return since === null ? [] : [{ what: `node ${node.name}`, since }];
    }),
    ...(watch === null ? [] : [{ what: watch.phase.id, since: watch.since }]),
    ...(goesForward(rollout) ? asked(rollout) : []).map((phase) => ({ what: phase.id, since: waitsSince(phase) })),
  ];
  // Whoever is called for what delays the start is not called for the start besides.
  return waits.length > 0 ? waits : notBegun(rollout);
}

/** A no waits for others than the question did, and so does a yes after it that is not enough: each is a wait of its own. */
function waitsSince(phase: ApprovalPhase): number {
  const again = phase.declined === undefined ? null : saidAt(phase);
  return declineOf(phase)?.at ?? again ?? sinceOf(phase) ?? 0;
}

/** A gate that stays shut for a node, and that is asked again; null while none does, or a decision of somebody holds it. */
export function waitAtGate(rollout: Rollout, node: NodeRun): NodeRun['held'] {
  const { held, state } = node;
  if (held === null || held.at - held.since < gatePatience || state.is === 'stuck') return null;
  const begins = isAny(state.is, 'ready', 'staging') && rollout.status.is === 'running';
  return state.is === 'working' || begins || isQueued(rollout, node) ? held : null;
}

/** Since when nobody knows what a node does that may be changed already: it does not answer, or says nothing of use. */
export function silentFrom({ state, silentSince, touched }: NodeRun): number | null {
  return state.is === 'working' && touched && state.unknowns > 0 ? silentSince : null;
}

/** Since when nothing but what people must end keeps the node that is next from beginning; null while that is not so, or not for long. */
export function keptSince(rollout: Rollout, node: NodeRun): number | null {
  const { at = null, keptSince: since } = rollout.looks[node.region] ?? {};
  if (at === null || since === undefined || at - since < gatePatience || nextNode(rollout)?.name !== node.name)
    return null;
  return isLeftToPeople(rollout, node, at) ? since : null;
}

/** Names one wait among all that ever were. */
export const waitKey = ({ what, since }: Waiting): string => `${what}.${Math.floor(since / 1000)}`;

/** Who said that they have it; null while nobody did. */
export function takenBy({ taken = {} }: Rollout, waiting: Waiting): Taken | null {
  const said = taken[waitKey(waiting)];
  // Two waits may begin within one second, and have one name then.
  return said !== undefined && said.at >= waiting.since ? said : null;
}

/** Changes nothing but who is reminded. Somebody else may take it over; what does not wait any more, or not yet, is nobody's. */
export function takenOn(rollout: Rollout, { by, at, waits }: Extract<Event, { type: 'taken-on' }>): Rollout {
  const waiting = waitingForPeople(rollout).filter(({ since }) => since <= at);
  const mine = waiting.filter((each) => waits.includes(waitKey(each)) && takenBy(rollout, each)?.by !== by);
  if (mine.length === 0) return rollout;
  const names = waiting.map(waitKey);
  const kept = Object.entries(rollout.taken ?? {}).filter(([key]) => names.includes(key));
  return { ...rollout, taken: Object.fromEntries([...kept, ...mine.map((each) => [waitKey(each), { by, at }])]) };
}

/** It was to begin and has not: nobody may be awake to see that a night passes. */
function notBegun(rollout: Rollout): Waiting[] {
  const { startedAt, status, lastWord } = rollout;
  if (startedAt !== null || status.is !== 'running') return [];
  const due = startOf(rollout);
  return due === null ? [] : [{ what: 'start', since: Math.max(due, freeFrom(rollout) ?? 0, lastWord?.at ?? 0) }];
}

/** Since when nothing that is done or asked before the first node is left; null while something is. */
function freeFrom(rollout: Rollout): number | null {
  const first = turns(rollout).find(takesNodes);
  return first?.state.is === 'active' ? first.state.since : null;
}

/** A gate or alerts keep the first node: that is told by itself, as soon as it has lasted, or somebody meant it so. */
function isKept(rollout: Rollout, at: number): boolean {
  const node = nextNode(rollout);
  if (node === null) return false;
  if (node.held !== null || rollout.looks[node.region]?.keptSince !== undefined) return true;
  return gates(rollout, node.name, at).some(({ name }) => name !== 'proof' && name !== 'turn');
}

/** After which times (ms) people are called for it: for a start that should have begun, before they are reminded of it. */
export function calls(rollout: Rollout, { what, since }: Waiting): number[] {
  const { reminders = [] } = rollout.policy;
  const isMissed = what === 'start' && freeFrom(rollout) !== null && !isKept(rollout, since + gatePatience);
  return isMissed ? [gatePatience, ...reminders] : reminders;
}

/** Notes which reminders are due. The same object when none is; what was planned before there were any has none. */
export function reminded(rollout: Rollout, at: number): Rollout {
  const before = rollout.reminded;
  if (before === undefined) return rollout;
  const now = waitingForPeople(rollout).flatMap((waiting): [string, number][] => {
    const due = dueOf(rollout, waiting, at);
    return due === 0 || takenBy(rollout, waiting) !== null
      ? []
      : [[waitKey(waiting), Math.max(due, before[waitKey(waiting)] ?? 0)]];
  });
  const isSame = now.length === Object.keys(before).length && now.every(([key, count]) => before[key] === count);
  return isSame ? rollout : { ...rollout, reminded: Object.fromEntries(now) };
}

function dueOf(rollout: Rollout, waiting: Waiting, at: number): number {
  return instants(rollout, waiting).filter((due) => due <= at).length;
}

/** When people are called for it. A question can wait for the morning; what went wrong, or stands still, cannot. */
function instants(rollout: Rollout, waiting: Waiting): number[] {
  const { what, since } = waiting;
  const phase = approvals(rollout).find(({ id }) => id === what);
  return calls(rollout, waiting).map((after) =>
    phase === undefined ? since + after : whenAwake(rollout, phase, since, after),
  );
}

/** When the next one is due; null when none is. */
export function nextReminder(rollout: Rollout, now: number): number | null {
  if (rollout.reminded === undefined) return null;
  const due = waitingForPeople(rollout)
    .filter((waiting) => takenBy(rollout, waiting) === null)
    .flatMap((waiting) => instants(rollout, waiting));
  const ahead = due.filter((at) => at > now);
  return ahead.length === 0 ? null : Math.min(...ahead);
}
