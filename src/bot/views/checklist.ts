import { checkOf, entriesOf, isOpen, isTickable, regionsIn, sinceOf, tickOf } from '../../upgrade/rollout/index.ts';
import type { Entry, Rollout, Tick } from '../../upgrade/rollout/types.ts';
import { goalOf, reached } from './goal.ts';
import type { Button } from './parts.ts';
import { type Post, post } from './post.ts';
import { serving } from './serving.ts';
import { tally } from './tally.ts';
import { count, foreign, when, who } from './text.ts';

const isTicked = (rollout: Rollout, entry: Entry): boolean => tickOf(rollout, entry).is === 'ticked';

/** `2 of 3`. */
export function ticksIn(rollout: Rollout, entries: readonly Entry[]): string {
  return tickedOf(entries.map((entry) => tickOf(rollout, entry)));
}

export const tickedOf = (ticks: readonly Tick[]): string =>
  `${ticks.filter(({ is }) => is === 'ticked').length} of ${ticks.length}`;

/** Which list an item is on, in words. */
export function listName(rollout: Rollout, { list, phase }: Entry): string {
  if (list === 'during') return `Before ${foreign(phase?.title ?? '', 80)}`;
  return list === 'before' ? `Before ${goalOf(rollout)} begins` : `After ${goalOf(rollout)}`;
}

/** An item with who or what ticked it, and the evidence. */
export function entryLine(entry: Entry, tick: Tick): string {
  const text = `${tick.is === 'ticked' ? '☑' : '☐'} ${entry.number}. ${foreign(entry.item.text, 120)}`;
  const isMachines = checkOf(entry) !== null;
  if (tick.is === 'ticked')
    return isMachines ? `${text}: ${tick.says} at ${when(tick.at)}` : `${text}: ${who(tick.by)} at ${when(tick.at)}`;
  const seen =
    tick.says === null ? '' : `: ${foreign(tick.says, 300)}${tick.at === null ? '' : ` at ${when(tick.at)}`}`;
  return isMachines ? `${text}${seen} (a machine ticks it)` : text;
}

/** The lists of a rollout, each with its items in order. */
export function listsOf(rollout: Rollout): Entry[][] {
  const lists = new Map<string, Entry[]>();
  for (const entry of entriesOf(rollout)) {
    const key = entry.key.slice(0, entry.key.lastIndexOf('.'));
    lists.set(key, [...(lists.get(key) ?? []), entry]);
  }
  return [...lists.values()];
}

/** What is asked for now: a message for each list, with a button for each item that a person ticks. */
export function checklistPosts(rollout: Rollout): Post[] {
  if (rollout.unsigned) return [];
  return listsOf(rollout).flatMap((entries) => {
    const [first] = entries;
    if (first === undefined || !isAskedNow(rollout, first)) return [];
    const key = `checklist.${first.key.slice(0, first.key.lastIndexOf('.'))}`;
    const head = `*${listName(rollout, first)}*: ${ticksIn(rollout, entries)} ticked; ${stands(rollout, first)}`;
    const lines = [head, ...entries.map((entry) => entryLine(entry, tickOf(rollout, entry)))];
    return [
      post(rollout, key, { is: 'thread', broadcast: first.list !== 'during' }, [
        { is: 'lines', lines },
        { is: 'buttons', buttons: tickButtons(rollout, entries) },
      ]),
    ];
  });
}

/** Those of an approval from when it is asked for. */
const isAskedNow = (rollout: Rollout, entry: Entry): boolean =>
  isTickable(rollout, entry) && (entry.phase === null || sinceOf(entry.phase) !== null);

function stands(rollout: Rollout, entry: Entry): string {
  if (entry.list === 'before') return 'no node was restarted yet, and none is before all of it is ticked';
  if (entry.list === 'during')
    return `${serving(rollout, regionsIn(rollout, entry))}; nothing begins there before all of it is ticked`;
  const { all, onNew } = tally(rollout);
  return `${onNew.length} of ${count(all, 'node')} ${reached(rollout)}`;
}

export function tickButtons(rollout: Rollout, entries: readonly Entry[]): Button[] {
  return entries
    .filter((entry) => checkOf(entry) === null && isTickable(rollout, entry) && !isTicked(rollout, entry))
    .map(({ key, number, item }) => ({
      label: `Tick ${number}: ${item.text}`,
      action: `tick:${key}`,
      reference: { r: rollout.id, g: key, v: rollout.revision },
      typed: `tick ${number}`,
    }));
}

/** Of what the next nodes wait for, on the live message. */
export function checklistLines(rollout: Rollout): string[] {
  if (!isOpen(rollout)) return [];
  return listsOf(rollout).flatMap((entries) => {
    const [first] = entries;
    if (first === undefined || !isAskedNow(rollout, first)) return [];
    const open = entries.filter((entry) => !isTicked(rollout, entry)).map(({ item }) => foreign(item.text, 80));
    if (open.length === 0) return [];
    return [
      `Checklist, ${listName(rollout, first).toLowerCase()}: ${ticksIn(rollout, entries)} ticked; open: ${open.slice(0, 5).join(', ')}`,
    ];
  });
}

/** What a plan will ask for before its first node, and of whom. */
export function promisedTicks({ checklists, nodes }: Rollout): string[] {
  if (checklists === undefined || Object.keys(nodes).length === 0) return [];
  const { before, during, after } = checklists;
  const parts = [
    before.length === 0 ? '' : `${before.length} to be ticked before the first node`,
    during.length === 0 ? '' : `${during.length} before each part that is approved`,
    after.length === 0 ? '' : `${after.length} asked for at the end`,
  ].filter((part) => part !== '');
  return parts.length === 0 ? [] : [`*Checklist*: ${parts.join(', ')}`];
}
