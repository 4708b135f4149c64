import type { ActionName, Policy, StepName } from './types.ts';

/** systemd lets a service take 90 s to stop; `systemctl restart` waits for it. */
const slowStop = 120_000;
const slack = 60_000;

/** How old a try of a step may become (ms) before somebody is told that its report is missing. */
export function expectedAge(step: StepName | ActionName, policy: Policy): number {
  const { commandTimeout, transferTimeout, healthDeadline, soak, canarySoak } = policy;
  switch (step) {
    case 'stage':
      return 2 * transferTimeout + 3 * commandTimeout + slack;
    case 'switch':
    case 'recover':
    case 'restart':
    case 'configure':
    case 'restore':
      return 2 * Math.max(commandTimeout, slowStop) + slack;
    case 'verify':
    case 'verify-restored':
      return slowStop + healthDeadline + 2 * Math.max(soak, canarySoak) + slack;
    default:
      return 2 * commandTimeout + slack;
  }
}
