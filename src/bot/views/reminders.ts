import {
  approvals,
  calls,
  declineOf,
  gates,
  nextNode,
  startOf,
  takenBy,
  type Waiting,
  waitingForPeople,
  waitKey,
} from '../../upgrade/rollout/index.ts';
import type { Rollout } from '../../upgrade/rollout/types.ts';
import { mineButtons } from './buttons.ts';
import { declinedLines } from './declined.ts';
import { askedFor, goalFirst, goalOf } from './goal.ts';
import { called, escalated, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { serving, servingAt, servingWhereHeld } from './serving.ts';
import { untilDecided } from './taken.ts';
import { foreign, gateReason, heldReason, marked, sentence, when } from './text.ts';
import { waitOf } from './waits.ts';
import { askedOf } from './words.ts';

/**
 * Calls again, once each, for what still waits for people and nobody has: only the newest, however long nobody was there to
 * say it. The last one calls whoever comes next.
 */
export function reminderPosts(rollout: Rollout, people: People): Post[] {
  return waitingForPeople(rollout).flatMap((waiting) => {
    const key = waitKey(waiting);
    const count = rollout.reminded?.[key] ?? 0;
    const after = calls(rollout, waiting)[count - 1];
    if (after === undefined || takenBy(rollout, waiting) !== null) return [];
    const isLast = after === rollout.policy.reminders?.at(-1);
    const lines = [...marked('‼', words(rollout, waiting, after, people)), ...(isLast ? escalated(people) : [])];
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

/** Since when, not for how long: it may be said late, and nobody edits it. */
function words(rollout: Rollout, waiting: Waiting, after: number, people: People): string[] {
  const { status } = rollout;
  const { what, since } = waiting;
  const call = called(rollout, people);
  const head = `*Still waiting since ${when(since)}*:`;
  const phase = approvals(rollout).find(({ id }) => id === what);
  const no = phase === undefined ? null : declineOf(phase);
  if (phase !== undefined && no !== null) return [...marked(head, declinedLines(rollout, phase, no)), ...call];
  if (phase !== undefined)
    return [
      `${head} ${askedOf(rollout, phase)}, may *${foreign(phase.title, 80)}* ${askedFor(rollout)}? ${sentence(servingAt(rollout, phase))}.`,
    ];
  if (what === 'start') return [...missed(rollout, since + after), ...call];
  if (status.is === 'held' && what === 'held')
    return [
      `${head} ${goalOf(rollout)} is held; ${servingWhereHeld(rollout, 'dated')}; ${untilDecided(rollout)}`,
      `Why: ${heldReason(status.reason, 300)}`,
      ...call,
    ];
  const where = what.slice(what.indexOf(' ') + 1);
  const told = waitOf(rollout, what);
  const regions = told?.regions ?? [rollout.nodes[where]?.region ?? where];
  const state = told?.state ?? foreign(where, 80);
  return [`${head} ${state}; ${serving(rollout, regions)}; ${free}`, 'The message above says why.', ...call];
}

const free = 'nobody has it yet';

/** `at`: when people are called, epoch ms. */
function missed(rollout: Rollout, at: number): string[] {
  const node = nextNode(rollout);
  const shut = node === null ? [] : [...gates(rollout, node.name, at), ...(node.held?.gates ?? [])];
  const why = [...new Set(shut.map((gate) => gateReason(gate)))].join('; ');
  return [
    `*${goalFirst(rollout)} was to begin ${when(startOf(rollout) ?? at)} and has not*; no node was restarted; ${free}`,
    `${why === '' ? '' : `Why: ${why}. `}\`/zeitwork why\` says what holds it now.`,
  ];
}
