import type { Policy } from '../../upgrade/rollout/types.ts';

/** What these settings let one person do that others would not; whoever reads a plan is to know it. */
export function looseness({ selfApproval, oneMayBegin, majors }: Policy): string[] {
  return [
    ...(selfApproval ? ['*Self-approval is allowed here: you may approve your own rollout*'] : []),
    ...(oneMayBegin === 'anywhere' ? ['*One person may begin in every region here*, without an approval'] : []),
    ...(majors.approvers < 2 || !majors.canaryApproval ? [majorsLine(majors)] : []),
    ...(majors.notice === 0 ? ['*Majors begin without notice here*'] : []),
  ];
}

function majorsLine({ approvers, canaryApproval }: Policy['majors']): string {
  const many = approvers < 2 ? 'one approver' : `${approvers} approvers`;
  return `*Majors go with ${many} here*${canaryApproval ? '' : ', and are begun like any release'}`;
}
