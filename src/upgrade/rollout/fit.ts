import { openInterval } from '../../windows/index.ts';
import type { Calendar, Interval } from '../../windows/types.ts';
import { backMs, forwardMs } from './pace.ts';
import { firstForward } from './path.ts';
import { pathOf, turnOf } from './phases.ts';
import { isCanary, nodesInOrder } from './queries.ts';
import type { NodeRun, Rollout } from './types.ts';

/** What must still be possible before a window closes, so that a node may be begun in it. Milliseconds. */
export interface Needed {
  /** To bring it to the release. */
  forward: number;
  /** To bring back, one by one, all that would have been switched in this window then. */
  back: number;
  /** How many nodes that are. */
  nodes: number;
}

/** Nearly at worst, as far as is known: who is awake for this window must not be needed after it. */
export function neededFor(rollout: Rollout, node: NodeRun, calendar: Calendar, open: Interval): Needed {
  const { policy, pace } = rollout;
  if (pace === null) return { forward: policy.expectedNode, back: policy.rollbackReserve, nodes: 1 };
  const opened = openedAt(calendar, open);
  const others = nodesInOrder(rollout).filter((each) => each.name !== node.name && isAtStake(each, opened));
  const all = node.already ? others : [node, ...others];
  const back = all.reduce((sum, { name }) => sum + backMs(rollout, name, turnOf(rollout, name), 'p90'), 0);
  return { forward: forwardFor(rollout, node), back, nodes: all.length };
}

function forwardFor(rollout: Rollout, node: NodeRun): number {
  const { state } = node;
  const soak = isCanary(rollout, node) ? rollout.policy.canarySoak : rollout.policy.soak;
  const index = state.is === 'working' ? state.index : firstForward(rollout, node).index;
  const path = pathOf(turnOf(rollout, node.name), node.name);
  return forwardMs(rollout, node.name, { path }, index, soak, 'p90');
}

/** Switched since the window opened, in whichever region: rollbacks go one after another. Or about to be. */
function isAtStake({ touched, touchedAt, state, already }: NodeRun, opened: number): boolean {
  if (touched) return (touchedAt ?? opened) >= opened;
  return state.is === 'working' && state.direction === 'forward' && !already;
}

/** A freeze that has ended parts a window; what was switched before it belongs to the same one. */
function openedAt({ zone, windows, freezes }: Calendar, open: Interval): number {
  if (freezes.length === 0) return open.start;
  return openInterval({ zone, windows, freezes: [] }, open.start)?.start ?? open.start;
}
