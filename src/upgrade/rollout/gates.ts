import { isAny } from '../../base/is-any.ts';
import { actionGates } from './action-gates.ts';
import { freezesNow, frozenNow } from './calendars.ts';
import { checkOf, openBefore } from './checklists.ts';
import { lastingEvidence, passingEvidence } from './facts.ts';
import { nextNode } from './places.ts';
import { actionInTurn, goesForward, nodeOf } from './queries.ts';
import { rules } from './rules.ts';
import { changesService, isOfWayBack } from './traits.ts';
import type { Evidence, EvidenceName, Gate, GateName, NodeRun, Rollout, Sight } from './types.ts';

/** All but the looks at what is finished: those are taken when nothing else holds the node. */
const beforeLooks: GateName[] = [
  'state',
  'pause',
  'halt',
  'schedule',
  'notice',
  'staged',
  'turn',
  'action',
  'bake',
  'approval',
  'checklist',
  'freeze',
  'window',
  'alerts',
  'elsewhere',
  'compatibility',
  'quorum',
];

/**
 * A node that was begun is finished or rolled back, also past its window, through a pause or a hold: only the
 * quorum can keep it waiting, and whoever stops everything by a file, which stops rollbacks too.
 */
const onceTouched: GateName[] = ['halt', 'quorum'];

/** It brings no other release: nobody is promised to hear of it, it was proven here, and it goes with what is there. */
const ofRestart: GateName[] = beforeLooks.filter((name) => !isAny(name, 'notice', 'elsewhere', 'compatibility'));

/** A broken node waits for no window, no freeze and no alert, which may be about it; people, the quorum and the lock hold it. */
const ofRecovery: GateName[] = ['state', 'pause', 'halt', 'staged', 'turn', 'quorum'];

/** What was changed already is finished before anything new is begun; that needs no window and no approval. */
const toBeProvenAgain: GateName[] = ['state', 'pause', 'halt', 'turn'];

/**
 * Every reason why a node may not be stopped right now; empty when it may. Feeds `todo`, the worker right before
 * a stop (with fresh `evidence`), and `/zeitwork why`.
 * @param now epoch ms
 */
export function gates(rollout: Rollout, name: string, now: number, evidence: Evidence | null = null): Gate[] {
  return evidence === null ? gatesAt(rollout, name, now) : allOf(rollout, name, now, evidence);
}

/** What is due, what is looked at and when to wake all ask at one moment about the same value. What evidence says is never remembered. */
const askedLast = new WeakMap<Rollout, { now: number; byNode: Map<string, Gate[]> }>();

function gatesAt(rollout: Rollout, name: string, now: number): Gate[] {
  const last = askedLast.get(rollout);
  const asked = last?.now === now ? last : { now, byNode: new Map<string, Gate[]>() };
  askedLast.set(rollout, asked);
  const found = asked.byNode.get(name) ?? allOf(rollout, name, now, null);
  asked.byNode.set(name, found);
  return [...found];
}

function allOf(rollout: Rollout, name: string, now: number, evidence: Evidence | null): Gate[] {
  const node = nodeOf(rollout, name);
  const names = gatesOf(rollout, node, evidence?.sight ?? null);
  const shut = names.map((each) => judged(each, rollout, node, now, evidence)).filter((gate) => gate !== null);
  if (shut.length > 0 || (names !== beforeLooks && names !== ofRestart)) return shut;
  const proof = judged('proof', rollout, node, now, evidence);
  return proof === null ? [] : [proof];
}

function judged(name: GateName, rollout: Rollout, node: NodeRun, now: number, evidence: Evidence | null): Gate | null {
  const shut = rules[name].judge(rollout, node, now, evidence);
  return shut === null ? null : { name, ...shut };
}

/** What must be found out right before the node is stopped, so that all its gates can be asked. */
export function evidenceFor(rollout: Rollout, name: string, sight: Sight): EvidenceName[] {
  return [...new Set(gatesOf(rollout, nodeOf(rollout, name), sight).flatMap((each) => rules[each].needs))];
}

/** What a look at a region finds out besides, as far as a gate of this rollout could ask for it. A way back is kept waiting by nobody who is slow to tell. */
export function askedByLooks(rollout: Rollout): readonly EvidenceName[] {
  if (!goesForward(rollout)) return ['halt'];
  if (rollout.change === undefined) return lastingEvidence;
  return lastingEvidence.filter((name) => ofRestart.some((gate) => rules[gate].needs.includes(name)));
}

/** Whether anything but a look holds the node. */
export const isHeldBeforeLooks = (rollout: Rollout, name: string, now: number): boolean =>
  gates(rollout, name, now).some((gate) => gate.name !== 'proof');

/** Nothing holds the node but what only a look can see the end of: alerts, a proof that is lacking, versions that do not go together, windows that freezes leave none of, a freeze that may be lifted at any time. */
export function opensByLook(rollout: Rollout, name: string, now: number): boolean {
  const shut = gates(rollout, name, now);
  return (
    shut.length > 0 &&
    shut.every(
      (gate) =>
        passes(gate.name) ||
        isNever(gate) ||
        (gate.name === 'freeze' && mayThaw(rollout, name, now)) ||
        (gate.name === 'checklist' && isLeftToMachines(rollout, name)),
    )
  );
}

/**
 * All that keeps it from beginning are gates that neither time nor a decision of ours opens: no step asks then, only looks do. Before
 * the first node was ever begun a lacking proof keeps it on purpose, and of the start that is missed people are told besides.
 */
export function isLeftToPeople(rollout: Rollout, { name, state }: NodeRun, now: number): boolean {
  const shut = state.is === 'ready' ? gates(rollout, name, now) : [];
  const isTheirs = (gate: Gate) =>
    isAny(gate.name, 'alerts', 'checklist', 'compatibility', 'halt') ||
    (rollout.startedAt !== null && (isAny(gate.name, 'elsewhere', 'proof') || isNever(gate)));
  return shut.length > 0 && shut.every(isTheirs);
}

/** No window opens any more, as far as anybody can see. */
const isNever = ({ name, opensAt }: Gate): boolean => name === 'window' && opensAt === null;

const isLeftToMachines = (rollout: Rollout, name: string): boolean =>
  openBefore(rollout, nodeOf(rollout, name)).every((entry) => checkOf(entry) !== null);

const passes = (gate: GateName): boolean => rules[gate].needs.some((need) => isAny(need, ...passingEvidence));

/** A freeze that the plan copied from the settings stays. */
function mayThaw(rollout: Rollout, name: string, now: number): boolean {
  const { region } = nodeOf(rollout, name);
  const frozen = frozenNow(rollout, region, now, null);
  return frozen !== null && (frozen.id !== undefined || freezesNow(rollout, region, null).since.includes(frozen));
}

function gatesOf(rollout: Rollout, node: NodeRun, sight: Sight | null): GateName[] {
  const { state } = node;
  if (mustGoOn(rollout, node, sight)) return onceTouched;
  if (state.is === 'ready' && node.touched) return toBeProvenAgain;
  if (rollout.recovery !== undefined) return ofRecovery;
  return rollout.change === undefined ? beforeLooks : ofRestart;
}

/** On its way back, or possibly switched already. A switch that is seen to have changed nothing obeys every gate. */
function mustGoOn({ status: current }: Rollout, node: NodeRun, sight: Sight | null): boolean {
  const { state, touched } = node;
  if (state.is !== 'working') return current.is === 'rolling-back' && touched;
  if (state.direction === 'back') return true;
  // A rehearsal that was begun is brought to its end: the node is half-way between two versions until then.
  return touched && (isOfWayBack(state.step) || !(changesService(state.step) && sight?.unchanged === true));
}

/** The gates of what is next in order, whatever its state: why the rollout does not go on. */
export function whyWaiting(rollout: Rollout, now: number): Gate[] {
  const action = actionInTurn(rollout);
  if (action !== null) return actionGates(rollout, action, now);
  const node = nextNode(rollout);
  return node ? gates(rollout, node.name, now) : [];
}
