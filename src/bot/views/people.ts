import { isLocal } from '../../base/actor.ts';
import { declineOf } from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, Approvers, Rollout } from '../../upgrade/rollout/types.ts';
import { who } from './text.ts';

/** Whom messages may call, besides those whom the rollout names. */
export interface People {
  onCall: Approvers;
  /** Called when nobody answered whoever was called before. */
  escalation: Approvers;
  /** Who is in a group, as far as it could be found out. */
  members: Record<string, string[]>;
}

const none: Approvers = { users: [], groups: [] };

export const nobody: People = { onCall: none, escalation: none, members: {} };

/** Mentions that notify. */
export const mentions = ({ groups, users }: Approvers): string[] => [
  ...groups.map((group) => `<!subteam^${group}>`),
  ...users.map(who),
];

/** A line that wakes whoever asked for the rollout and whoever is on call; none when there is nobody to mention. */
export function called({ requester }: Rollout, { onCall }: People): string[] {
  const all = [...(isLocal(requester) ? [] : [who(requester)]), ...mentions(onCall)];
  return all.length === 0 ? [] : [`Called: ${[...new Set(all)].slice(0, 10).join(' ')}`];
}

/** A line that wakes whoever comes after those, once nobody of them answered. */
export function escalated({ escalation }: People): string[] {
  const all = mentions(escalation);
  return all.length === 0 ? [] : [`Nobody has answered yet. Called as well: ${all.slice(0, 10).join(' ')}`];
}

/** No more of them than this get a message of their own; the question in the channel mentions their groups. */
const most = 20;

/** Whose answer is still wanted, by id: groups as far as their members are known. */
export function wanted({ requester, policy }: Rollout, phase: ApprovalPhase, { members }: People): string[] {
  const { by, given } = phase;
  const all = new Set([...by.users, ...by.groups.flatMap((group) => members[group] ?? [])]);
  const said = [...given.map((each) => each.by), declineOf(phase)?.by];
  return [...all].filter((user) => !said.includes(user) && (user !== requester || policy.selfApproval)).slice(0, most);
}
