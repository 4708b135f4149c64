import { Refused } from '../../base/errors.ts';
import { isMeantBy, placeOf, serviceIn } from '../../base/sibling.ts';
import {
  approvals,
  asksFrom,
  backPlan,
  backQuestions,
  currentPhase,
  declineOf,
  isOpen,
  observed,
  phaseOf,
  regionsOf,
  seenNoWayBack,
  stillAsked,
  turns,
  workingNodes,
} from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, RollbackScope, Rollout } from '../../upgrade/rollout/types.ts';
import { type Asking, type CommandContext, ended, type Reply, say, withButtons, withFacts } from '../context.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { backFacts, standingIn } from '../facts/way-back.ts';
import { approverIn } from '../permissions.ts';
import { refusedNote } from '../refused-note.ts';
import { lastToGoBack, successorOf } from '../successor.ts';
import { rollbackButtons } from '../views/buttons.ts';
import { declinedBy } from '../views/declined.ts';
import { beginOf } from '../views/gate.ts';
import { goalOf } from '../views/goal.ts';
import { mentions } from '../views/people.ts';
import { finishedFirst, noWayBackOf } from '../views/recovery.ts';
import { count, foreign, names, partFirst, when, who } from '../views/text.ts';
import { dryRun as dryRunOf } from '../views/way-back.ts';
import { scopeName, touchedIn } from '../views/words.ts';
import {
  decide,
  demand,
  givenAlready,
  type Handler,
  isSilence,
  NothingKnown,
  outdated,
  surveyPatience,
  theRollout,
  Unanswered,
  unknownName,
} from './common.ts';
import { newEpoch, refuseToGoOn } from './forgotten.ts';
import { noReturn } from './no-return.ts';
import { otherwise, refuseIfOtherwise, withTruth } from './truth.ts';

export const approve: Handler<'approve'> = async (context, asking, { what, comment }) => {
  const rollout = await theRollout(context, asking);
  const phase = approvalOf(rollout, what);
  if (phase === null) return outdated(rollout, `${foreign(what)} needs no approval`);
  await demand(context, asking, { is: 'approve', rollout, phase });
  const title = partFirst(phase.title);
  if (mustSign(context, asking)) return toBeSigned(context, asking, phase, 'approve');
  if (phase.state.is === 'done') return givenAlready(rollout, phase);
  if (phase.state.is === 'pending' && isOpen(rollout)) {
    return outdated(rollout, `${title} is not being asked for yet${notYet(rollout, phase, context.clock.now())}`);
  }
  const own = phase.each === undefined ? {} : { for: await approverIn(context, asking.actor, Object.keys(phase.each)) };
  const signed = asking.signed === undefined ? {} : { signed: asking.signed };
  const event = {
    type: 'approved',
    at: context.clock.now(),
    phase: phase.id,
    by: asking.actor,
    on: observed(rollout),
    ...own,
    ...(comment === undefined ? {} : { comment }),
    ...signed,
  } as const;
  return decide(
    context,
    rollout,
    event,
    (after) => given(context, after, phase.id),
    (after) => metBy(after, phase.id),
  );
};

/** All before it may be over, and only the hour be waited for. */
function notYet(rollout: Rollout, phase: ApprovalPhase, now: number): string {
  if (currentPhase(rollout)?.id !== phase.id) return ': what is before it must be done and watched first';
  const from = asksFrom(rollout, phase, now) ?? now;
  return from > now ? `: it is asked for from ${when(from)} on` : '';
}

export const decline: Handler<'decline'> = async (context, asking, { what, reason }) => {
  const rollout = await theRollout(context, asking);
  const phase = approvalOf(rollout, what);
  if (phase === null) return outdated(rollout, `${foreign(what)} needs no approval`);
  await demand(context, asking, { is: 'approve', rollout, phase });
  if (mustSign(context, asking)) return toBeSigned(context, asking, phase, 'decline');
  if (phase.state.is === 'done') return givenAlready(rollout, phase);
  const before = declineOf(phase);
  if (before !== null) return outdated(rollout, declinedBy(phase, before));
  const signed = asking.signed === undefined ? {} : { signed: asking.signed };
  const event = {
    type: 'declined',
    at: context.clock.now(),
    phase: phase.id,
    by: asking.actor,
    reason,
    ...signed,
  } as const;
  const title = partFirst(phase.title);
  return decide(
    context,
    rollout,
    event,
    `${title} is declined: nothing begins there. Its approvers may still say yes; \`stop\` ends the rollout.`,
    (after) => metBy(after, phase.id),
  );
};

/** Somebody else answered at the same moment: who, and what. */
function metBy(after: Rollout, id: string): Reply {
  const phase = phaseOf(after, id);
  if (phase.is !== 'approval') return outdated(after);
  if (phase.state.is === 'done') return givenAlready(after, phase);
  const no = declineOf(phase);
  return no === null ? outdated(after) : outdated(after, declinedBy(phase, no));
}

const mustSign = ({ access }: CommandContext, { signed }: Asking): boolean =>
  access.approvals === 'signed' && signed === undefined;

/** What a button cannot do here, as the one command that does it. */
function toBeSigned(
  context: CommandContext,
  { actor }: Asking,
  { id, title }: ApprovalPhase,
  verb: 'approve' | 'decline',
): Reply {
  refusedNote(context, { actor, what: verb, reason: 'approvals are signed here' });
  const name = id.slice('approval/'.length);
  return ended(
    'denied',
    say(
      verb === 'approve'
        ? `Nothing was approved: an approval of ${foreign(title)} counts when you sign it with your own key. On a shell with the settings:`
        : `Nothing was declined: a no to ${foreign(title)} counts when you sign it with your own key; \`pause\` wants no key. On a shell with the settings:`,
      `\`zeitwork ${verb} ${foreign(name)}${verb === 'approve' ? '' : ' --reason "…"'}\``,
    ),
  );
}

/** By its id, as a button has it, or as people write it: a region, or the name of a part. */
function approvalOf(rollout: Rollout, what: string): ApprovalPhase | null {
  const all = approvals(rollout);
  const found = all.find(({ id, title }) => id === what || title === what || id === `approval/${what}`);
  if (found) return found;
  const parts = [...new Set([...turns(rollout).map(({ title }) => title), ...regionsOf(rollout)])];
  if (parts.includes(what)) return null;
  throw unknownName('region', what, parts);
}

function given(context: CommandContext, rollout: Rollout, id: string): string {
  const phase = phaseOf(rollout, id);
  if (phase.is !== 'approval' || phase.state.is === 'done') {
    const then = phase.is === 'approval' ? beginOf(rollout, phase) : null;
    return `${partFirst(phase.title)} is approved${goesOn(context, rollout, then)}`;
  }
  const lacking = stillAsked(phase);
  const own = lacking.length === 0 ? '' : ` Approvers of ${names(lacking)} have still to say yes.`;
  return `Noted: ${phase.given.length} of ${phase.needed} have approved ${foreign(phase.title)}.${own}`;
}

/** What an approval changes now. */
function goesOn(context: CommandContext, { status }: Rollout, then: string | null): string {
  if (status.is !== 'paused') return then === null ? '.' : `. It begins ${then}, at the earliest.`;
  return `, but the rollout is paused by ${who(status.by)}: nothing begins before that ends. ${resumers(context)}`;
}

export const pause: Handler<'pause'> = async (context, asking) => {
  await demand(context, asking, { is: 'halt' });
  const rollout = await theRollout(context, asking);
  const event = { type: 'paused', at: context.clock.now(), by: asking.actor } as const;
  return decide(
    context,
    rollout,
    event,
    (after) => `Paused: no further node is begun. ${underWay(after)} ${resumers(context)}`,
  );
};

/** Whoever pauses need not be one of them. */
function resumers({ access }: CommandContext): string {
  const all = mentions(access.roles.requesters).slice(0, 8);
  return all.length === 0
    ? 'Nobody may `resume` it: the settings name no requesters.'
    : `\`resume\` goes on; those who may: ${all.join(', ')}.`;
}

function underWay(rollout: Rollout): string {
  const working = workingNodes(rollout).map(({ name }) => name);
  return working.length === 0
    ? 'No node is being worked on.'
    : `What is under way is ${finishedFirst(rollout)}: ${names(working)}.`;
}

export const resume: Handler<'resume'> = async (context, asking) => {
  await demand(context, asking, { is: 'go-on' });
  const rollout = await theRollout(context, asking);
  await refuseToGoOn(context, rollout);
  const event = { type: 'resumed', at: context.clock.now(), by: asking.actor } as const;
  return decide(context, rollout, event, 'Resumed.');
};

export const stop: Handler<'stop'> = async (context, asking) => {
  await demand(context, asking, { is: 'halt' });
  const rollout = await theRollout(context, asking);
  const event = { type: 'stopped', at: context.clock.now(), by: asking.actor } as const;
  const reply = await decide(context, rollout, event, stopping);
  return withTruth(context, rollout, reply);
};

function stopping({ startedAt, recovery, change }: Rollout): string {
  if (startedAt === null) return 'Stopped: it does not begin. No node was restarted.';
  if (recovery !== undefined) return 'Stopping. What was begun on the node is finished; nothing goes back.';
  if (change?.is === 'restart') return 'Stopping. What was begun is finished; every node runs what it ran before.';
  return 'Stopping. Nodes that are done stay as they are then; to bring them back, use rollback.';
}

export const retry: Handler<'retry'> = async (context, asking) => {
  await demand(context, asking, { is: 'go-on' });
  const rollout = await theRollout(context, asking);
  await refuseToGoOn(context, rollout);
  const now = context.clock.now();
  const epoch = await newEpoch(context);
  return decide(context, rollout, { type: 'retried', at: now, by: asking.actor, epoch }, 'Trying again, as a new run.');
};

/** Works on the open rollout, else on the newest one as long as nobody else holds the fleet. */
export const rollback: Handler<'rollback'> = async (context, asking, { target, dryRun }) => {
  if (dryRun) return tryBack(context, asking, target);
  await demand(context, asking, { is: 'go-back' });
  const rollout = await rollbackTarget(context, asking, target);
  if (target === null) return choices(rollout);
  const scope = scopeOf(rollout, target);
  const nodes = touchedIn(rollout, scope).length;
  if (nodes === 0) return outdated(rollout, `Nothing to roll back: ${nothingBack(rollout, scope)}`);
  const lost = await noReturn(context, rollout, scope);
  if (lost !== null) throw new Refused(lost);
  if (!isOpen(rollout)) await refuseIfOtherwise(context, rollout, scope);
  const now = context.clock.now();
  const epoch = await newEpoch(context);
  const event = { type: 'rollback-asked', at: now, by: asking.actor, scope, epoch } as const;
  return withTruth(context, rollout, await decide(context, rollout, event, rollingBack));
};

/** Looks and plays it; nothing is decided by that. Without a name: of everything. */
async function tryBack(context: CommandContext, asking: Asking, target: string | null): Promise<Reply> {
  await demand(context, asking, { is: 'look' });
  const rollout = await rollbackTarget(context, asking, target);
  const scope = scopeOf(rollout, target ?? 'all');
  const { control, fleet, clock } = context;
  const nodes = fleet.regions.flatMap((region) => region.nodes);
  const asked = touchedIn(rollout, scope).map(({ name }) => name);
  const seen = await control.survey(
    nodes,
    surveyPatience(nodes.length),
    'answer',
    backQuestions(rollout, [...asked, ...queueOf(rollout)]),
  );
  if (seen.every(isSilence))
    throw new Unanswered(`Nobody knows what would happen: ${seen[0]?.detail}. Is a worker running?`);
  const refused =
    (await noReturn(context, rollout, scope)) ??
    (isOpen(rollout) ? null : await otherwise(context, rollout, scope, seen));
  if (refused !== null) {
    const none = { rollout: rolloutFacts(rollout), ...backFacts(scope, { back: [], stays: [] }, seen), refused };
    return withFacts(none, say(`Dry run: a rollback would be refused, and nothing done. ${foreign(refused, 1_500)}`));
  }
  const event = { type: 'rollback-asked', at: clock.now(), by: asking.actor, scope, epoch: rollout.epoch + 1 } as const;
  const plan = backPlan(rollout, event, standingIn(seen));
  const facts = { rollout: rolloutFacts(rollout), ...backFacts(scope, plan, seen), refused };
  if (plan.back.length > 0) return withFacts(facts, dryRunOf(rollout, scope, plan, seen));
  const none = `A rollback of ${foreign(scopeName(scope), 300)} would do nothing: ${noWayBackOf(rollout) ?? 'it is not changed by this rollout (any more)'}.`;
  return withFacts(facts, say(none));
}

const queueOf = ({ status }: Rollout): string[] => (status.is === 'rolling-back' ? status.queue : []);

/** Said from what was stored: asked for while another rollback is under way, it adds to that. */
function rollingBack(rollout: Rollout): string {
  const { status } = rollout;
  if (status.is !== 'rolling-back') {
    const back = workingNodes(rollout).map(({ name }) => foreign(name, 80));
    return back.length === 0
      ? 'It is back already.'
      : `${names(back)}: put back into service; nothing else was changed.`;
  }
  if (status.queue.length === 0)
    return `Nothing is changed in ${foreign(scopeName(status.scope), 300)}; what is out of service is put back.`;
  const left = count(status.queue.length, 'node');
  return `Rolling back ${foreign(scopeName(status.scope), 300)}: ${left}; what is down first, then newest first.`;
}

const nothingBack = (rollout: Rollout, scope: RollbackScope): string =>
  noWayBackOf(rollout) ?? `${scopeName(scope)} is not changed by this rollout (any more)${holdsOnly(rollout)}`;

/** It has begun nothing, and keeps the one before it from being brought back. */
const holdsOnly = (rollout: Rollout): string =>
  isOpen(rollout) && rollout.startedAt === null
    ? '; it has begun nothing and holds the fleet: `stop` it, and the one before it can be rolled back'
    : '';

async function rollbackTarget(context: CommandContext, asking: Asking, target: string | null): Promise<Rollout> {
  const { store } = context.control;
  const isMeant = (rollout: Rollout) => target === null || isIn(rollout, target);
  const rollout =
    asking.rollout === null
      ? ((await store.open()) ?? (await lastToGoBack(store, isMeant)))
      : await theRollout(context, asking);
  if (rollout === null) throw new NothingKnown('There was no rollout yet, so there is nothing to roll back.');
  const successor = isOpen(rollout) ? null : await successorOf(store, rollout);
  if (successor === null) return rollout;
  const since = `That is outdated: after ${goalOf(rollout)} came ${goalOf(successor)}`;
  throw new Refused(
    successor.startedAt === null
      ? `${since}, which has begun nothing and holds the fleet: stop it, and ${goalOf(rollout)} can be rolled back.`
      : `${since}, and only the newest rollout can be rolled back.`,
  );
}

function choices(rollout: Rollout): Reply {
  const scopes: RollbackScope[] = [
    ...regionsOf(rollout).map((region) => ({ is: 'region' as const, region })),
    { is: 'all' },
  ];
  const buttons = rollbackButtons(rollout, scopes).slice(0, 20);
  const lost = seenNoWayBack(rollout, touchedIn(rollout, { is: 'all' }));
  if (buttons.length === 0 && lost !== null) throw new Refused(`Nothing can be brought back: ${lost}.`);
  if (buttons.length === 0)
    return outdated(rollout, `Nothing to roll back: ${noWayBackOf(rollout) ?? 'no node is changed by this rollout'}`);
  const question = say(`Roll back what? Nodes go back to what they were before ${goalOf(rollout)}, newest first.`);
  // A script whose variable was empty must not take the question for a rollback.
  return ended('usage', withButtons(question, buttons));
}

function isIn(rollout: Rollout, target: string): boolean {
  try {
    scopeOf(rollout, target);
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

function scopeOf(rollout: Rollout, target: string): RollbackScope {
  if (target.toLowerCase() === 'all') return { is: 'all' };
  const [regions, nodes] = [regionsOf(rollout), Object.keys(rollout.nodes)];
  const services = [...new Set(regions.map(serviceIn))].filter((key) => key !== null);
  if (regions.some((name) => isMeantBy(name, target))) return { is: 'region', region: target };
  if (nodes.some((name) => isMeantBy(name, target))) return { is: 'node', node: target };
  if (services.includes(target)) return { is: 'service', service: target };
  const known = [...new Set([...services, ...regions.map(placeOf), ...regions, ...nodes])].concat('all');
  throw unknownName('node or region', target, known);
}
