import { openedBy } from './approvers.ts';
import { approvals, isBegun, turnOf, turns } from './phases.ts';
import { isOpen, nodesInOrder, regionsOf } from './queries.ts';
import type { ApprovalPhase, Event, NodeRun, Rollout } from './types.ts';

/** Something to be ticked: by a person, or by a machine that knows the check of this name. */
export type Item = { text: string } | { text: string; check: string };

/** As the settings have them; a plan freezes them. */
export interface Checklists {
  /** Nothing begins before all of it is ticked. */
  before: Item[];
  /** The same, for the nodes that each approval opens. */
  during: Item[];
  /** Asked for at the end. */
  after: Item[];
}

/** What one check came to in a region: of how many nodes, and on which it is not good, in words. */
export interface CheckTally {
  of: number;
  not: string[];
}
/** By name. */
export type CheckTallies = Record<string, CheckTally>;

/** The check that every look answers: which nodes answer healthy. Of others a look tells what it was told (`CheckTallies`). */
export const healthy = 'healthy';

export type List = keyof Checklists;

/** An item in its place. */
export interface Entry {
  /** For people: it stays the same as long as the rollout lives. */
  number: number;
  /** For programs: `before.1`, `during/eu-west.2`. */
  key: string;
  list: List;
  /** The approval that it belongs to; null for the others. */
  phase: ApprovalPhase | null;
  item: Item;
}

/** Whether an item is ticked, by whom or what, and since or as of when (epoch ms). */
export type Tick =
  | { is: 'ticked'; by: string; at: number; says: string | null }
  | { is: 'open'; says: string | null; at: number | null };

/** All lists of a rollout, numbered through. */
export function entriesOf(rollout: Rollout): Entry[] {
  const { checklists } = rollout;
  if (checklists === undefined) return [];
  const { before, during, after } = checklists;
  const all = [
    ...before.map((item, at) => ({ key: `before.${at + 1}`, list: 'before' as const, phase: null, item })),
    ...approvals(rollout).flatMap((phase) =>
      during.map((item, at) => ({
        ...{ key: `during/${phase.id.slice('approval/'.length)}.${at + 1}`, list: 'during' as const, phase, item },
      })),
    ),
    ...after.map((item, at) => ({ key: `after.${at + 1}`, list: 'after' as const, phase: null, item })),
  ];
  return all.map((entry, at) => ({ number: at + 1, ...entry }));
}

export const checkOf = ({ item }: Entry): string | null => ('check' in item ? item.check : null);

/** A machine's tick is what the last looks found, and as old as the oldest of them. */
export function tickOf(rollout: Rollout, entry: Entry): Tick {
  const check = checkOf(entry);
  if (check !== null) return machineTick(rollout, check);
  const tick = rollout.ticks?.[entry.key];
  return tick === undefined ? { is: 'open', says: null, at: null } : { is: 'ticked', ...tick, says: null };
}

function machineTick(rollout: Rollout, check: string): Tick {
  const found = regionsOf(rollout).map((region) => ({ region, tally: tallyOf(rollout, region, check) }));
  const at = Math.min(...found.map(({ region }) => rollout.looks[region]?.at ?? 0));
  const untold = found.filter(({ tally }) => tally === null).map(({ region }) => region);
  if (at === 0) return { is: 'open', says: `${untold.join(', ')} not looked at yet`, at: null };
  // Looked at, and nobody told: that is no yes.
  if (untold.length > 0) return { is: 'open', says: `nobody can tell of ${untold.join(', ')}`, at };
  const tallies = found.flatMap(({ tally }) => tally ?? []);
  const not = tallies.flatMap((tally) => tally.not);
  const of = tallies.reduce((sum, tally) => sum + tally.of, 0);
  const says = `${of - not.length} of ${of}`;
  // Of no node at all nothing is good.
  if (not.length === 0 && of > 0) return { is: 'ticked', by: check, at, says };
  return { is: 'open', says: `${says}; not ${not.slice(0, 5).join(', ')}`, at };
}

/** What the last look at a region found; null where none did. */
function tallyOf({ looks, peers }: Rollout, region: string, check: string): CheckTally | null {
  const look = looks[region];
  if (look?.at == null) return null;
  if (check !== healthy) return Object.hasOwn(look.tallies ?? {}, check) ? (look.tallies?.[check] ?? null) : null;
  const names = peers[region] ?? [];
  return { of: names.length, not: names.filter((name) => look.standing[name] !== 'healthy') };
}

/**
 * What looks ask nodes for a list, besides what each look finds out anyway: for those that are asked for, and, with the looks that bring the
 * end, for the one that is asked for from then on, when nobody looks any more.
 */
export function askedForLists(rollout: Rollout): string[] {
  const isEnding = isOpen(rollout) && nodesInOrder(rollout).every(({ state }) => state.is === 'done');
  const wanted = entriesOf(rollout).filter(
    (entry) => isTickable(rollout, entry) || (isEnding && entry.list === 'after'),
  );
  return [...new Set(wanted.flatMap((entry) => checkOf(entry) ?? []))].filter((name) => name !== healthy);
}

/** Whether it may be ticked, or not be ticked any more, now. */
export function isTickable(rollout: Rollout, { list, phase }: Entry): boolean {
  switch (list) {
    case 'before':
      return isOpen(rollout) && rollout.startedAt === null;
    case 'during':
      return isOpen(rollout) && phase !== null && !isTurnBegun(rollout, phase);
    case 'after':
      return !isOpen(rollout) && rollout.startedAt !== null;
  }
}

const isTurnBegun = (rollout: Rollout, { opens }: ApprovalPhase): boolean =>
  turns(rollout).some((turn) => opens.includes(turn.id) && isBegun(rollout, turn));

/** What keeps this node from being begun: what is not ticked of the lists before it. */
export function openBefore(rollout: Rollout, node: NodeRun): Entry[] {
  return entriesBefore(rollout, node).filter((entry) => tickOf(rollout, entry).is === 'open');
}

function entriesBefore(rollout: Rollout, { name }: NodeRun): Entry[] {
  if (rollout.checklists === undefined) return [];
  const { id } = turnOf(rollout, name);
  return entriesOf(rollout).filter(
    (entry) => isTickable(rollout, entry) && (entry.list === 'before' || entry.phase?.opens.includes(id)),
  );
}

/** Regions whose looks a machine's tick before this node rests on. */
export function checkedBefore(rollout: Rollout, node: NodeRun): string[] {
  return entriesBefore(rollout, node).some((entry) => checkOf(entry) !== null) ? regionsOf(rollout) : [];
}

type Ticked = Extract<Event, { type: 'item-ticked' | 'item-unticked' }>;

/** By a person, of what a person ticks; a machine's is never given by hand. */
export function ticked(rollout: Rollout, { type, item, by, at }: Ticked): Rollout {
  const entry = entriesOf(rollout).find(({ key }) => key === item);
  if (entry === undefined || checkOf(entry) !== null || !isTickable(rollout, entry)) return rollout;
  const { [item]: known, ...others } = rollout.ticks ?? {};
  if ((known === undefined) === (type === 'item-unticked')) return rollout;
  return { ...rollout, ticks: type === 'item-ticked' ? { ...others, [item]: { by, at } } : others };
}

/** Regions of a list, for whoever tells what serves there. */
export const regionsIn = (rollout: Rollout, { phase }: Entry): string[] =>
  phase === null ? regionsOf(rollout) : openedBy(rollout, phase);
