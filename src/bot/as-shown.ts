import { withApproversOf } from '../upgrade/rollout/index.ts';
import type { Fleet, Rollout } from '../upgrade/rollout/types.ts';
import type { Access } from './context.ts';

/** What people see of a rollout: with the approvers of now, and how they approve. */
export function asShown(
  { fleet, access }: { fleet: Pick<Fleet, 'regions'>; access: Pick<Access, 'approvals'> },
  rollout: Rollout,
): Rollout {
  const now = withApproversOf(fleet, rollout);
  if (access.approvals === 'button') return now;
  const phases = now.phases.map((phase) =>
    phase.is === 'approval' ? { ...phase, by: { ...phase.by, onlySigned: true as const } } : phase,
  );
  return { ...now, phases };
}
