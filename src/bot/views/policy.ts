import type { Policy, Rollout } from '../../upgrade/rollout/types.ts';

/** What these settings let one person do that others would not; whoever reads a plan is to know it. What is no release is no major. */
export function looseness({ policy, change }: Pick<Rollout, 'policy' | 'change'>): string[] {
  const { selfApproval, oneMayBegin, majors } = policy;
  const ofReleases = change === undefined;
  return [
    ...(selfApproval ? ['*Self-approval is allowed here: you may approve your own rollout*'] : []),
    ...(oneMayBegin === 'anywhere' ? ['*One person may begin in every region here*, without an approval'] : []),
    ...(ofReleases && (majors.approvers < 2 || !majors.canaryApproval) ? [majorsLine(majors)] : []),
    ...(ofReleases && majors.notice === 0 ? ['*Majors begin without notice here*'] : []),
  ];
}

function majorsLine({ approvers, canaryApproval }: Policy['majors']): string {
  const many = approvers < 2 ? 'one approver' : `${approvers} approvers`;
  return `*Majors go with ${many} here*${canaryApproval ? '' : ', and are begun like any release'}`;
}
