import { approvals, endOf, healthyFor, sinceOf, turns } from '../../src/upgrade/rollout/index.ts';
import type { Approval, Event, Rollout, WatchPhase } from '../../src/upgrade/rollout/types.ts';

/** A turn with the approval that opens it and the watch that follows it, as tests speak of them. */
export interface Part {
  title: string;
  nodes: string[];
  finishedAt: number | null;
  healthyFor: number;
  /** The last healthy look at its first region. */
  healthyAt: number | null;
  bakedAt: number | null;
  /** Somebody must approve it. */
  approval: boolean;
  askedAt: number | null;
  approved: Approval | null;
}

export function parts(rollout: Rollout): Part[] {
  return turns(rollout).map((turn) => {
    const approval = approvals(rollout).find(({ opens }) => opens.includes(turn.id)) ?? null;
    const watch = watchOf(rollout, turn.id.slice('nodes/'.length));
    return {
      title: turn.title,
      nodes: turn.nodes,
      finishedAt: endOf(turn),
      healthyFor: watch === null ? 0 : healthyFor(watch),
      healthyAt: watch?.healthy[watch.regions[0] ?? '']?.at ?? null,
      bakedAt: endOf(watch),
      approval: approval !== null,
      askedAt: sinceOf(approval),
      approved: approval?.given[0] ?? null,
    };
  });
}

export function watchOf({ phases }: Rollout, name: string): WatchPhase | null {
  const phase = phases.find(({ id }) => id === `watch/${name}`);
  return phase?.is === 'watch' ? phase : null;
}

/** Whether the approval of a part is being asked for, or was given. */
export const isAsked = (rollout: Rollout, name: string): boolean =>
  approvals(rollout).some(({ id, state }) => id === `approval/${name}` && state.is !== 'pending');

export const approve = (name: string, by: string, at: number): Event => ({
  type: 'approved',
  at,
  phase: `approval/${name}`,
  by,
});
