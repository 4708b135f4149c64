import { freezesOf } from '../upgrade/ledger/index.ts';
import { followsOn, isOpen, knowing, withApproversOf } from '../upgrade/rollout/index.ts';
import type { Fleet, Rollout } from '../upgrade/rollout/types.ts';
import type { Freeze } from '../windows/types.ts';
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

/** The same, with what others decided since: freezes that were declared or lifted; and of one that is over, what came after it, and what could. */
export async function asShownNow(
  context: Pick<CommandContext, 'fleet' | 'access' | 'control' | 'clock' | 'promotesTo'>,
  rollout: Rollout,
): Promise<Rollout> {
  const shown = asShown(context, rollout);
  if (isOpen(rollout)) return withDeclared(context, shown);
  // What cannot be read may have come between.
  const isFree = await successorOf(context.control.store, rollout).then(
    (found) => found === null,
    () => false,
  );
  if (!isFree) return { ...shown, superseded: true };
  const { promotesTo = [] } = context;
  const follows = followsOn(context.fleet, rollout);
  return {
    ...shown,
    ...(promotesTo.length === 0 ? {} : { promotesTo }),
    ...(follows === null ? {} : { follows }),
  };
}

/** Looks find a freeze out, too, but days may pass to the next one; those of the settings are as the last look found them. */
async function withDeclared(
  { control, clock }: Pick<CommandContext, 'control' | 'clock'>,
  rollout: Rollout,
): Promise<Rollout> {
  const ledger = await control.ledger.load().catch(() => null);
  if (ledger === null) return rollout;
  const isWritten = ({ id }: Freeze) => id === undefined;
  const freezes = (region: string) => [
    ...(rollout.looks[region]?.freezes ?? []).filter(isWritten),
    ...freezesOf(ledger, region, clock.now()),
  ];
  return knowing(rollout, freezes, { is: 'not wanted' });
}
