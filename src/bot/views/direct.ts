import { isLocal } from '../../base/actor.ts';
import { approvals, declineOf, endOf, isOpen, sinceOf } from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, Rollout } from '../../upgrade/rollout/types.ts';
import { declinedBy, declinedLines, declines } from './declined.ts';
import { headline } from './ending.ts';
import { decided, gateKey, isAsking } from './gate.ts';
import { askedFor, goalFirst } from './goal.ts';
import { type People, wanted } from './people.ts';
import { closing, type Post, post } from './post.ts';
import { servingAt, servingWhereHeld } from './serving.ts';
import { whoActs } from './taken.ts';
import { foreign, heldReason, marked, partFirst, sentence, when, who } from './text.ts';

/**
 * Direct messages: to whoever may approve, when it is asked; to the requester at a gate, at a failure, at the end. Never for
 * somebody at a command line.
 */
export function directPosts(rollout: Rollout, people: People): Post[] {
  const asks = approvals(rollout).flatMap((phase) => ask(rollout, phase, people));
  return isLocal(rollout.requester)
    ? asks
    : [...asks, ...gates(rollout), ...noes(rollout), ...holds(rollout), ...end(rollout)];
}

function ask(rollout: Rollout, phase: ApprovalPhase, people: People): Post[] {
  const since = sinceOf(phase);
  if (since === null || !isAsking(rollout, phase)) return [];
  const about = gateKey(phase, since);
  const how = phase.by.onlySigned ? 'the command with which you sign it' : 'the button';
  const lines = [
    `*${partFirst(phase.title)} waits for you*: may it ${askedFor(rollout)}? ${sentence(servingAt(rollout, phase))}.`,
    `Asked for by ${who(rollout.requester)}, since ${when(since)}. What was seen so far, and ${how}, are in the thread.`,
    ...refused(phase, ' A yes of yours still counts.'),
  ];
  return wanted(rollout, phase, people).map((user) =>
    post(rollout, `dm.ask.${user}.${about}`, { is: 'dm', user }, [{ is: 'lines', lines }], { about }),
  );
}

/** Beside what was said: another message tells of it, and this one would still say that nobody answered. */
function refused(phase: ApprovalPhase, then = ''): string[] {
  const no = declineOf(phase);
  return no === null ? [] : [`✗ ${declinedBy(phase, no)}.${then}`];
}

function gates(rollout: Rollout): Post[] {
  if (rollout.unsigned) return [];
  return approvals(rollout).flatMap((phase) => {
    const [since, end] = [sinceOf(phase), endOf(phase)];
    if (since === null) return [];
    const key = `dm.${gateKey(phase, since)}`;
    if (end !== null || !isAsking(rollout, phase))
      return [closing(rollout, key, { is: 'dm', user: rollout.requester }, decided(rollout, phase))];
    const text = `${goalFirst(rollout)}: *${foreign(phase.title)}* waits for its approvers; ${servingAt(rollout, phase)}.`;
    return [direct(rollout, key, [text, `Asked since ${when(since)}.`, ...refused(phase)], gateKey(phase, since))];
  });
}

/** Not to whoever said it. */
function noes(rollout: Rollout): Post[] {
  return declines(rollout)
    .filter(({ no }) => no.by !== rollout.requester)
    .map(({ key, phase, no }) =>
      direct(rollout, `dm.${key}`, marked(`${goalFirst(rollout)}:`, declinedLines(rollout, phase, no)), key),
    );
}

function holds(rollout: Rollout): Post[] {
  const { status } = rollout;
  if (status.is !== 'held') return [];
  const lines = [
    `${goalFirst(rollout)} is *held*; ${servingWhereHeld(rollout)}; ${whoActs(rollout)}`,
    `Since ${when(status.at)}: ${heldReason(status.reason)}`,
  ];
  return [direct(rollout, `dm.held.${rollout.run}.${Math.floor(status.at / 1000)}`, lines)];
}

function end(rollout: Rollout): Post[] {
  return isOpen(rollout) ? [] : [direct(rollout, `dm.${rollout.status.is}.${rollout.run}`, [headline(rollout)])];
}

function direct(rollout: Rollout, key: string, lines: string[], about = 'main'): Post {
  return post(rollout, key, { is: 'dm', user: rollout.requester }, [{ is: 'lines', lines }], { about });
}
