import {
  approvals,
  declineOf,
  isOpen,
  nodesInOrder,
  regionsOf,
  sinceOf,
  takenBy,
  waitingForPeople,
  waitKey,
} from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, Rollout } from '../../upgrade/rollout/types.ts';
import { worsePosts } from './afterwards.ts';
import { checklistPosts } from './checklist.ts';
import { declinedPosts } from './declined.ts';
import { directPosts } from './direct.ts';
import { endingPosts } from './ending.ts';
import { failurePosts } from './failure.ts';
import { frozenPosts } from './frozen.ts';
import { decided, gateKey, gatePosts, isAsking } from './gate.ts';
import { lastWord, whyOver } from './last-word.ts';
import { mainPost } from './main.ts';
import { nodeKey, nodePosts, regionKey } from './node.ts';
import { nobody, type People } from './people.ts';
import { closing, type Place, type Post } from './post.ts';
import { reminderPosts } from './reminders.ts';
import { reportPosts } from './report.ts';
import { cameTo, schedulePosts } from './schedule.ts';
import { hasIt } from './taken.ts';
import { when } from './text.ts';
import { waitPosts } from './waits.ts';
import { isLarge } from './words.ts';

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
    ...checklistPosts(rollout),
    ...declinedPosts(rollout, people),
    ...endingPosts(rollout, people),
    ...reportPosts(rollout),
    ...worsePosts(rollout, people),
    ...nodePosts(rollout),
    ...directPosts(rollout, people),
    ...reminderPosts(rollout, people),
  ];
}

/**
 * What stands in the chat and is no longer part of the state (a failure that is being tried again): told how it ended, below
 * what it says. `standing` are the keys of what was posted, `current` what should stand there.
 */
export function outdated(
  rollout: Rollout,
  standing: string[],
  people: People = nobody,
  current: readonly Post[] = posts(rollout, people),
): Post[] {
  const keys = new Set(current.map(({ key }) => key));
  return standing.flatMap((key) => {
    const line = keys.has(key) ? null : endOf(rollout, key);
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
  if (/^(?:node|region)\./.test(key)) return endOfTurn(rollout, key);
  if (key.startsWith('remind.')) return endOfReminder(rollout, key);
  if (key.startsWith('soon.')) return cameTo(rollout);
  if (key.startsWith('checklist.')) return `→ It is not asked for any more: ${begunWord(rollout)}`;
  if (/^after\.\d+\.well\./.test(key)) return '→ It is not so any more: it got worse again, or is watched anew.';
  if (key.startsWith('after.')) return '→ That watch is over.';
  if (key.startsWith('wait.')) return '→ This wait is over; the live message above says how it went on.';
  return /^(?:dm\.)?(?:failed|stuck|held|declined|finished|stopped|done)\./.test(key) ? `→ ${lastWord(rollout)}` : null;
}

/** Why nothing of a list can be ticked any more. */
const begunWord = (rollout: Rollout): string =>
  rollout.startedAt === null || !isOpen(rollout) ? whyOver(rollout) : 'what it was asked for has begun.';

/** Null while it is still asked: that a person is no longer found in a group may be a lookup that failed. */
function endOfAsk(rollout: Rollout, key: string): string | null {
  const phase = approvals(rollout).find((each) => key.endsWith(gateKey(each, sinceOf(each) ?? 0)));
  if (phase !== undefined && isAsking(rollout, phase)) return ownAnswer(phase, key);
  return phase?.state.is === 'done' ? decided(rollout, phase) : `→ Not asked for any more. ${whyOver(rollout)}`;
}

/** Of a question that goes on for others, to one who has answered it. */
function ownAnswer(phase: ApprovalPhase, key: string): string | null {
  const isOwn = ({ by }: { by: string }): boolean => key.startsWith(`dm.ask.${by}.`);
  const yes = phase.given.find(isOwn);
  if (yes !== undefined) return `→ You said yes at ${when(yes.at)}; it still waits for others.`;
  const no = declineOf(phase);
  return no !== null && isOwn(no) ? `→ You declined it at ${when(no.at)}; a yes of yours would still count.` : null;
}

/** Its turn was put off, and nothing on it was changed: what stands there would say that it is being prepared for ever. */
function endOfTurn(rollout: Rollout, key: string): string | null {
  const putOff = '→ Put off, unchanged; it waits for its turn again.';
  if (regionsOf(rollout).some((region) => key === regionKey(rollout, region))) return putOff;
  const node = nodesInOrder(rollout).find((each) => key === nodeKey(rollout, each));
  if (node !== undefined && isLarge(rollout)) return '→ Told with its region from here on.';
  return node?.state.is === 'ready' && !node.touched ? putOff : null;
}

/** Only the newest one has a button: it is called again, somebody has it, or it does not wait any more. */
function endOfReminder(rollout: Rollout, key: string): string {
  const waiting = waitingForPeople(rollout).find((each) => key.startsWith(`remind.${waitKey(each)}.`));
  const taken = waiting === undefined ? null : takenBy(rollout, waiting);
  if (taken !== null) return `→ ${hasIt(taken)}.`;
  return waiting === undefined
    ? '→ It does not wait any more; the live message above says how it went on.'
    : '→ Called again since.';
}
