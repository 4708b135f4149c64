import type { Actor } from '../../base/actor.ts';
import { Refused } from '../../base/errors.ts';
import { nearest } from '../../base/nearest.ts';
import { isMeantBy, placeOf } from '../../base/sibling.ts';
import type { LookFor } from '../../jobs/types.ts';
import type { Wanted } from '../../upgrade/environment/index.ts';
import { withFreezes } from '../../upgrade/ledger/index.ts';
import { isOpen, withApproversOf } from '../../upgrade/rollout/index.ts';
import type { ApprovalPhase, Event, Fleet, NodeSurvey, Rollout } from '../../upgrade/rollout/types.ts';
import { parseSpokenTime } from '../../windows/index.ts';
import type { Command } from '../command.ts';
import { type Asking, aloud, type CommandContext, ended, type Reply, say, withFacts } from '../context.ts';
import { rolloutFacts } from '../facts/rollout.ts';
import { permit, type Right } from '../permissions.ts';
import { refusedNote } from '../refused-note.ts';
import { headline } from '../views/ending.ts';
import { goalFirst } from '../views/goal.ts';
import { ownWords, partFirst, when, who } from '../views/text.ts';
import { verdict } from '../views/verdict.ts';

/** One verb. Throws `Refused` or `Denied` for what may not or cannot be done. */
export type Handler<V extends Command['verb']> = (
  context: CommandContext,
  asking: Asking,
  command: Extract<Command, { verb: V }>,
) => Promise<Reply>;

/** Somebody may not do that; the message is finished mrkdwn. */
export class Denied extends Error {
  override readonly name = 'Denied';
}

/** There is no rollout to act on, as far as the store knows. */
export class NothingKnown extends Refused {}

/** No worker answers, so nothing can be said about any node. */
export class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/** Why something was not done, in the words of whoever refused it. */
export const refusal = ({ message: why }: Refused): Reply => ended('refused', say(ownWords(why, 1_500)));

/** @throws Denied with the reason */
export async function demand(context: CommandContext, { actor }: Asking, right: Right): Promise<void> {
  const verdict = await permit(context, actor, right);
  if (verdict.is === 'allowed') return;
  const about = right.is === 'approve' ? { rollout: right.rollout.id } : {};
  refusedNote(context, { actor, what: right.is, reason: verdict.reason, ...about });
  throw new Denied(verdict.reason);
}

/** What takes two breakers, where the settings want two. `first`: who said the same before; absent where one is enough. */
export type Agreed = { is: 'agreed'; first?: Actor } | { is: 'waits'; reply: Reply };

/**
 * `what` names it exactly, `words` tell it, `typed` does it.
 * @throws Denied when whoever asks is none of those who may break the glass
 */
export async function asSecond(
  context: CommandContext,
  asking: Asking,
  { what, words, typed }: { what: string; words: string; typed: string },
): Promise<Agreed> {
  await demand(context, asking, { is: 'override' });
  if (context.fleet.policy.breakers < 2) return { is: 'agreed' };
  const first = await context.control.store.seconded(what, asking.actor, context.clock.now());
  context.log.warn({ what, actor: asking.actor, first }, first === null ? 'wants a second breaker' : 'two breakers');
  if (first !== null) return { is: 'agreed', first };
  const reply = aloud(
    say(
      `${who(asking.actor)} wants to ${words}. Nothing was done yet: *another breaker must say the same*, within 30 min: \`/zeitwork ${typed}\``,
    ),
  );
  return { is: 'waits', reply };
}

/** The rollout that a button names, else the fleet's open one, with the approvers of now. @throws NothingKnown */
export async function theRollout({ control, fleet }: CommandContext, { rollout }: Asking): Promise<Rollout> {
  const found = rollout === null ? await control.store.open() : await control.store.load(rollout);
  if (found !== null && found.fleet === fleet.name) return withApproversOf(fleet, found);
  throw new NothingKnown(
    rollout === null
      ? 'Nothing is running. See history, or start with upgrade.'
      : 'That rollout is not known any more.',
  );
}

/** Folds a decision in and says what came of it; a late one changes nothing and is told so. */
export async function decide(
  context: CommandContext,
  rollout: Rollout,
  event: Event,
  done: string | ((after: Rollout) => string),
  late: (after: Rollout) => Reply = outdated,
): Promise<Reply> {
  const { rollout: after, changed } = await context.control.record(rollout.id, event);
  const actor = 'by' in event ? { actor: event.by } : {};
  context.log.info({ rollout: rollout.id, event: event.type, changed, ...actor }, 'decision');
  const words = typeof done === 'string' ? done : done(after);
  return changed ? withFacts({ rollout: rolloutFacts(after) }, say(words)) : late(after);
}

/** Says why a decision had no effect, and how things stand. */
export function outdated(rollout: Rollout, why = 'That is outdated, nothing was changed'): Reply {
  const reply = say(`${why}. Now: ${standing(rollout)}`);
  return ended('outdated', withFacts({ rollout: rolloutFacts(rollout) }, reply));
}

/** Says who approved it before, and how things stand. */
export function givenAlready(rollout: Rollout, { title, given }: ApprovalPhase): Reply {
  const by = given.map((each) => `${who(each.by)} at ${when(each.at)}`).join(', ');
  return outdated(rollout, `${partFirst(title)} was approved by ${by}`);
}

function standing(rollout: Rollout): string {
  if (!isOpen(rollout)) return headline(rollout);
  const { status } = rollout;
  const by = 'by' in status ? ` (${who(status.by)}, ${when(status.at)})` : '';
  return `${goalFirst(rollout)} is ${verdict(rollout)}${by}.`;
}

/** For those who only look: an answer of a moment ago will do. */
export function glance(context: CommandContext, how: LookFor = 'answer'): Promise<NodeSurvey[]> {
  return context.looks.shared(() => survey(context, how), how);
}

/** Fresh looks at every node of the fleet. */
export async function survey(
  { control, fleet }: CommandContext,
  how: LookFor = 'answer',
  wanted: Wanted | null = null,
): Promise<NodeSurvey[]> {
  const nodes = fleet.regions.flatMap((region) => region.nodes);
  const patience = surveyPatience(nodes.length);
  return wanted === null ? control.survey(nodes, patience, how) : control.survey(nodes, patience, how, {}, wanted);
}

/** Workers look at some nodes at a time, and a first connection costs time on both sides: ms for a fleet of this size. */
export const surveyPatience = (nodes: number): number => Math.max(15, Math.min(120, (nodes * 2) / 3)) * 1_000;

/** Whether it is about a worker that said nothing, and not about a node. */
export const isSilence = ({ unanswered }: { unanswered?: true }): boolean => unanswered === true;

/** @throws Refused naming what exists */
export function knownRegion({ fleet }: CommandContext, name: string): void {
  const names = fleet.regions.map((region) => region.name);
  const known = [...new Set([...names.map(placeOf), ...names])];
  if (!known.includes(name)) throw unknownName('region', name, known);
}

/**
 * What somebody wrote after a flag, as epoch ms; local times are those of the first of `regions`, null: of the fleet.
 * @throws Refused naming the flag
 */
export function timeOf(
  { fleet }: CommandContext,
  [flag, text]: [flag: string, text: string],
  regions: string[] | null,
  now: number,
  reading?: 'earlier' | 'later',
): number {
  const first = fleet.regions.find(({ name }) => regions?.some((word) => isMeantBy(name, word)) ?? true);
  try {
    const zones = [first, ...fleet.regions].flatMap((region) => region?.calendar.zone ?? []);
    return parseSpokenTime(text, zones, now, reading);
  } catch (error) {
    if (error instanceof RangeError) throw new Refused(`${flag}: ${error.message}`);
    throw error;
  }
}

/** The fleet as it is to be planned for now: what was declared with `freeze` counts like what the settings say. */
export async function fleetNow({ control, fleet, clock }: CommandContext): Promise<Fleet> {
  return withFreezes(fleet, await control.ledger.load(), clock.now());
}

/** @throws Refused naming what exists */
export function unknownName(kind: string, name: string, known: string[]): Refused {
  const meant = nearest(name, known);
  const hint =
    meant === null
      ? `There are ${known.slice(0, 12).join(', ')}${known.length > 12 ? ' …' : ''}.`
      : `Did you mean ${meant}?`;
  return new Refused(`There is no ${kind} ${name}. ${hint}`);
}
