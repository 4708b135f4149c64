import { inWords, minute } from '../../base/duration.ts';
import { Bug } from '../../base/errors.ts';
import { describeLocal, fits, frozenBy, nextOpening, openInterval } from '../../windows/index.ts';
import { declineOf } from './approvers.ts';
import { asksFrom } from './asking.ts';
import { calendarNow, frozenNow, overridden } from './calendars.ts';
import { checkOf, openBefore, tickOf } from './checklists.ts';
import { type Needed, neededFor } from './fit.ts';
import { looksBeforeBegin } from './freshness.ts';
import { noticeOver, toldSince } from './notice.ts';
import { approvals, endOf, isStaging, turnOf, watchBefore, watchEnd } from './phases.ts';
import { nextNode, placesLeft } from './places.ts';
import { leadsBack, nodesInOrder, workingNodes } from './queries.ts';
import { rested } from './rest.ts';
import { blindedBy, blindingOf, releaseOf } from './services.ts';
import type {
  Actor,
  ApprovalPhase,
  Evidence,
  EvidenceName,
  Findings,
  Gate,
  GateName,
  NodeRun,
  Phase,
  Rollout,
  Sight,
} from './types.ts';

type Shut = Omit<Gate, 'name'>;

/** What a rule that needs `Name` is told: nothing when nobody is about to stop a node. */
type Known<Name extends EvidenceName> = (Pick<Findings, Name> & { sight: Sight }) | null;

/** `Of`: what may be held by it; what only asks for a region holds nodes and actions alike. */
export interface Rule<Of = NodeRun> {
  /** What the worker finds out right before the stop, so that this rule can judge. */
  needs: readonly EvidenceName[];
  /** Why the gate is shut; null when it is open. */
  judge: (rollout: Rollout, of: Of, now: number, evidence: Evidence | null) => Shut | null;
}

type OfRegion = { region: string };

export function rule<Of = NodeRun, Name extends EvidenceName = EvidenceName>(
  needs: readonly Name[],
  judge: (rollout: Rollout, of: Of, now: number, known: Known<Name>) => Shut | null,
): Rule<Of> {
  const isWhole = (evidence: Evidence): evidence is Evidence & Pick<Findings, Name> =>
    needs.every((name) => evidence[name] !== undefined);
  return {
    needs,
    judge(rollout, of, now, evidence) {
      if (evidence !== null && !isWhole(evidence)) throw new Bug(`a gate needs ${needs.join(', ')} and was not told`);
      return judge(rollout, of, now, evidence);
    },
  };
}

export const shut = (reason: string, owner: string, opensAt: number | null = null): Shut => ({
  reason,
  owner,
  opensAt,
});

/** What a person did: in the channel they are named as people are there. */
const shutBy = (by: Actor, what: string, owner: string): Shut => ({ ...shut(what, owner), by });

const state = rule([], (rollout, _of: OfRegion) => {
  const { status, unsigned, onlyBack } = rollout;
  if (unsigned || (onlyBack && status.is === 'held'))
    return shut('nobody signed what led to this', 'whoever looks and adopts it');
  switch (status.is) {
    case 'running':
    case 'paused':
      return null;
    case 'held':
      return shut(
        status.reason,
        leadsBack(rollout) ? 'whoever may retry or roll back' : 'whoever may retry or stop it',
      );
    case 'rolling-back':
      return shut('a rollback is under way', 'the rollback');
    case 'stopping':
      return shutBy(status.by, 'being stopped', 'the node under way');
    default:
      return shut('the rollout is over', 'nobody');
  }
});

const pause = rule([], ({ status }, _of: OfRegion) =>
  status.is === 'paused' ? shutBy(status.by, 'paused', 'whoever may resume') : null,
);

/** Somebody wants nothing to be done, here and now: no override opens it, and no way back is begun either. */
const halt = rule(['halt'], ({ looks }, { region }: OfRegion, _now, known) => {
  const said = known?.halt ?? looks[region]?.halt;
  return said?.is === 'lies' ? shut(said.reason, 'whoever put the file there') : null;
});

const schedule = rule([], ({ startAt }, _of: OfRegion, now) =>
  startAt !== null && startAt > now ? shut('scheduled for later', 'the clock', startAt) : null,
);

/** Nothing opens it but time: neither an override nor an approval. */
const notice = rule([], (rollout, _node, now) => {
  const { notice: of, startedAt } = rollout;
  if (of === undefined || startedAt !== null) return null;
  const untold = toldSince(rollout).flatMap(({ audience, since }) => (since === null ? [audience] : []));
  const why = `it is a major version, announced ${inWords(of.wanted)} before its first node`;
  if (untold.length > 0) return shut(`${why}; not told yet: ${untold.join(', ')}`, 'the bot, which announces it');
  const over = noticeOver(rollout) ?? Number.POSITIVE_INFINITY;
  return now < over ? shut(why, 'the clock', over) : null;
});

/** Phases before the node's own turn that are not over. */
function ahead(rollout: Rollout, { name }: NodeRun): Phase[] {
  const own = rollout.phases.indexOf(turnOf(rollout, name));
  return rollout.phases.slice(0, own).filter(({ state }) => state.is !== 'done');
}

/** Everything is staged and verified on every node before the first one is stopped. */
const staged = rule([], (rollout, node) => {
  if (ahead(rollout, node).every((phase) => !isStaging(phase))) return null;
  const lacking = nodesInOrder(rollout).filter(({ state }) => state.is === 'staging' || state.is === 'failed');
  const names = lacking.length > 3 ? `${lacking.length} nodes` : lacking.map(({ name }) => name).join(', ');
  return shut(`not staged yet: ${names}`, lacking.includes(node) ? node.name : 'the workers');
});

const turn = rule([], (rollout, node, now) => {
  if (node.state.is === 'working') return null;
  const busy = workingNodes(rollout)
    .map(({ name }) => name)
    .join(', ');
  const verb = workingNodes(rollout).length === 1 ? 'is' : 'are';
  if (busy !== '' && placesLeft(rollout, node.region) <= 0) return shut(`${busy} ${verb} being worked on`, busy);
  const first = nextNode(rollout);
  if (first && first.name !== node.name) return shut(`${first.name} goes first`, first.name);
  const pauseLeft = rollout.policy.pause - rested(rollout, now);
  if (pauseLeft > 0) return shut('pause between two nodes', 'the clock', now + pauseLeft);
  if (node.state.is === 'ready' && node.state.notBefore > now) {
    const why = node.held?.gates.map(({ reason }) => reason).join('; ') ?? 'waiting to try again';
    return shut(why, 'the clock', node.state.notBefore);
  }
  return null;
});

const bake = rule([], (rollout, node) => {
  const phase = ahead(rollout, node).findLast((each) => each.is === 'watch');
  if (phase?.is !== 'watch') return null;
  if (phase.state.is !== 'active') return shut(`${phase.title} is not finished`, phase.title);
  return shut(`${phase.title} is being watched`, 'the clock', watchEnd(rollout, phase));
});

const approval = rule([], (rollout, node, now) => {
  return unapproved(rollout, turnOf(rollout, node.name).id, now);
});

/** Of the approvals that a phase waits for, why one does not open it. */
export function unapproved(rollout: Rollout, phase: string, now: number): Shut | null {
  const asked = approvals(rollout).filter(({ opens }) => opens.includes(phase));
  return asked.map((each) => lacking(rollout, each, now)).find((reason) => reason !== null) ?? null;
}

/** An approval holds for the watch that it was given on, and not for ever: judged here, at the last moment. */
function lacking(rollout: Rollout, phase: ApprovalPhase, now: number): Shut | null {
  const { title, given, state } = phase;
  const owner = `the approvers of ${title}`;
  const no = declineOf(phase);
  if (no !== null) {
    const why = no.reason === null ? '' : ` (${no.reason})`;
    return shutBy(no.by, `${title} is not approved${why}: declined`, owner);
  }
  const from = state.is === 'pending' ? asksFrom(rollout, phase, now) : null;
  if (from !== null && from > now) return shut(`${title} is not asked for yet`, owner, from);
  if (state.is !== 'done') return shut(`${title} is not approved`, owner);
  const old = given.find(({ at }) => now - at > rollout.policy.approvalExpires);
  if (old) return shutBy(old.by, `the approval of ${title} has expired; it was given`, owner);
  const watch = watchBefore(rollout, phase);
  if (given.every(({ watched }) => watched === endOf(watch))) return null;
  return shut(`${watch?.title} was watched anew since ${title} was approved`, owner);
}

/** What nobody looked at yet is looked at right before the node is begun (`looksBeforeBegin`): until then it keeps nothing. */
const checklist = rule([], (rollout, node) => {
  const open = openBefore(rollout, node).filter(
    (entry) => checkOf(entry) === null || tickOf(rollout, entry).at !== null,
  );
  if (open.length === 0) return null;
  const each = open.map((entry) => {
    const { says } = tickOf(rollout, entry);
    return `${entry.item.text}${says === null ? '' : ` (${says})`}`;
  });
  const isTheirs = open.some((entry) => checkOf(entry) === null);
  return shut(`not ticked on the checklist: ${each.join(', ')}`, isTheirs ? 'whoever ticks it' : 'the nodes');
});

const window = rule(['freezes'], (rollout, node, now, known) => {
  const calendar = calendarNow(rollout, node.region, known?.freezes);
  if (overridden(rollout, now) || !calendar || frozenBy(calendar, now)) return null;
  const open = openInterval(calendar, now);
  const needed = open && neededFor(rollout, node, calendar, open);
  if (open && needed && fits(open, now, needed.forward + needed.back)) return null;
  const following = nextOpening(calendar, now);
  if (following.is === 'never') return shut(following.reason, 'whoever keeps the settings');
  const opens = following.interval.start;
  const why = needed ? tooLong(needed) : 'the maintenance window is closed';
  return shut(`${node.region}: ${why}; opens ${describeLocal(opens, calendar.zone)}`, 'the clock', opens);
});

const tooLong = ({ forward, back, nodes }: Needed): string =>
  `a node no longer fits before the window closes: it takes ${inWords(forward)}, and to bring back ${nodes === 1 ? 'one' : nodes} in case of need ${inWords(back)}`;

const freeze = rule(['freezes'], (rollout, { region }: OfRegion, now, known) => {
  const frozen = frozenNow(rollout, region, now, known?.freezes ?? null);
  return frozen ? shut(`${region} is frozen: ${frozen.reason}`, frozen.author, frozen.end) : null;
});

/** A look that is older says nothing of now; another is taken before anything is begun. */
const alertsCount = 2 * minute;

/** Nothing is begun while something is wrong there already, or nobody can say that nothing is; no override opens it. */
const alerts = rule(['alerts'], (rollout, { region }: OfRegion, now, known) => {
  const look = rollout.looks[region];
  const seen = look?.at != null && Math.abs(now - look.at) <= alertsCount ? look.alerts : undefined;
  const said = known?.alerts ?? seen;
  if (said?.is === 'firing') return shut(`alerts fire for ${region}: ${said.names.join(', ')}`, 'whoever is on call');
  if (said?.is !== 'unknown') return null;
  return shut(`nobody knows whether alerts fire for ${region}: ${said.reason}`, 'whoever keeps the alerting');
});

/**
 * Nothing of a release is begun before it was proven on another fleet, where the settings want that; no override opens it.
 * Once a node was changed to it the rollout goes on: what is left between two versions is proven nowhere.
 */
const elsewhere = rule(['elsewhere'], (rollout, { name, region }, _now, known) => {
  if (isBegunElsewhere(rollout, name)) return null;
  const said = known?.elsewhere ?? rollout.looks[region]?.elsewhere;
  return said?.is === 'unproven' ? shut(said.reason, 'whoever brings the proof') : null;
});

/** Whether another node was changed to what this one gets. */
export function isBegunElsewhere(rollout: Rollout, name: string): boolean {
  const { archiveSha256 } = releaseOf(rollout, name);
  return nodesInOrder(rollout).some(
    (other) => other.touched && other.name !== name && releaseOf(rollout, other.name).archiveSha256 === archiveSha256,
  );
}

/**
 * Agents or the schema may have moved since the plan was judged by them; no override opens it. A region that was begun goes on: what is
 * left between two versions is helped by nothing else.
 */
const compatibility = rule(['compatibility'], (rollout, { name, region }, _now, known) => {
  const isBegun = (other: NodeRun) => other.region === region && other.touched && other.name !== name;
  if (nodesInOrder(rollout).some(isBegun)) return null;
  const said = known?.compatibility ?? rollout.looks[region]?.compatibility;
  return said?.is === 'refused' ? shut(said.reasons.join('; '), 'whoever brings that together') : null;
});

/**
 * Never fewer than the minimum because of us; a node that is proven to be down may be worked on (guide, high
 * availability). Silence proves nothing: when nobody answers, the gate is shut.
 */
const quorum = rule(['standing'], (rollout, node, _now, known) => {
  if (known === null) return null;
  const { standing, sight } = known;
  if (sight.down || standing[node.name] === 'down' || isOut(node, sight)) return null;
  // What is proven to serve no more, by itself or by what it needs, costs its service nothing; silence proves nothing here either.
  const isLost = (name: string) => [name, ...blindingOf(rollout, name)].some((each) => standing[each] === 'down');
  const lost = [node.name, ...blindedBy(rollout, node.name)].filter((name) => !isLost(name));
  return lost.map((name) => tooFew(rollout, node.name, name, standing)).find((gate) => gate !== null) ?? null;
});

/** @param lost the node that does not serve any more when `stopped` is */
function tooFew(rollout: Rollout, stopped: string, lost: string, standing: Findings['standing']): Shut | null {
  const { peers, policy } = rollout;
  const region = Object.keys(peers).find((name) => peers[name]?.includes(lost)) ?? '';
  const others = (peers[region] ?? []).filter((name) => name !== lost);
  const sick = others.filter((name) => !serves(rollout, name, standing));
  const left = others.length - sick.length;
  if (left >= policy.minimumHealthy) return null;
  const causes = sick.map((name) => notServing(rollout, name, standing)).join(', ');
  const all = sick.length === 0 ? '' : `; not healthy: ${causes}`;
  const reason = `stopping ${stopped} would leave ${left} healthy in ${region}, ${policy.minimumHealthy} are needed${all}`;
  return shut(reason, causes || region);
}

const serves = (rollout: Rollout, name: string, standing: Findings['standing']): boolean =>
  notServing(rollout, name, standing) === undefined;

/** Itself, or what on its host it does not serve without; undefined: it serves. */
const notServing = (rollout: Rollout, name: string, standing: Findings['standing']): string | undefined =>
  [name, ...blindingOf(rollout, name)].find(
    (each) => !(standing[each] === 'healthy' && !mayBeStopped(rollout.nodes[each])),
  );

/**
 * It was taken out of service, and from its switch on it cannot go back there as it is: to keep it waiting helps nobody.
 * Once it was proven its way back into service may have been begun, so then it counts by what it answers.
 */
const isOut = ({ drained, touched, proof, state }: NodeRun, { unchanged }: Sight): boolean =>
  drained && touched && proof === null && state.is === 'working' && (state.direction === 'back' || !unchanged);

/** Out of service, or about to be: what is under way counts as down, whatever it answers, unless it waits at its own gate. */
const mayBeStopped = (node: NodeRun | undefined): boolean =>
  node !== undefined && (node.drained || (node.state.is === 'working' && node.touched && !waitsAtGate(node)));

/** It was looked at under its lock, which fences every older try, and the one that is due is not begun. */
const waitsAtGate = ({ held, attempt, begun }: NodeRun): boolean => held?.due === attempt && begun !== attempt;

/** What is finished must still be what was proven, as far as fresh looks tell, before the next node is begun. */
const proof = rule([], (rollout, node, now, known) => {
  if (known !== null || node.state.is !== 'ready') return null;
  const [old] = looksBeforeBegin(rollout, node, now);
  if (old === undefined) return null;
  const misses = Object.entries(rollout.looks[old.region]?.misses ?? {}).filter(([, count]) => count > 0);
  const missed = misses.map(([name]) => name).join(', ');
  const why = missed === '' ? `${old.region} is being looked at` : `${missed} did not answer healthy at the last look`;
  return shut(why, missed || 'the workers');
});

/** What is done for the whole fleet, or the region, before its turn. */
const action = rule([], (rollout, node: NodeRun) => {
  const phase = ahead(rollout, node).find((each) => each.is === 'action');
  return phase === undefined ? null : shut(`${phase.title} goes first`, phase.title);
});

/** One rule for each gate. Which of them hold a node, and in which order, is said in gates.ts. */
export const rules = {
  state,
  pause,
  halt,
  schedule,
  notice,
  staged,
  turn,
  bake,
  approval,
  checklist,
  freeze,
  window,
  alerts,
  elsewhere,
  compatibility,
  quorum,
  proof,
  action,
} satisfies Record<GateName, Rule>;
