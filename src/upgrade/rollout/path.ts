import { pathOf, turnOf } from './phases.ts';
import { asksGates, changesService, drains, putsBack, traits } from './traits.ts';
import type { Direction, NodeRun, Rollout, StepName } from './types.ts';

/** Where a node stands on its way, or will next. */
export interface Place {
  direction: Direction;
  /** Id of the phase whose path it is. */
  phase: string;
  index: number;
  step: StepName;
}

function placeAt(rollout: Rollout, { name }: NodeRun, direction: Direction, index: number): Place {
  const phase = turnOf(rollout, name);
  const step = (direction === 'forward' ? pathOf(phase, name) : phase.undo)[index];
  if (step === undefined) throw new Error(`phase ${phase.id} has no step ${index} ${direction}`);
  return { direction, phase: phase.id, index, step };
}

/**
 * A node that runs the target already, or was switched before, is only proven; unless nobody knows what came of it. What was rehearsed
 * is not rehearsed again, nor is what has nothing to go back to.
 */
export function firstForward(rollout: Rollout, node: NodeRun): Place {
  const phase = turnOf(rollout, node.name);
  const isRehearsed = node.rehearsedAt !== undefined || node.already;
  const from = phase.rehearsal?.node === node.name && isRehearsed ? phase.rehearsal.again : 0;
  // Nothing tells a restart that was done from one that is wanted again, but a look right before it.
  if (node.again) return placeAt(rollout, node, 'forward', 0);
  const isNext = node.touched && node.uncertain ? changesService : (step: StepName) => traits[step].proves;
  const index = pathOf(phase, node.name).findIndex((step, at) => at >= from && isNext(step));
  return placeAt(rollout, node, 'forward', node.touched || node.already ? index : from);
}

/** What never proved healthy is diagnosed before the rollback destroys the evidence. */
export function firstBack(rollout: Rollout, node: NodeRun): Place {
  const { undo } = turnOf(rollout, node.name);
  const isToBeDiagnosed = node.proof === null && node.diagnosis === null;
  const index = isToBeDiagnosed ? 0 : undo.findIndex((step) => traits[step].onFailure !== 'ignore');
  return placeAt(rollout, node, 'back', index);
}

/** The part of the way back that puts a node into service again whose turn is lost; null when nothing does. */
export function backIntoService(rollout: Rollout, node: NodeRun): Place | null {
  const index = turnOf(rollout, node.name).undo.findIndex(putsBack);
  return index === -1 ? null : placeAt(rollout, node, 'back', index);
}

/**
 * What comes after a step; null at the end of the way. What was not taken out of service is not put back, and what was found to run
 * the target, though not by us, is only proven.
 */
export function following(rollout: Rollout, node: NodeRun, { direction, phase: id, index }: Place): Place | null {
  const phase = rollout.phases.find((each) => each.id === id);
  const path = phase?.is === 'nodes' ? (direction === 'forward' ? pathOf(phase, node.name) : phase.undo) : [];
  const isTheirs = direction === 'forward' && node.already && !node.touched;
  const isIdle = (step: StepName) =>
    putsBack(step) ? !node.drained : isTheirs ? asksGates(step) : drains(step) && node.drained;
  const next = path.findIndex((step, at) => at > index && !isIdle(step));
  const step = path[next];
  return step === undefined ? null : { direction, phase: id, index: next, step };
}
