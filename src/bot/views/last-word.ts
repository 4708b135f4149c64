import type { LastWord, Rollout } from '../../upgrade/rollout/types.ts';
import { when, who } from './text.ts';

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

/** Who decided since, as far as it is known. */
export function lastWord({ lastWord: said, run }: Rollout): string {
  const where = `now run ${run}, see the live message above.`;
  return said == null
    ? `Decided since: ${where}`
    : `${words[said.is]} by ${who(said.by)} at ${when(said.at)}: ${where}`;
}
