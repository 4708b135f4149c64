import { Refused } from '../../base/errors.ts';
import { ticksIn as ticksInJournal } from '../../upgrade/report/index.ts';
import { checkOf, entriesOf, isTickable, tickOf } from '../../upgrade/rollout/index.ts';
import type { Entry, Rollout, Tick } from '../../upgrade/rollout/types.ts';
import { type Asking, type CommandContext, type Reply, say, withFacts } from '../context.ts';
import { entryFacts } from '../facts/checklist.ts';
import { entryLine, listName, listsOf, tickedOf, ticksIn } from '../views/checklist.ts';
import { foreign, when, who } from '../views/text.ts';
import { decide, demand, type Handler, NothingKnown, outdated } from './common.ts';

export const checklist: Handler<'checklist'> = async (context, asking) => {
  await demand(context, asking, { is: 'look' });
  const rollout = await current(context, asking);
  const entries = entriesOf(rollout);
  const tickFor = await ticksFor(context, rollout, entries);
  const facts = { rollout: rollout.id, items: entries.map((entry) => entryFacts(rollout, entry, tickFor(entry))) };
  if (entries.length === 0)
    return withFacts(facts, say('There is no checklist: the settings had none when this was planned (`checklists`).'));
  const lines = listsOf(rollout).flatMap((list) => {
    const [first] = list;
    if (first === undefined) return [];
    const head = `*${listName(rollout, first)}*: ${tickedOf(list.map(tickFor))} ticked`;
    return [head, ...list.map((entry) => entryLine(entry, tickFor(entry)))];
  });
  return withFacts(facts, say(...lines));
};

/** What a list was for has begun on what a machine saw then: what looks find now is no part of it any more. */
async function ticksFor(
  { control }: CommandContext,
  rollout: Rollout,
  entries: readonly Entry[],
): Promise<(entry: Entry) => Tick> {
  const isOver = (entry: Entry) => entry.list !== 'after' && !isTickable(rollout, entry);
  const past = entries.some((entry) => checkOf(entry) !== null && isOver(entry))
    ? ticksInJournal((await control.written(rollout.id)).lines)
    : null;
  return (entry) => (isOver(entry) ? past?.get(entry.key) : undefined) ?? tickOf(rollout, entry);
}

export const tick: Handler<'tick'> = (context, asking, { item }) => change(context, asking, item, 'item-ticked');
export const untick: Handler<'untick'> = (context, asking, { item }) => change(context, asking, item, 'item-unticked');

/** In somebody's name: a tick without one is worth nothing. */
async function change(
  context: CommandContext,
  asking: Asking,
  item: string,
  type: 'item-ticked' | 'item-unticked',
): Promise<Reply> {
  await demand(context, asking, { is: 'go-back' });
  const rollout = await current(context, asking);
  const entry = found(rollout, item);
  const text = foreign(entry.item.text, 120);
  if (checkOf(entry) !== null)
    throw new Refused(`${entry.item.text} is ticked by a machine, from what its looks find: nobody does that by hand.`);
  if (!isTickable(rollout, entry)) return outdated(rollout, `${text} cannot be ticked or taken back now`);
  const before = tickOf(rollout, entry);
  const event = { type, at: context.clock.now(), by: asking.actor, item: entry.key } as const;
  const done = type === 'item-ticked' ? 'Ticked' : 'Not ticked any more';
  const reply = await decide(context, rollout, event, (after) => `${done}: ${text}. ${rest(after, entry)}`);
  if (reply.outcome !== 'outdated') return reply;
  return outdated(
    rollout,
    before.is === 'ticked' ? `${who(before.by)} ticked it at ${when(before.at)}` : 'It is not ticked',
  );
}

function rest(rollout: Rollout, { key }: Entry): string {
  const list = listsOf(rollout).find((each) => each.some((entry) => entry.key === key)) ?? [];
  return `${ticksIn(rollout, list)} of this list are ticked`;
}

function found(rollout: Rollout, item: string): Entry {
  const entries = entriesOf(rollout);
  const entry = entries.find(({ key, number }) => key === item || `${number}` === item);
  if (entry !== undefined) return entry;
  if (entries.length === 0) throw new Refused('There is no checklist: the settings had none when this was planned.');
  throw new Refused(`There is no item ${item}: they are 1 to ${entries.length}; checklist shows them.`);
}

/** The rollout of a button; else the open one, else the newest, whose list of afterwards may be asked for. */
async function current({ control: { store }, fleet }: CommandContext, { rollout: id }: Asking): Promise<Rollout> {
  const rollout = id === null ? ((await store.open()) ?? (await store.latest(1))[0] ?? null) : await store.load(id);
  if (rollout !== null && rollout.fleet === fleet.name) return rollout;
  throw new NothingKnown(
    id === null ? 'There was no rollout yet, so there is nothing to tick.' : 'That rollout is not known any more.',
  );
}
