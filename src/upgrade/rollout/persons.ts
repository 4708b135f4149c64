import { isMajor } from '../../base/version.ts';
import { approvals, takesNodes, turns } from './phases.ts';
import type { NodeSurvey, PlanInput, Region, Rollout } from './types.ts';

/** What decides how many people it takes. */
export type Persons = Pick<PlanInput, 'fleet' | 'release' | 'survey' | 'begun' | 'change'>;

/**
 * How many must approve a part of the plan before its first node: nobody only where one person may begin. The two-person
 * rule is that of the settings; strategies, regions and flags cannot get round it.
 * @param isFirst nothing is before it: later parts are always asked for
 */
export function approversFor(regions: Region[], isFirst: boolean, input: Persons): number {
  const { majors } = input.fleet.policy;
  const major = isMajorChange(input);
  if (isFirst && mayBeBegun(regions, input) && !(major && majors.canaryApproval)) return 0;
  return Math.max(...regions.map(({ needed }) => needed), major ? majors.approvers : 1);
}

/** Whether one person may begin these regions: the canary region, once for each release. What changes nothing is none. */
function mayBeBegun(regions: Region[], { fleet, begun, change }: Persons): boolean {
  const { oneMayBegin } = fleet.policy;
  if (oneMayBegin !== 'canary') return oneMayBegin === 'anywhere';
  if (change !== undefined) return false;
  return begun === null && regions.every(({ name }) => name === canaryOf(fleet));
}

/** The region in which releases are begun. */
export function canaryOf({ policy, regions }: Pick<PlanInput['fleet'], 'policy' | 'regions'>): string | undefined {
  return policy.canary ?? regions[0]?.name;
}

/**
 * What nodes of these regions tell. One elsewhere makes no major of what is brought here, whatever it says that it runs; where nobody
 * here says anything the others are asked all the same. @param regions null: all
 */
export function toldIn(regions: readonly string[] | null, survey: NodeSurvey[]): NodeSurvey[] {
  const own = survey.filter(({ region }) => regions === null || regions.includes(region));
  return own.some(({ version }) => version !== null) ? own : survey;
}

/** Whether any node runs another major version, or none says which it runs; where another release is brought at all. */
export function isMajorChange({ release, survey, change }: Pick<PlanInput, 'release' | 'survey' | 'change'>): boolean {
  if (change !== undefined) return false;
  const running = survey.flatMap(({ version }) => (version === null ? [] : [version]));
  return running.length === 0 || running.some((version) => isMajor(version, release.version));
}

/** Whether nobody is asked before its first node is taken out of service. */
export function isBegunFreely(rollout: Pick<Rollout, 'phases'>): boolean {
  const first = turns(rollout).find(takesNodes);
  return first !== undefined && approvals(rollout).every(({ opens }) => !opens.includes(first.id));
}
