import { approvals, declineOf, goesForward } from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, Declined, Rollout } from '../../upgrade/rollout/types.ts';
import { stopButton } from './buttons.ts';
import { called, type People } from './people.ts';
import { type Post, post } from './post.ts';
import { servingAt } from './serving.ts';
import { handOf, whoActsOn } from './taken.ts';
import { foreign, marked, partFirst, when, who } from './text.ts';

/** Who said no, when and why. */
export function declinedBy({ title }: ApprovalPhase, { by, at, reason }: Declined): string {
  const why = reason === null ? ', without a reason' : `: ${foreign(reason)}`;
  return `*${foreign(title, 80)} was declined* by ${who(by)} at ${when(at)}${why}`;
}

export const stillOpen = ({ title }: ApprovalPhase): string =>
  `Nothing begins there. An approver of ${foreign(title, 80)} may still say yes; otherwise \`stop\` ends the rollout.`;

/** What a message about a no begins with: who said it, what serves and who acts; when and why is read below. */
export function declinedLines(rollout: Rollout, phase: ApprovalPhase, { by, at, reason }: Declined): string[] {
  const acts = whoActsOn(rollout, phase.id, 'nothing begins there until an approver says yes');
  return [
    `*${partFirst(phase.title)} was declined* by ${who(by)}; ${servingAt(rollout, phase)}; ${acts}`,
    `At ${when(at)}${reason === null ? ', without a reason' : `: ${foreign(reason)}`}`,
    `An approver of ${foreign(phase.title, 80)} may still say yes; otherwise \`stop\` ends the rollout.`,
  ];
}

/** What is said to everybody about each no that stands, and to whoever asked for the rollout. */
export function declines(rollout: Rollout): { key: string; phase: ApprovalPhase; no: Declined }[] {
  if (!goesForward(rollout) || rollout.unsigned) return [];
  return approvals(rollout).flatMap((phase) => {
    const no = declineOf(phase);
    if (no === null) return [];
    return [{ key: `declined.${phase.id.slice('approval/'.length)}.${Math.floor(no.at / 1000)}`, phase, no }];
  });
}

/** A broadcast: the question that stands above was edited, and edits wake nobody. */
export function declinedPosts(rollout: Rollout, people: People): Post[] {
  return declines(rollout).map(({ key, phase, no }) => {
    const hand = handOf(rollout, phase.id);
    return post(rollout, key, { is: 'thread', broadcast: true }, [
      {
        is: 'lines',
        lines: [...marked('✗', declinedLines(rollout, phase, no)), ...called(rollout, people), ...hand.lines],
      },
      { is: 'buttons', buttons: [...hand.buttons, stopButton(rollout)] },
    ]);
  });
}
