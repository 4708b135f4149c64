import { isOpen, withApproversOf } from '../upgrade/rollout/index.ts';
import type { Fleet, Rollout } from '../upgrade/rollout/types.ts';
import type { Access, CommandContext } from './context.ts';
import { successorOf } from './successor.ts';

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

/** The same, with what was begun since: of one that is over nothing can be brought back any more then. */
export async function asShownNow(
  context: Pick<CommandContext, 'fleet' | 'access' | 'control'>,
  rollout: Rollout,
): Promise<Rollout> {
  const shown = asShown(context, rollout);
  if (isOpen(rollout)) return shown;
  // What cannot be read may have come between.
  const isFree = await successorOf(context.control.store, rollout).then(
    (found) => found === null,
    () => false,
  );
  return isFree ? shown : { ...shown, superseded: true };
}
