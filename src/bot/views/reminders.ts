import {
  approvals,
  declineOf,
  gates,
  nextNode,
  sinceOf,
  takenBy,
  waitingForPeople,
  waitKey,
} from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { mineButtons } from './buttons.ts';
import { declinedBy, stillOpen } from './declined.ts';
import { called, escalated, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { foreign, gateReason, heldReason, span, when } from './text.ts';
import { askedOf } from './words.ts';

/**
 * Calls again, once each, for what still waits for people and nobody has: only the newest, however long nobody was there to
 * say it. The last one calls whoever comes next.
 */
export function reminderPosts(rollout: Rollout, people: People): Post[] {
  return waitingForPeople(rollout).flatMap((waiting) => {
    const key = waitKey(waiting);
    const count = rollout.reminded?.[key] ?? 0;
    const after = rollout.policy.reminders?.[count - 1];
    if (count === 0 || after === undefined || takenBy(rollout, waiting) !== null) return [];
    const isLast = count === rollout.policy.reminders?.length;
    const lines = [...words(rollout, waiting.what, waiting.since, after, people), ...(isLast ? escalated(people) : [])];
    return [
      post(
        rollout,
        `remind.${key}.${count}`,
        { is: 'thread', broadcast: true },
        [
          { is: 'lines', lines },
          { is: 'buttons', buttons: mineButtons(rollout, waiting.what) },
        ],
        { once: true },
      ),
    ];
  });
}

function words(rollout: Rollout, what: string, since: number, after: number, people: People): string[] {
  const { status, release } = rollout;
  const head = (text: string, ...rest: string[]) => [`‼ *Still waiting, for ${span(after)}*: ${text}`, ...rest];
  const phase = approvals(rollout).find(({ id }) => id === what);
  const no = phase === undefined ? null : declineOf(phase);
  if (phase !== undefined && no !== null)
    return head(declinedBy(phase, no), stillOpen(phase), ...called(rollout, people));
  if (phase !== undefined)
    return head(
      `${askedOf(rollout, phase)}, may *${foreign(phase.title, 80)}* go to ${release.version}? Asked ${when(sinceOf(phase) ?? since)}.`,
    );
  if (what === 'start') return missed(rollout, since, after, people);
  if (status.is === 'held' && what === 'held')
    return head(
      `${release.version} is held since ${when(since)}, nothing moves until somebody decides. ${heldReason(status.reason, 300)}`,
      ...called(rollout, people),
    );
  const where = what.slice(what.indexOf(' ') + 1);
  return head(`${foreign(where, 80)}, since ${when(since)}; the message above says why.`, ...called(rollout, people));
}

function missed(rollout: Rollout, since: number, after: number, people: People): string[] {
  const node = nextNode(rollout);
  const shut = node === null ? [] : [...gates(rollout, node.name, since + after), ...(node.held?.gates ?? [])];
  const why = [...new Set(shut.map((gate) => gateReason(gate)))].join('; ');
  return [
    `‼ *${rollout.release.version} was to begin ${when(since)} and has not*${why === '' ? '' : `: ${why}`}`,
    'Nothing was touched. `/zeitwork why` says what holds it now.',
    ...called(rollout, people),
  ];
}
