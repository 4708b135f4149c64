import { isAny } from '../../base/is-any.ts';
import type { ActionName, StepName } from './facts.ts';
import type { ActionPhase } from './rollout.ts';

/** What is true of a step, in one place: nobody else compares step names. */
export interface Trait {
  /**
   * `service`: what runs; from its intent on the node counts as possibly changed. `traffic`: whether it is asked to serve.
   * `shelf`: files that nobody runs yet. `pool`: which of two places of a whole region gets the traffic.
   */
  changes: 'nothing' | 'shelf' | 'traffic' | 'pool' | 'service';
  /** It takes the node out of service for a while: the gates are asked right before. */
  takes: 'nothing' | 'traffic' | 'service';
  /** What brings back what it changed, in order. */
  undo: StepName[];
  /** `undo`: the node goes back by itself. `ignore`: it is not worth a failure. */
  onFailure: 'hold' | 'undo' | 'ignore';
  /** It proves that the node is what it should be. */
  proves: boolean;
  /** A larger archive makes it longer. */
  carries: boolean;
}

export const traits: Record<StepName, Trait> = {
  stage: { changes: 'shelf', takes: 'nothing', undo: [], onFailure: 'hold', proves: false, carries: true },
  backup: { changes: 'shelf', takes: 'nothing', undo: [], onFailure: 'hold', proves: false, carries: false },
  drain: { changes: 'traffic', takes: 'traffic', undo: ['undrain'], onFailure: 'undo', proves: false, carries: false },
  switch: {
    changes: 'service',
    takes: 'service',
    undo: ['restore', 'verify-restored'],
    onFailure: 'undo',
    proves: false,
    carries: false,
  },
  verify: { changes: 'nothing', takes: 'nothing', undo: [], onFailure: 'undo', proves: true, carries: false },
  undrain: { changes: 'traffic', takes: 'nothing', undo: [], onFailure: 'hold', proves: false, carries: false },
  cleanup: { changes: 'shelf', takes: 'nothing', undo: [], onFailure: 'ignore', proves: false, carries: false },
  diagnose: { changes: 'nothing', takes: 'nothing', undo: [], onFailure: 'ignore', proves: false, carries: false },
  restore: { changes: 'service', takes: 'service', undo: [], onFailure: 'hold', proves: false, carries: false },
  'verify-restored': {
    changes: 'nothing',
    takes: 'nothing',
    undo: [],
    onFailure: 'hold',
    proves: true,
    carries: false,
  },
  // What lay there was broken: nothing to go back to, so what fails is left to people.
  recover: { changes: 'service', takes: 'service', undo: [], onFailure: 'hold', proves: false, carries: false },
  // It runs what it ran before: nothing to go back to either.
  restart: { changes: 'service', takes: 'service', undo: [], onFailure: 'hold', proves: false, carries: false },
  configure: {
    changes: 'service',
    takes: 'service',
    undo: ['restore', 'verify-restored'],
    onFailure: 'undo',
    proves: false,
    carries: false,
  },
  // What a region's balancer has to do has turns of its own (`turnsOf` in balancing.ts). What runs beside serves nobody yet.
  beside: { changes: 'service', takes: 'nothing', undo: ['retire'], onFailure: 'undo', proves: true, carries: true },
  'lb-switch': {
    changes: 'service',
    takes: 'service',
    undo: ['lb-back', 'traffic-back'],
    onFailure: 'undo',
    proves: false,
    carries: false,
  },
  traffic: { changes: 'nothing', takes: 'nothing', undo: [], onFailure: 'undo', proves: true, carries: false },
  'lb-back': { changes: 'service', takes: 'nothing', undo: [], onFailure: 'hold', proves: false, carries: false },
  'traffic-back': { changes: 'nothing', takes: 'nothing', undo: [], onFailure: 'hold', proves: true, carries: false },
  'lb-home': { changes: 'pool', takes: 'service', undo: [], onFailure: 'hold', proves: false, carries: false },
  retire: { changes: 'pool', takes: 'nothing', undo: [], onFailure: 'hold', proves: false, carries: false },
};

/** What is true of an action. */
export interface ActionTrait {
  changes: 'nothing' | 'traffic' | 'service' | 'schema';
  undo: ActionPhase['undo'];
}

export const actionTraits: Record<ActionName, ActionTrait> = {
  migrate: { changes: 'schema', undo: 'refuse' },
};

/** Steps that change what runs. */
export const changesService = (step: StepName): boolean => traits[step].changes === 'service';

/** It brings back what ran before, or proves that. On a way forward that is a rehearsal. */
export const isOfWayBack = (step: StepName): boolean => isAny(step, ...traits.switch.undo);

/** A step that changes something, if only files that nobody runs yet; and one that asks the gates right before it does. */
export const changesAnything = (step: StepName): boolean => traits[step].changes !== 'nothing';
export const asksGates = (step: StepName): boolean => traits[step].takes !== 'nothing';

/** A step that takes a node out of service without touching what runs; and one that puts it back. */
export const drains = (step: StepName): boolean => traits[step].takes === 'traffic';
export const putsBack = (step: StepName): boolean =>
  traits[step].changes === 'traffic' && traits[step].takes === 'nothing';

/** When a step breaks half-way, nobody knows what the node did. */
export const changesNode = (step: StepName): boolean => isAny(traits[step].changes, 'traffic', 'pool', 'service');

/** The way back of a path: the newest change first. What never proved healthy is diagnosed before the evidence is gone. */
export function undoOf(path: readonly StepName[]): StepName[] {
  const back = [...path].reverse().flatMap((step) => traits[step].undo);
  return back.length === 0 ? [] : ['diagnose', ...back, 'cleanup'];
}
