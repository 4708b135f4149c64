import { changePhases } from './phases.ts';
import type { ApprovalPhase, Approvers, Declined, Fleet, Region, Rollout } from './types.ts';

/** Approvers of several regions together, each once. */
export function together(all: Approvers[]): Approvers {
  const unique = (of: (each: Approvers) => string[]) => [...new Set(all.flatMap(of))];
  return { users: unique(({ users }) => users), groups: unique(({ groups }) => groups) };
}

/**
 * The same rollout, approved by those whom the settings name now: lists of the plan are only what was true then. A region
 * that the settings do not have any more has no approvers, and whatever opens it neither.
 */
export function withApproversOf({ regions, database }: Pick<Fleet, 'regions' | 'database'>, rollout: Rollout): Rollout {
  return changePhases(rollout, (phase) =>
    phase.is !== 'approval'
      ? phase
      : opensMigration(rollout, phase)
        ? { ...phase, by: database?.approvers ?? together([]) }
        : { ...phase, by: now(regions, rollout, phase), ...eachNow(regions, phase) },
  );
}

/** The database has approvers of its own. */
const opensMigration = ({ phases }: Rollout, { opens }: ApprovalPhase): boolean =>
  phases.some((phase) => phase.is === 'action' && phase.action === 'migrate' && opens.includes(phase.id));

function now(regions: Region[], rollout: Rollout, phase: ApprovalPhase): Approvers {
  const found = openedBy(rollout, phase).map((name) => regions.find((region) => region.name === name));
  if (found.includes(undefined)) return together([]);
  return together(found.flatMap((region) => (region === undefined ? [] : [region.approvers])));
}

function eachNow(regions: Region[], { each }: ApprovalPhase): Pick<ApprovalPhase, 'byEach'> {
  if (each === undefined) return {};
  const of = (name: string) => regions.find((region) => region.name === name)?.approvers ?? together([]);
  return { byEach: Object.fromEntries(Object.keys(each).map((name) => [name, of(name)])) };
}

/** Names of the regions that wait for this approval. */
export function openedBy({ phases, nodes }: Rollout, { opens }: ApprovalPhase): string[] {
  const names = phases.flatMap((phase) => (phase.is === 'nodes' && opens.includes(phase.id) ? phase.nodes : []));
  return [...new Set(names.flatMap((name) => nodes[name]?.region ?? []))];
}

/** Enough people said yes, and enough of each region's own. */
export const isGranted = (phase: ApprovalPhase): boolean =>
  phase.given.length >= phase.needed && stillAsked(phase).length === 0;

/** The no that stands: nobody has said yes since. */
export const declineOf = ({ state, given, declined }: ApprovalPhase): Declined | null =>
  state.is === 'active' && given.length === 0 ? (declined ?? null) : null;

/** Regions of a part of several that lack a yes of their own approvers. */
export function stillAsked({ each = {}, given }: ApprovalPhase): string[] {
  const said = (region: string) => given.filter((one) => one.for?.includes(region) ?? true).length;
  return Object.keys(each).filter((region) => said(region) < (each[region] ?? 0));
}
