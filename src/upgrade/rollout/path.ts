import { turnOf } from './phases.ts';
import { changesService, traits } from './traits.ts';
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
  const step = (direction === 'forward' ? phase.path : phase.undo)[index];
  if (step === undefined) throw new Error(`phase ${phase.id} has no step ${index} ${direction}`);
  return { direction, phase: phase.id, index, step };
}

/** A node that runs the target already, or was switched before, is only proven; unless nobody knows what came of it. */
export function firstForward(rollout: Rollout, node: NodeRun): Place {
  const { path } = turnOf(rollout, node.name);
  const index =
    node.touched && node.uncertain ? path.findIndex(changesService) : path.findIndex((step) => traits[step].proves);
  return placeAt(rollout, node, 'forward', node.touched || node.already ? index : 0);
}

/** What never proved healthy is diagnosed before the rollback destroys the evidence. */
export function firstBack(rollout: Rollout, node: NodeRun): Place {
  const { undo } = turnOf(rollout, node.name);
  const isToBeDiagnosed = node.proof === null && node.diagnosis === null;
  const index = isToBeDiagnosed ? 0 : undo.findIndex((step) => traits[step].onFailure !== 'ignore');
  return placeAt(rollout, node, 'back', index);
}

/** What comes after a step; null at the end of the way. */
export function following(rollout: Rollout, { direction, phase: id, index }: Place): Place | null {
  const phase = rollout.phases.find((each) => each.id === id);
  const path = phase?.is === 'nodes' ? (direction === 'forward' ? phase.path : phase.undo) : [];
  const step = path[index + 1];
  return step === undefined ? null : { direction, phase: id, index: index + 1, step };
}
