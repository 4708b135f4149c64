import { approvals } from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, Rollout } from '../../upgrade/rollout/types.ts';
import { isAsking } from './gate.ts';
import { foreign } from './text.ts';

/** What an approver may take their own words for: what is asked now. */
export const questions = (rollout: Rollout | null): ApprovalPhase[] =>
  rollout === null ? [] : approvals(rollout).filter((phase) => isAsking(rollout, phase));

/** To whoever wrote instead of deciding. `link`: a link to the message that asks, with these words; null when there is none. */
export function whatCounts(
  asked: ApprovalPhase[],
  link: (phase: ApprovalPhase, words: string) => string | null,
): string {
  const nothing = '*Nothing that is written here counts*';
  if (asked.length === 0) return `${nothing}: I listen to \`/zeitwork\` and to buttons. See \`/zeitwork help\`.`;
  return [`${nothing}, and nothing was approved.`, ...asked.map((phase) => how(phase, link))].join('\n');
}

function how(phase: ApprovalPhase, link: (phase: ApprovalPhase, words: string) => string | null): string {
  const title = foreign(phase.title, 80);
  const name = foreign(phase.id.slice('approval/'.length), 80);
  const where = link(phase, 'its question') ?? 'its question';
  return phase.by.onlySigned
    ? `*${title}* waits for its approvers, see ${where}: sign with your own key, on a shell with the settings: \`zeitwork approve ${name}\``
    : `*${title}* waits for its approvers: press “Approve ${title}” below ${where}, or type \`/zeitwork approve ${name}\``;
}
