import { isOpen, withApproversOf } from '../upgrade/rollout/index.ts';
import type { Fleet, Rollout } from '../upgrade/rollout/types.ts';
import type { Access, CommandContext } from './context.ts';

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

/** The same, with what was begun since: of one that is over and not the newest nothing can be brought back. */
export async function asShownNow(
  context: Pick<CommandContext, 'fleet' | 'access' | 'control'>,
  rollout: Rollout,
): Promise<Rollout> {
  const shown = asShown(context, rollout);
  if (isOpen(rollout)) return shown;
  const [newest] = await context.control.store.newestIds(1);
  return newest === undefined || newest === rollout.id ? shown : { ...shown, superseded: true };
}
