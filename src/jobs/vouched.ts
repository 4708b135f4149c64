import { Refused } from '../base/errors.ts';
import { isAny } from '../base/is-any.ts';
import { serviceIn } from '../base/sibling.ts';
import { isMajor } from '../base/version.ts';
import { canonical, type Person, signerOf } from '../trust/index.ts';
import {
  approvals,
  asSeenBy,
  balancedBy,
  canaryOf,
  changesService,
  configurationOf,
  fleetOf,
  goingWith,
  grouped,
  phaseOf,
  sinceOf,
  turnOf,
  turns,
} from '../upgrade/rollout/index.ts';
import {
  type ActionPhase,
  type Approval,
  type ApprovalPhase,
  type Fleet,
  type Region,
  type Rollout,
  strategyNames,
} from '../upgrade/rollout/types.ts';
import { subjectOf } from './subject.ts';

/** Why a node's turn may not go on, in words; null when those who must have signed for it, with keys of their own. */
export type Vouched = (rollout: Rollout, node: string) => Promise<string | null>;

/** The same of an action. */
export type VouchedAction = (rollout: Rollout, phase: ActionPhase) => Promise<string | null>;

/** The version that a node says it runs, asked by this worker itself; null when it says none. */
export type AskVersion = (node: string) => Promise<string | null>;

/** Milliseconds by which clocks may differ. */
const skew = 60_000;

/**
 * For `approvals: signed`. A bot signs what it admits, so whoever took it over can write down any approval; a person's own
 * signature they cannot. So a worker reads these itself, by its own settings, and believes nothing else that the rollout says.
 */
export function vouching(whole: Fleet, people: readonly Person[], runs: AskVersion): Vouched {
  return async (recorded, node) => {
    const fleet = fleetOf(whole, serviceIn(node));
    const rollout = asSeenBy(recorded, node);
    const region =
      fleet.regions.find(({ nodes }) => nodes.some(({ name }) => name === node)) ??
      balancedBy(node, fleet.regions)?.region;
    if (region === undefined) return `${node} is no node of this worker's settings`;
    const turn = turnOf(rollout, node);
    const opening = approvals(rollout).filter(({ opens }) => opens.includes(turn.id));
    const { majors } = fleet.policy;
    const restarts = onlyRestarts(rollout, node);
    const major = !restarts && isMajorHere(rollout, node, await runs(node));
    // A bot could add any key to a release that one person may begin.
    const changesKeys = hasOtherKeys(fleet, rollout);
    const isFree = mayBegin(fleet, region, restarts || changesKeys) && !(major && majors.canaryApproval);
    if (opening.length === 0 && turns(rollout)[0] === turn && isFree) return null;
    const needed = Math.max(region.needed, major ? majors.approvers : 1);
    const given = opening.flatMap((phase) => phase.given.map((each) => ({ phase, each })));
    const signers = await Promise.all(given.map(({ phase, each }) => signerIn(recorded, phase, each, region)));
    const different = new Set(signers.filter((name) => name !== null));
    if (different.size >= needed) return null;
    return `${needed} of the approvers of ${region.name} must have signed this with keys of their own, and ${different.size} did: stop it, and plan it anew`;
  };

  /** The approver of the region who signed exactly this; null when nobody did. */
  async function signerIn(
    rollout: Rollout,
    phase: ApprovalPhase,
    each: Approval,
    region: Region,
  ): Promise<string | null> {
    if (each.signed === undefined) return null;
    try {
      const { person, decision } = await signerOf(each.signed, people, each.at);
      const isIt =
        decision.fleet === whole.name &&
        decision.rollout === rollout.id &&
        decision.release === subjectOf(rollout) &&
        decision.verb === 'approve' &&
        isMeant(rollout, phase, decision.arguments.trim().split(/\s+/)[1] ?? '', region) &&
        decision.at >= (sinceOf(phaseOf(rollout, phase.id)) ?? 0) - skew;
      const isTheirs = person.slack === each.by && region.approvers.users.includes(person.slack);
      const isOwn = person.slack === rollout.requester && !whole.policy.selfApproval;
      return isIt && isTheirs && !isOwn ? person.name : null;
    } catch (error) {
      if (error instanceof Refused) return null;
      throw error;
    }
  }

  /**
   * Whether whoever named `word` meant this region. What a part holds and how it is called a bot writes: under one name no more
   * nodes of a region are opened than the strategies put there by the settings of this worker, and of another region none.
   */
  function isMeant(rollout: Rollout, phase: ApprovalPhase, word: string, { nodes }: Region): boolean {
    if (!namesOf(phase).includes(word)) return false;
    const count = (names: string[]): number => nodes.filter(({ name }) => names.includes(name)).length;
    const parts = whole.regions.map(({ name, nodes: all }) => ({ name, nodes: all.map((each) => each.name) }));
    const own = strategyNames.flatMap((strategy) => grouped(strategy, parts));
    const most = own.flatMap(({ id, nodes: held }) => (id === bare(word) ? [count(held)] : []));
    const opened = approvals(rollout).flatMap((each) => (namesOf(each).includes(word) ? each.opens : []));
    const there = turns(rollout).flatMap(({ id, nodes: held }) => (opened.includes(id) ? held : []));
    return count(there) <= Math.max(0, ...most);
  }
}

/** The same for a migration: so many of the database's approvers, by the settings of this worker, signed exactly this. */
export function vouchingForActions(
  fleet: Pick<Fleet, 'name' | 'policy' | 'database'>,
  people: readonly Person[],
): VouchedAction {
  return async (rollout, phase) => {
    const needed = fleet.database?.needed ?? 1;
    const given = approvals(rollout).flatMap((each) => (each.opens.includes(phase.id) ? each.given : []));
    const signers = await Promise.all(given.map((each) => signerOfMigration(fleet, people, rollout, each)));
    const different = new Set(signers.filter((name) => name !== null));
    if (different.size >= needed) return null;
    return `${needed} of the approvers of the database must have signed this with keys of their own, and ${different.size} did: stop it, and plan it anew`;
  };
}

async function signerOfMigration(
  { name, policy, database }: Pick<Fleet, 'name' | 'policy' | 'database'>,
  people: readonly Person[],
  rollout: Rollout,
  each: Approval,
): Promise<string | null> {
  const { signed } = each;
  if (!signed) return null;
  try {
    const { person, decision } = await signerOf(signed, people, each.at);
    const isIt =
      decision.fleet === name &&
      rollout.id === decision.rollout &&
      subjectOf(rollout) === decision.release &&
      decision.verb === 'approve' &&
      decision.at >= rollout.createdAt - skew;
    const isTheirs = person.slack === each.by && database?.approvers.users.includes(person.slack) === true;
    const isOwn = person.slack === rollout.requester && !policy.selfApproval;
    return !isOwn && isTheirs && isIt ? person.name : null;
  } catch (error) {
    if (error instanceof Refused) return null;
    throw error;
  }
}

const bare = (id: string): string => id.replace(/^approval\//, '');

/** As people may write what they approve, without spaces. */
const namesOf = ({ id, title }: ApprovalPhase): string[] => [id, title, bare(id)];

/** By its steps and not by its name: that a bot calls an upgrade a restart makes no major a minor one. */
const onlyRestarts = (rollout: Rollout, node: string): boolean =>
  turnOf(rollout, node).path.every((step) => !changesService(step) || isAny(step, 'restart', 'configure')) &&
  turnOf(rollout, node).rehearsal === undefined;

/** Something becomes of environment files that the settings of this worker do not say of the release. */
function hasOtherKeys(fleet: Pick<Fleet, 'config'>, rollout: Rollout): boolean {
  const configuration = configurationOf(rollout);
  if (configuration === null) return false;
  const wanted = canonical(configuration.wanted);
  return goingWith(fleet, rollout.release).every((own) => canonical(own) !== wanted);
}

/**
 * By what the node says now and what was recorded that the nodes ran before, which a bot can write as well; and by what the new
 * binary said of itself where it was asked: that a release is called otherwise makes no major a minor one. Where none said what
 * it ran, nobody knows, so it counts.
 */
function isMajorHere({ nodes, release, services, asked }: Rollout, node: string, runs: string | null): boolean {
  const own = Object.values(nodes).filter(({ name }) => serviceIn(name) === serviceIn(node));
  const before = own.flatMap((each) => each.before?.version ?? []);
  const known = runs === null ? before : [runs, ...before];
  const isOther = services !== undefined && asked?.sha256 !== release.binarySha256;
  const names = [release.version, ...(asked?.version == null || isOther ? [] : [asked.version])];
  return known.length === 0 || known.some((version) => names.some((name) => isMajor(version, name)));
}

function mayBegin(fleet: Pick<Fleet, 'regions' | 'policy'>, { name }: Region, isNoRelease: boolean): boolean {
  const { oneMayBegin } = fleet.policy;
  return oneMayBegin === 'anywhere' || (oneMayBegin === 'canary' && !isNoRelease && name === canaryOf(fleet));
}
