import { bySettings } from '../../base/actor.ts';
import { bringBack } from './decisions.ts';
import { goesForward, nodeOf, touchedNewestFirst } from './queries.ts';
import type { NodeRun, RollbackScope, Rollout } from './types.ts';

/**
 * Where the settings want more back than the node that failed. Once in a rollout: what a person has let try again, and
 * fails again, is theirs to decide about, so that nothing goes to and fro by itself. The run stays: nobody decided, and the orders
 * of a node's turn let it go back.
 * @param before as it was when the report came that made `name` fail
 */
export function widened(before: Rollout, after: Rollout, name: string, at: number): Rollout {
  const failed = nodeOf(after, name);
  const scope = scopeFor(after, failed);
  if (scope === null || after.wentBack !== undefined || !beganToGoBack(nodeOf(before, name), failed)) return after;
  // Somebody's stop, hold or rollback stays.
  if (!goesForward(before) || after.status.is !== 'held') return after;
  const queue = touchedNewestFirst(after, scope);
  if (queue.every((each) => each === name)) return after;
  const status = { by: bySettings, at, after: { node: name, reason: failed.failure ?? 'failed' } };
  return bringBack({ ...after, wentBack: { scope, at } }, { scope, queue, ...status }, () => false);
}

function scopeFor({ policy }: Rollout, { region }: NodeRun): RollbackScope | null {
  switch (policy.autoRollback) {
    case 'region':
      return { is: 'region', region };
    case 'everything':
      return { is: 'all' };
    default:
      return null;
  }
}

const goesBack = ({ state }: NodeRun): boolean => state.is === 'working' && state.direction === 'back';

const beganToGoBack = (before: NodeRun, after: NodeRun): boolean =>
  !goesBack(before) && goesBack(after) && after.touched && after.failure !== null;
