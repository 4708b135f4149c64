import { withApproversOf } from '../upgrade/rollout/index.ts';
import type { Fleet, Rollout } from '../upgrade/rollout/types.ts';
import type { Access } from './context.ts';

/** What people see of a rollout: with the approvers of now, whether the requester is one of them, and how they approve. */
export function asShown(
  { fleet, access }: { fleet: Pick<Fleet, 'regions' | 'policy'>; access: Pick<Access, 'approvals'> },
  rollout: Rollout,
): Rollout {
  const { policy } = rollout;
  const selfApproval = policy.selfApproval && fleet.policy.selfApproval;
  const now = { ...withApproversOf(fleet, rollout), policy: { ...policy, selfApproval } };
  if (access.approvals === 'button') return now;
  const phases = now.phases.map((phase) =>
    phase.is === 'approval' ? { ...phase, by: { ...phase.by, onlySigned: true as const } } : phase,
  );
  return { ...now, phases };
}
