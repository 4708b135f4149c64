import type { LastWord, Rollout } from '../../upgrade/rollout/types.ts';
import { goalFirst } from './goal.ts';
import { heldReason, when, who } from './text.ts';

const words: Record<LastWord['is'], string> = {
  approved: 'Approved',
  declined: 'Declined',
  paused: 'Paused',
  resumed: 'Resumed',
  stopped: 'Stopped',
  retried: 'Tried again',
  decided: 'Decided, and tried again',
  'rollback-asked': 'Rollback asked for',
  rescheduled: 'Moved to another time',
};

/** Who decided since, as far as it is known. What went back by itself was decided by nobody who said something before. */
export function lastWord({ lastWord: said, run, wentBack }: Rollout): string {
  const where = `${run === 1 ? '' : `now run ${run}, `}see the live message above.`;
  if (wentBack !== undefined && (said == null || said.at <= wentBack.at))
    return `Brought back by the settings (\`policy.autoRollback\`) at ${when(wentBack.at)}: ${where}`;
  return said == null
    ? `Decided since: ${where}`
    : `${words[said.is]} by ${who(said.by)} at ${when(said.at)}: ${where}`;
}

/** Why something is asked no more. A hold is nobody's decision, and whoever decided something before it has no part in it. */
export function whyOver(rollout: Rollout): string {
  const { status } = rollout;
  return status.is === 'held'
    ? `${goalFirst(rollout)} is held since ${when(status.at)}: ${heldReason(status.reason)}`
    : lastWord(rollout);
}
