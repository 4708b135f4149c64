import { type Actor, isLocal } from '../base/actor.ts';
import { isAny } from '../base/is-any.ts';
import { openedBy, phaseOf, withApproversOf } from '../upgrade/rollout/index.ts';
import type { ApprovalPhase, Approvers, Fleet, Rollout } from '../upgrade/rollout/types.ts';
import type { Command } from './command.ts';
import type { Access, CommandContext, Directory, Purpose } from './context.ts';

/** What somebody wants to do. */
export type Right =
  | { is: 'look' }
  /** Runs commands on a node, and shows what it said. */
  | { is: 'diagnose' }
  | { is: 'start' }
  /** Begin outside windows, replace somebody's work, adopt; mostly it takes two. */
  | { is: 'override' }
  | { is: 'approve'; rollout: Rollout; phase: ApprovalPhase }
  /** Pause, stop, take something on: allowed to more people than starting, and to whoever stands at this machine's command line. */
  | { is: 'halt' }
  /** Freeze, roll back, tick, own what is written down: to the same people, but by name. */
  | { is: 'go-back' }
  /** Lift a freeze, resume, retry, leave somebody's work where it is, for now. */
  | { is: 'go-on' };

export type Verdict = { is: 'allowed' } | { is: 'refused'; reason: string };

interface Scene {
  access: Pick<Access, 'roles'>;
  workspace: CommandContext['workspace'];
  fleet: Fleet;
  directory: Directory;
}

const allowed: Verdict = { is: 'allowed' };
const refused = (reason: string): Verdict => ({ is: 'refused', reason });

/** Whether this verb wants no signature on a shell. */
export const isFree = (command: Command): boolean =>
  (command.verb === 'rollback' && command.dryRun) ||
  (command.verb === 'drift' && command.act.is === 'look') ||
  (command.verb === 'build' && command.act.is !== 'start') ||
  (command.verb === 'migrate' && command.act.is === 'status') ||
  isAny(
    command.verb,
    'bare',
    'status',
    'why',
    'windows',
    'history',
    'report',
    'checklist',
    'verify',
    'diagnose',
    'help',
    'whoami',
    'pause',
    'stop',
    'mine',
  );

/**
 * Whether `actor` may; looks at user and group ids only, and refuses when a lookup fails. Somebody at this machine's
 * command line who did not sign may look, pause and stop.
 */
export async function permit(
  scene: Scene,
  actor: Actor,
  right: Right,
  purpose: Purpose = right.is === 'look' ? 'look' : 'decision',
): Promise<Verdict> {
  const own = ownRollout(scene, actor, right);
  if (own !== null) return own;
  if (isLocal(actor)) {
    return isAny(right.is, 'look', 'diagnose', 'halt')
      ? allowed
      : refused('Without a key a shell may look, pause and stop. Sign with your own: --as NAME, or --key FILE.');
  }
  try {
    const stranger = await strangeness(scene, actor, purpose);
    if (stranger !== null) return refused(stranger);
    if (right.is === 'look') return allowed;
    const roles = rolesFor(scene, right);
    // By name first: that needs nobody to be asked, also while Slack is away.
    if (roles.some(({ users }) => users.includes(actor))) return allowed;
    for (const group of new Set(roles.flatMap(({ groups }) => groups))) {
      if ((await scene.directory.members(group, purpose)).includes(actor)) return allowed;
    }
  } catch {
    return refused('Slack did not say who you are, so nothing was done. Try again in a moment.');
  }
  return refused(lacking(scene, right));
}

/** Both must allow it: the plan that was shown, and the settings of now. */
function ownRollout({ fleet }: Scene, actor: Actor, right: Right): Verdict | null {
  if (right.is !== 'approve' || right.rollout.requester !== actor) return null;
  if (right.rollout.policy.selfApproval && fleet.policy.selfApproval) return null;
  return refused(`You asked for this rollout, so somebody else approves ${right.phase.title}.`);
}

/** Of these regions, those whose approver `actor` is now. @throws when Slack does not say who is in a group */
export async function approverIn(
  scene: Pick<Scene, 'fleet' | 'directory'>,
  actor: Actor,
  names: string[],
): Promise<string[]> {
  const found: string[] = [];
  for (const { name, approvers } of scene.fleet.regions.filter((region) => names.includes(region.name))) {
    const isNamed = approvers.users.includes(actor);
    const groups = isNamed ? [] : approvers.groups;
    const members = await Promise.all(groups.map((group) => scene.directory.members(group, 'decision')));
    if (isNamed || members.flat().includes(actor)) found.push(name);
  }
  return found;
}

async function strangeness({ workspace, directory }: Scene, actor: Actor, purpose: Purpose): Promise<string | null> {
  const person = await directory.person(actor, purpose);
  if (person.bot) return 'Bots may not do that.';
  if (person.deactivated) return 'This account is deactivated.';
  if (workspace === null || !person.teams.includes(workspace.pinned))
    return 'Only members of this workspace may do that.';
  return person.guest ? 'Guests may not do that.' : null;
}

function rolesFor({ access, fleet }: Scene, right: Right): Approvers[] {
  const { requesters, breakers, stoppers } = access.roles;
  switch (right.is) {
    case 'look':
      return [];
    case 'start':
    case 'go-on':
      return [requesters];
    case 'override':
      return [breakers];
    case 'approve':
      return [approversNow(fleet, right)];
    case 'diagnose':
    case 'halt':
    case 'go-back':
      return [stoppers, requesters, breakers, ...fleet.regions.map(({ approvers }) => approvers)];
  }
}

/** Those of the settings of now, whatever the plan says: it may be days old, and lies where others can write. */
function approversNow(fleet: Fleet, { rollout, phase }: Extract<Right, { is: 'approve' }>): Approvers {
  const now = phaseOf(withApproversOf(fleet, rollout), phase.id);
  return now.is === 'approval' ? now.by : { users: [], groups: [] };
}

function lacking(scene: Scene, right: Right): string {
  const gone = right.is === 'approve' ? goneRegions(scene.fleet, right) : [];
  if (gone.length > 0) {
    return `Nobody may approve ${right.is === 'approve' ? right.phase.title : ''}: ${gone.join(', ')} is not in the settings any more. Stop the rollout, or put the region back.`;
  }
  const holders = rolesFor(scene, right).flatMap(({ users, groups }) => [
    ...groups.map((group) => `<!subteam^${group}>`),
    ...users.map((user) => `<@${user}>`),
  ]);
  const whom = [...new Set(holders)].slice(0, 8).join(', ') || 'nobody yet: the settings name no one';
  const what: Record<Right['is'], string> = {
    look: 'look at this',
    diagnose: 'diagnose a node',
    start: 'start upgrades',
    override: "override maintenance windows, replace somebody's work or adopt",
    approve: `approve ${right.is === 'approve' ? right.phase.title : ''}`,
    halt: 'pause or stop, or take something on',
    'go-back': 'freeze, roll back, tick a checklist or own a post-mortem',
    'go-on': 'unfreeze, resume, retry or snooze',
  };
  return `You may not ${what[right.is]}. Those who may: ${whom}.`;
}

function goneRegions({ regions }: Fleet, { rollout, phase }: Extract<Right, { is: 'approve' }>): string[] {
  return openedBy(rollout, phase).filter((opened) => !regions.some(({ name }) => name === opened));
}
