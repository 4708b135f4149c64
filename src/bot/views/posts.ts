import type { LastWord, Rollout } from '../../upgrade/rollout/types.ts';
import { directPosts } from './direct.ts';
import { endingPosts } from './ending.ts';
import { failurePosts } from './failure.ts';
import { gatePosts } from './gate.ts';
import { mainPost } from './main.ts';
import { nodePosts } from './node.ts';
import { closing, type Place, type Post } from './post.ts';
import { schedulePosts } from './schedule.ts';
import { when, who } from './text.ts';
import { waitPosts } from './waits.ts';

export type { Place, Post } from './post.ts';

/** Everything that should stand in the chat, from the state alone: equal states give equal messages. */
export function posts(rollout: Rollout): Post[] {
  return [
    mainPost(rollout),
    ...schedulePosts(rollout),
    ...failurePosts(rollout),
    ...waitPosts(rollout),
    ...gatePosts(rollout),
    ...endingPosts(rollout),
    ...nodePosts(rollout),
    ...directPosts(rollout),
  ];
}

/**
 * What stands in the chat and is no longer part of the state (a failure that is being tried again): told how it ended, below
 * what it says. `standing` are the keys of what was posted.
 */
export function outdated(rollout: Rollout, standing: string[]): Post[] {
  const current = new Set(posts(rollout).map(({ key }) => key));
  return standing.flatMap((key) => {
    const line = current.has(key) ? null : endOf(rollout, key);
    return line === null ? [] : [closing(rollout, key, placeOf(rollout, key), line)];
  });
}

const placeOf = ({ requester }: Rollout, key: string): Place =>
  key.startsWith('dm.') ? { is: 'dm', user: requester } : { is: 'thread', broadcast: true };

function endOf(rollout: Rollout, key: string): string | null {
  if (/^(?:dm\.)?gate\./.test(key)) return `→ Not asked for any more. ${lastWord(rollout)}`;
  if (key.startsWith('wait.')) return '→ This wait is over; the live message above says how it went on.';
  return /^(?:dm\.)?(?:failed|stuck|held|finished|stopped|done)\./.test(key) ? `→ ${lastWord(rollout)}` : null;
}

const words: Record<LastWord['is'], string> = {
  approved: 'Approved',
  paused: 'Paused',
  resumed: 'Resumed',
  stopped: 'Stopped',
  retried: 'Tried again',
  decided: 'Decided, and tried again',
  'rollback-asked': 'Rollback asked for',
};

/** Who decided since, as far as it is known. */
function lastWord({ lastWord: said, run }: Rollout): string {
  const where = `now run ${run}, see the live message above.`;
  return said == null
    ? `Decided since: ${where}`
    : `${words[said.is]} by ${who(said.by)} at ${when(said.at)}: ${where}`;
}
