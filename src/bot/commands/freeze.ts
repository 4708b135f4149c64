import { Refused } from '../../base/errors.ts';
import { isAny } from '../../base/is-any.ts';
import { placeOf } from '../../base/sibling.ts';
import { covers, standing, withFreezes } from '../../upgrade/ledger/index.ts';
import type { DeclaredFreeze, Ledger } from '../../upgrade/ledger/types.ts';
import { isOpen, nextNode, nodesInOrder, waitsForWindows, workingNodes } from '../../upgrade/rollout/index.ts';
import type { NodeRun, Rollout } from '../../upgrade/rollout/types.ts';
import { describeLocal, frozenBy } from '../../windows/index.ts';
import type { Command } from '../command.ts';
import { aloud, type CommandContext, ended, say, withFacts } from '../context.ts';
import { freezeFacts } from '../facts/windows.ts';
import { freezeText, spanText, whereText } from '../views/freezes.ts';
import { goalFirst } from '../views/goal.ts';
import { count, foreign, names, utc, who } from '../views/text.ts';
import { demand, type Handler, knownRegion, timeOf, unknownName } from './common.ts';

/** Holds from now on also what is under way: it is asked for again right before each stop. */
export const freeze: Handler<'freeze'> = async (context, asking, command) => {
  await demand(context, asking, { is: 'go-back' });
  const { regions, reason } = command;
  for (const name of regions ?? []) knownRegion(context, name);
  const at = context.clock.now();
  const { start, end } = spanOf(context, command, at);
  // Short enough to be typed at night.
  const id = context.newId().replace(/^r/, 'f');
  const event = { type: 'froze', at, by: asking.actor, id, regions, start, end, reason } as const;
  const { ledger } = await context.control.ledger.record(event);
  const declared = ledger.freezes.find((each) => each.id === id && each.declaredAt === at);
  if (declared === undefined) throw new Refused('Nothing was frozen, somebody was quicker. Try again.');
  context.log.info({ freeze: id, regions, end, actor: asking.actor }, 'frozen');
  const open = await context.control.store.open();
  const held = open === null ? [] : toBegin(open, declared);
  const facts = { freeze: freezeFacts(declared), rollout: open?.id ?? null, holds: held.map(({ name }) => name) };
  const zone = context.fleet.regions.find(({ name }) => covers(declared, name))?.calendar.zone ?? 'UTC';
  return aloud(
    withFacts(
      facts,
      say(
        `*Frozen*: ${whereText(declared)} ${spanText(declared, at)}; it ends ${describeLocal(end, zone, at)}`,
        ...(open === null ? ['Nothing is running, so it holds nothing right now.'] : holds(open, declared, held, at)),
        `To lift it: \`/zeitwork unfreeze ${foreign(id, 40)}\``,
      ),
    ),
  );
};

type Wanted = Extract<Command, { verb: 'freeze' }>;

/** A time that a clock change skips or repeats is read so that the freeze is longer, as in the settings. */
function spanOf(
  context: CommandContext,
  { regions, from, until }: Wanted,
  now: number,
): { start: number; end: number } {
  const written = from === null ? now : timeOf(context, ['--from', from], regions, now, 'earlier');
  const start = Math.max(now, written);
  const end = timeOf(context, ['--until', until], regions, start, 'later');
  if (end <= now) throw new Refused(`--until: that time has passed (${utc(end)}). Give a later one.`);
  if (end > start) return { start, end };
  throw new Refused(`--until (${utc(end)}) is not after --from (${utc(start)}). Give a later --until.`);
}

/** Nodes that the freeze keeps from being begun; those that wait to be brought back are no such. */
function toBegin(rollout: Rollout, freeze: DeclaredFreeze): NodeRun[] {
  if (!isOpen(rollout) || !waitsForWindows(rollout)) return [];
  return nodesInOrder(rollout).filter(
    ({ region, state, touched }) => covers(freeze, region) && isAny(state.is, 'staging', 'ready') && !touched,
  );
}

function holds(rollout: Rollout, freeze: DeclaredFreeze, held: NodeRun[], now: number): string[] {
  if (!waitsForWindows(rollout))
    return [`A ${rollout.status.is === 'rolling-back' ? 'rollback' : 'recovery'} is under way; no freeze holds that.`];
  const what = `${goalFirst(rollout)} (rollout ${foreign(rollout.id, 60)})`;
  return [...underWay(rollout, freeze, now), ...notBegun(rollout, what, freeze, held, now)];
}

function underWay(rollout: Rollout, freeze: DeclaredFreeze, now: number): string[] {
  const nodes = workingNodes(rollout).filter(({ region }) => covers(freeze, region));
  if (freeze.start > now) return [];
  return nodes.map(({ name, touched }) =>
    touched
      ? `${foreign(name, 80)} is being worked on and may be stopped already: it is finished, or rolled back.`
      : `${foreign(name, 80)} was begun and not stopped yet: it waits before its stop.`,
  );
}

function notBegun(rollout: Rollout, what: string, freeze: DeclaredFreeze, held: NodeRun[], now: number): string[] {
  const where = whereText(freeze);
  if (held.length === 0) return [`${what} has nothing left to begin in ${where}.`];
  const nodes = `${count(held.length, 'node')} in ${names([...new Set(held.map(({ region }) => region))])}`;
  if (freeze.start > now) return [`It will hold ${what} from then on: ${nodes} as things stand.`];
  const next = nextNode(rollout);
  const first =
    next === null || covers(freeze, next.region) ? '' : `; ${foreign(next.name, 80)} goes first and is not frozen`;
  const despite = rollout.override === null ? '' : ', although that was started with --now';
  return [`It holds ${what}${despite}: ${nodes}${first}.`];
}

/** Only what was declared with `freeze`: the settings are changed where they are written. */
export const unfreeze: Handler<'unfreeze'> = async (context, asking, { what }) => {
  await demand(context, asking, { is: 'go-on' });
  const at = context.clock.now();
  const before = await context.control.ledger.load();
  const chosen = chosenOf(context, before, what, at);
  if (chosen.length === 0) return ended('outdated', say(`Nothing was lifted: ${nothing(before, what)}`));
  const ids = chosen.map(({ id }) => id);
  const { ledger, changed } = await context.control.ledger.record({ type: 'unfroze', at, by: asking.actor, ids });
  if (!changed) return ended('outdated', say('Nothing was lifted: somebody else has done it meanwhile.'));
  context.log.info({ freezes: ids, actor: asking.actor }, 'unfrozen');
  const open = await context.control.store.open();
  const lines = [
    `*Lifted* by ${who(asking.actor)}:`,
    ...chosen.map((each) => `• ${freezeText(each, at)}`),
    ...stillFrozen(context, ledger, chosen, at),
    ...(open === null || !waitsForWindows(open)
      ? []
      : [`${goalFirst(open)} goes on within a minute if nothing else holds it; see \`/zeitwork why\`.`]),
  ];
  return aloud(withFacts({ freezes: chosen.map(freezeFacts), rollout: open?.id ?? null }, say(...lines)));
};

function nothing(ledger: Ledger, what: string): string {
  const old = ledger.freezes.find(({ id }) => id === what.toLowerCase());
  return old === undefined ? 'nothing is frozen by `freeze`.' : `${foreign(what, 40)} has ended at ${utc(old.end)}.`;
}

/** By id, all, or those of exactly this region. @throws Refused naming what exists, or what else freezes the region */
function chosenOf(context: CommandContext, ledger: Ledger, what: string, now: number): DeclaredFreeze[] {
  const all = standing(ledger, now);
  const word = what.toLowerCase();
  if (ledger.freezes.some(({ id }) => id === word)) return all.filter(({ id }) => id === word);
  if (word === 'all') return all;
  const names = context.fleet.regions.map(({ name }) => name);
  const regions = [...new Set([...names.map(placeOf), ...names])];
  if (!regions.includes(word))
    throw unknownName('freeze or region', what, [...all.map(({ id }) => id), ...regions, 'all']);
  const own = all.filter((each) => each.regions?.every((name) => name === word) ?? false);
  if (own.length > 0) return own;
  throw whyNot(context, all, word, now);
}

function whyNot(context: CommandContext, all: DeclaredFreeze[], region: string, now: number): Refused {
  const [wider] = all.filter((each) => covers(each, region));
  if (wider !== undefined) {
    const where = wider.regions === null ? 'the whole fleet' : wider.regions.join(', ');
    return new Refused(
      `${region} is frozen together with more: ${wider.id} is for ${where}. Lift that with unfreeze ${wider.id}.`,
    );
  }
  const calendar = context.fleet.regions.find(({ name }) => name === region)?.calendar;
  const written = calendar ? frozenBy(calendar, now) : null;
  return new Refused(
    written === null
      ? `${region} is not frozen.`
      : `${region} is frozen by the settings, until ${utc(written.end)} by ${written.author} (${written.reason}). That is changed there.`,
  );
}

/** Regions that another freeze holds now as before. */
function stillFrozen(context: CommandContext, ledger: Ledger, lifted: DeclaredFreeze[], now: number): string[] {
  return withFreezes(context.fleet, ledger, now).regions.flatMap(({ name, calendar }) => {
    const frozen = lifted.some((each) => covers(each, name)) ? frozenBy(calendar, now) : null;
    if (frozen === null) return [];
    const by = frozen.id === undefined ? 'the settings' : foreign(frozen.id, 40);
    return [`‼ ${foreign(name, 80)} stays frozen, by ${by}: ${spanText(frozen, now)}`];
  });
}
