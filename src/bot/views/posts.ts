import { approvals, sinceOf } from '../../upgrade/rollout/index.ts';
import type { LastWord, Rollout } from '../../upgrade/rollout/types.ts';
import { directPosts } from './direct.ts';
import { endingPosts } from './ending.ts';
import { failurePosts } from './failure.ts';
import { frozenPosts } from './frozen.ts';
import { decided, gateKey, gatePosts, isAsking } from './gate.ts';
import { mainPost } from './main.ts';
import { nodePosts } from './node.ts';
import { nobody, type People } from './people.ts';
import { closing, type Place, type Post } from './post.ts';
import { reminderPosts } from './reminders.ts';
import { cameTo, schedulePosts } from './schedule.ts';
import { when, who } from './text.ts';
import { waitPosts } from './waits.ts';

export type { Place, Post } from './post.ts';

/** Everything that should stand in the chat, from the state alone: equal states give equal messages. */
export function posts(rollout: Rollout, people: People = nobody): Post[] {
  return [
    mainPost(rollout),
    ...schedulePosts(rollout),
    ...failurePosts(rollout, people),
    ...waitPosts(rollout, people),
    ...frozenPosts(rollout),
    ...gatePosts(rollout),
    ...endingPosts(rollout),
    ...nodePosts(rollout),
    ...directPosts(rollout, people),
    ...reminderPosts(rollout, people),
  ];
}

/**
 * What stands in the chat and is no longer part of the state (a failure that is being tried again): told how it ended, below
 * what it says. `standing` are the keys of what was posted.
 */
export function outdated(rollout: Rollout, standing: string[], people: People = nobody): Post[] {
  const current = new Set(posts(rollout, people).map(({ key }) => key));
  return standing.flatMap((key) => {
    const line = current.has(key) ? null : endOf(rollout, key);
    return line === null ? [] : [closing(rollout, key, placeOf(rollout, key), line)];
  });
}

function placeOf({ requester }: Rollout, key: string): Place {
  const [kind, what, user = ''] = key.split('.');
  if (kind !== 'dm') return { is: 'thread', broadcast: true };
  return { is: 'dm', user: what === 'ask' ? user : requester };
}

function endOf(rollout: Rollout, key: string): string | null {
  if (/^(?:dm\.(?:ask\.\w+\.)?)?gate\./.test(key)) return endOfAsk(rollout, key);
  if (key.startsWith('freeze.')) return '→ It is over, was lifted, or keeps nothing from beginning any more.';
  if (key.startsWith('soon.')) return cameTo(rollout);
  if (key.startsWith('wait.')) return '→ This wait is over; the live message above says how it went on.';
  return /^(?:dm\.)?(?:failed|stuck|held|finished|stopped|done)\./.test(key) ? `→ ${lastWord(rollout)}` : null;
}

/** Null while it is still asked: that a person is no longer found in a group may be a lookup that failed. */
function endOfAsk(rollout: Rollout, key: string): string | null {
  const phase = approvals(rollout).find((each) => key.endsWith(gateKey(each, sinceOf(each) ?? 0)));
  if (phase !== undefined && isAsking(rollout, phase)) return null;
  return phase?.state.is === 'done' ? decided(rollout, phase) : `→ Not asked for any more. ${lastWord(rollout)}`;
}

const words: Record<LastWord['is'], string> = {
  approved: 'Approved',
  paused: 'Paused',
  resumed: 'Resumed',
  stopped: 'Stopped',
  retried: 'Tried again',
  decided: 'Decided, and tried again',
  'rollback-asked': 'Rollback asked for',
  rescheduled: 'Moved to another time',
};

/** Who decided since, as far as it is known. */
function lastWord({ lastWord: said, run }: Rollout): string {
  const where = `now run ${run}, see the live message above.`;
  return said == null
    ? `Decided since: ${where}`
    : `${words[said.is]} by ${who(said.by)} at ${when(said.at)}: ${where}`;
}
