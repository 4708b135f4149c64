import { isAny } from '../../base/is-any.ts';
import { traits } from './traits.ts';
import { movePhase } from './transitions.ts';
import type { ActionPhase, ApprovalPhase, NodesPhase, Phase, Rollout, StepName, WatchPhase } from './types.ts';

/** Reading the plan, and moving its phases: all that knows what "in order" means. */

export function phaseOf(rollout: Rollout, id: string): Phase {
  const phase = rollout.phases.find((each) => each.id === id);
  if (!phase) throw new Error(`rollout ${rollout.id} has no phase ${id}`);
  return phase;
}

/** A phase in which nodes are brought to the release, or only proven to be on it. */
export const isTurn = (phase: Phase): phase is NodesPhase => phase.is === 'nodes' && endsProven(phase);

const endsProven = ({ path }: NodesPhase): boolean => path.some((step) => traits[step].proves);

/** Nodes are taken out of service in it. Of a turn in which they are not, the plan knew that all of them ran the release. */
export const takesNodes = ({ path }: NodesPhase): boolean => path.some((step) => traits[step].takes !== 'nothing');

export const isStaging = (phase: Phase): phase is NodesPhase => phase.is === 'nodes' && !endsProven(phase);

/** The way of one of its nodes. */
export const pathOf = ({ path, rehearsal }: NodesPhase, node: string): StepName[] =>
  rehearsal?.node === node ? rehearsal.path : path;

type Phases = Pick<Rollout, 'phases'>;

/** Asked for by every rule about the same phases, which never change: what moves one makes a list of its own. */
const knownTurns = new WeakMap<readonly Phase[], readonly NodesPhase[]>();

export function turns({ phases }: Phases): readonly NodesPhase[] {
  const known = knownTurns.get(phases);
  if (known !== undefined) return known;
  const found = phases.filter(isTurn);
  knownTurns.set(phases, found);
  return found;
}

export const approvals = ({ phases }: Phases): ApprovalPhase[] =>
  phases.filter((phase): phase is ApprovalPhase => phase.is === 'approval');

export const actions = ({ phases }: Phases): ActionPhase[] =>
  phases.filter((phase): phase is ActionPhase => phase.is === 'action');

export const actionOf = (rollout: Phases, id: string): ActionPhase | null =>
  actions(rollout).find((phase) => phase.id === id) ?? null;

const knownTurnOf = new WeakMap<readonly NodesPhase[], ReadonlyMap<string, NodesPhase>>();

function turnsByNode(list: readonly NodesPhase[]): ReadonlyMap<string, NodesPhase> {
  const known = knownTurnOf.get(list);
  if (known !== undefined) return known;
  // Of a node with several the first one counts, so the last word is its.
  const found = new Map(list.toReversed().flatMap((phase) => phase.nodes.map((node) => [node, phase] as const)));
  knownTurnOf.set(list, found);
  return found;
}

/** The phase in which a node has its turn. */
export function turnOf(rollout: Rollout, node: string): NodesPhase {
  const phase = turnsByNode(turns(rollout)).get(node);
  if (!phase) throw new Error(`rollout ${rollout.id} has no turn for ${node}`);
  return phase;
}

/** The first phase that is not over; null at the end. */
export function currentPhase({ phases }: Rollout): Phase | null {
  return phases.find(({ state }) => state.is !== 'done') ?? null;
}

/** The watch that is going on; null when none is. */
export function watching(rollout: Rollout): WatchPhase | null {
  const current = rollout.phases.find((phase) => phase.is === 'watch' && phase.state.is === 'active');
  return current?.is === 'watch' ? current : null;
}

/** The watch that an approval is given on: the nearest one before it. */
export function watchBefore({ phases }: Rollout, { id }: Phase): WatchPhase | null {
  const before = phases.slice(
    0,
    phases.findIndex((phase) => phase.id === id),
  );
  return before.findLast((phase) => phase.is === 'watch') ?? null;
}

/** When a watch ended; null while it has not. */
export const endOf = (phase: Phase | null): number | null => (phase?.state.is === 'done' ? phase.state.at : null);

/** When all before it was over, epoch ms; null while that is not so. */
export function sinceOf(phase: Phase | null): number | null {
  return phase === null || phase.state.is === 'pending' ? null : phase.state.since;
}

/** A phase that is over now. */
export const over = <P extends Phase>(phase: P, at: number): P =>
  movePhase(phase, { is: 'done', since: sinceOf(phase) ?? at, at });

/** When the first of its approvers said yes: from then on it expires. Epoch ms; null when nobody did. */
export const saidAt = ({ given }: ApprovalPhase): number | null => given[0]?.at ?? null;

/** Healthy time of the region that has the least, ms. */
export const healthyFor = ({ healthy, regions }: WatchPhase): number =>
  Math.min(...regions.map((region) => healthy[region]?.ms ?? 0));

/** Earliest end of a watch that is going on, if every look from here on is healthy; epoch ms. What a look cost counts from that look. */
export function watchEnd({ looks }: Pick<Rollout, 'looks'>, phase: WatchPhase): number | null {
  const since = sinceOf(phase);
  if (since === null) return null;
  return Math.max(
    ...phase.regions.map((region) => watchEndOf(phase, region, Math.max(since, looks[region]?.at ?? since))),
  );
}

/** The same for one of its regions; `since`: from when on healthy time counts while no look has seen any. */
export function watchEndOf(phase: WatchPhase, region: string, since: number): number {
  const { ms = 0, at = null } = phase.healthy[region] ?? {};
  return (at ?? since) + Math.max(0, phase.for - ms);
}

/** Approvals that can be asked for: all before is over, and nobody was asked yet. */
export function askable(rollout: Rollout): ApprovalPhase[] {
  const current = currentPhase(rollout);
  return current?.is === 'approval' && current.state.is === 'pending' ? [current] : [];
}

/** Approvals that are asked for. */
export const asked = (rollout: Rollout): ApprovalPhase[] =>
  approvals(rollout).filter(({ state }) => state.is === 'active');

export const isWhole = ({ nodes }: Rollout, phase: Pick<NodesPhase, 'nodes'>): boolean =>
  phase.nodes.every((name) => nodes[name]?.state.is === 'done');

/** Whether a phase of nodes is over, from its nodes alone. */
export function isOver(rollout: Rollout, phase: NodesPhase): boolean {
  if (endsProven(phase)) return isWhole(rollout, phase);
  return phase.nodes.every((name) => !isAny(rollout.nodes[name]?.state.is, 'staging', 'failed'));
}

/** Nodes whose turn in this phase was begun. */
export function isBegun({ nodes }: Rollout, phase: NodesPhase): boolean {
  return phase.nodes.some((name) => !isAny(nodes[name]?.state.is, 'ready', 'staging'));
}

/** What must be watched anew. */
export function unwatched(phase: WatchPhase): WatchPhase {
  const { unwell: _, anewAt: __, compared: ___, ...rest } = anew(phase, { healthy: {} });
  return phase.state.is === 'pending' ? phase : rest;
}

/** What must be asked anew. */
export function unasked(phase: ApprovalPhase): ApprovalPhase {
  const { declined: _, ...rest } = anew(phase, { given: [] });
  return phase.state.is === 'pending' ? phase : rest;
}

const anew = <P extends Phase>(phase: P, changes: Partial<P>): P =>
  phase.state.is === 'pending' ? phase : movePhase(phase, { is: 'pending' }, changes);

/** The same rollout with some phases changed; the same object when none is. */
export function changePhases(rollout: Rollout, change: (phase: Phase, index: number) => Phase): Rollout {
  const phases = rollout.phases.map(change);
  return phases.every((phase, index) => phase === rollout.phases[index]) ? rollout : { ...rollout, phases };
}

export function changePhase(rollout: Rollout, id: string, change: (phase: Phase) => Phase): Rollout {
  return changePhases(rollout, (phase) => (phase.id === id ? change(phase) : phase));
}

/** No approval outlives a watch before it that must be done again. */
export function forgetApprovals(rollout: Rollout): Rollout {
  const first = rollout.phases.findIndex((phase) => phase.is === 'watch' && phase.state.is !== 'done');
  if (first === -1) return rollout;
  return changePhases(rollout, (phase, index) => (index > first && phase.is === 'approval' ? unasked(phase) : phase));
}

/** Puts each phase into the state that follows from its nodes and from what is before it. */
export function settlePhases(rollout: Rollout, at: number): Rollout {
  let isOpen = true;
  return changePhases(rollout, (phase) => {
    const settled =
      isOpen || phase.is === 'nodes' || phase.is === 'action' ? settleOne(rollout, phase, isOpen, at) : phase;
    isOpen &&= settled.state.is === 'done';
    return settled;
  });
}

function settleOne(rollout: Rollout, phase: Phase, isReached: boolean, at: number): Phase {
  const { state } = phase;
  const active = (): Phase => (state.is === 'active' ? phase : movePhase(phase, { is: 'active', since: at }));
  switch (phase.is) {
    case 'nodes':
      if (isOver(rollout, phase)) return state.is === 'done' ? phase : over(phase, at);
      return isReached || state.is === 'done' ? active() : phase;
    case 'action':
      if (phase.work.state.is === 'done') return state.is === 'done' ? phase : over(phase, at);
      return isReached || state.is === 'done' ? active() : phase;
    case 'watch':
      return state.is === 'pending' ? active() : phase;
    case 'approval':
      return phase;
  }
}
