import { blockLength, joined, leastBlocks } from './blocks.ts';
import type { Interval } from './interval.ts';
import { median } from './median.ts';
import { shiftOf } from './ranks.ts';
import { type Count, ratioOf, timesAsOften } from './shares.ts';
import type { Block, Compare, Comparison, Groups, Measured, Verdict } from './types.ts';

/** What was seen of a check at one moment: of upgraded nodes by name, and of all others together. */
interface Moment {
  upgraded: Map<string, Measured>;
  control: Measured[];
}

interface Seen {
  before: Moment[];
  after: Moment[];
}

/** In all verdicts together a difference is seen where there is none in at most this share of all cases. */
const wrongAtMost = 0.05;

/** Of a long time after, so many blocks are enough; the newest count. */
const mostAfter = 60;

/**
 * What each of `checks` says of the upgraded nodes, now (epoch ms).
 * @param blocks in any order, of any regions, all of the length that `compare` says
 * @param families how many such groups are judged together
 */
export function compared(
  checks: readonly string[],
  blocks: readonly Block[],
  groups: Groups,
  compare: Compare,
  now: number,
  families = 1,
): Comparison[] {
  const alpha = wrongAtMost / Math.max(1, checks.length * families);
  const all = joined(blocks);
  return checks.map((check) => judged(check, seenOf(check, all, groups, compare, now), groups, compare, alpha));
}

function judged(check: string, seen: Seen, groups: Groups, compare: Compare, alpha: number): Comparison {
  const [before, after] = [seen.before.length, seen.after.length];
  const { upgraded, control, near } = groups;
  const unsaid = (is: Verdict, why: string): Comparison => ({
    ...{ check, is, factor: null, low: null, high: null, before, after },
    ...{ nodes: { of: upgraded.length, so: 0 }, control: { of: control.length, near }, why },
  });
  if (control.length === 0) return unsaid('no control group', 'no node is left that was not upgraded');
  if (upgraded.length === 0) return unsaid('inconclusive', 'nothing was changed on any node');
  const least = leastBlocks(compare);
  if (before < least || after < least)
    return unsaid('inconclusive', `${before} + ${after} blocks, and ${least} + ${least} are wanted`);
  const isCounted = countsOf(seen);
  if (isCounted && [...seen.before, ...seen.after].every(hasNone)) return unsaid('same', 'none was counted anywhere');
  const found = isCounted ? counts(seen, alpha) : levels(seen, alpha);
  if (found === null) return unsaid('inconclusive', 'there are too few blocks for so many checks');
  const { margin } = compare;
  const each = upgraded.map(({ node }) => (isCounted ? countFactor(seen, node) : levelFactor(seen, node)));
  const so = each.filter((factor) => (found.estimate < 1 ? factor <= 1 / margin : factor >= margin)).length;
  const is = verdictOf(found, margin, so * 2 > upgraded.length);
  return {
    ...{
      check,
      is,
      factor: digits(found.estimate),
      low: digits(found.low) ?? 0,
      high: digits(found.high),
      before,
      after,
    },
    ...{ nodes: { of: upgraded.length, so: is === 'better' || is === 'worse' ? so : 0 } },
    control: { of: control.length, near },
  };
}

/** @param most whether most of the nodes show it: what one of them has is its own */
function verdictOf({ estimate, low, high, steady = true }: Found, margin: number, most: boolean): Verdict {
  if (low > 1 && estimate >= margin && steady && most) return 'worse';
  if (high < 1 && estimate <= 1 / margin && steady && most) return 'better';
  return low >= 1 / margin && high <= margin ? 'same' : 'inconclusive';
}

interface Found extends Interval {
  /** It is not one burst that says so. Absent where ranks see to that. */
  steady?: boolean;
}

/** Infinite is what has no digits. */
const digits = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(3)) : null);

/** The blocks in which both sides were seen. What lies between, with the first block after a restart and the last before a change, is neither. */
function seenOf(check: string, blocks: readonly Block[], groups: Groups, compare: Compare, now: number): Seen {
  const length = blockLength(compare);
  const until = Math.min(...groups.upgraded.map((each) => each.until)) - length;
  const from = Math.max(...groups.upgraded.map((each) => each.from)) + length;
  const within = (begin: number, end: number) =>
    blocks
      .filter(({ index }) => index * length >= begin && (index + 1) * length <= end)
      .flatMap(({ nodes }) => momentOf(check, nodes, groups) ?? []);
  return { before: within(until - compare.before, until), after: within(from, now).slice(-mostAfter) };
}

/** More than half of those that were upgraded must be in it, and of the others, too: else another half speaks each time. */
function momentOf(check: string, nodes: Block['nodes'], { upgraded, control }: Groups): Moment | null {
  const of = (node: string): Measured | undefined =>
    nodes[node] !== undefined && Object.hasOwn(nodes[node], check) ? nodes[node][check] : undefined;
  const mine = upgraded.flatMap(({ node }) => {
    const measured = of(node);
    return measured === undefined ? [] : [[node, measured] as const];
  });
  const others = control.flatMap((node) => of(node) ?? []);
  const isWhole = mine.length * 2 > upgraded.length && others.length * 2 > control.length;
  return isWhole ? { upgraded: new Map(mine), control: others } : null;
}

const everywhere = ({ upgraded, control }: Moment): Measured[] => [...upgraded.values(), ...control];

const hasNone = (moment: Moment): boolean => everywhere(moment).every(({ grown }) => grown === 0);

/** What is so rare that there are blocks without any is counted; of all else its level tells more. */
function countsOf({ before, after }: Seen): boolean {
  const all = [...before, ...after].flatMap(everywhere);
  return all.some(({ level }) => level <= 0) && all.every(({ grown }) => Number.isSafeInteger(grown));
}

/** Of each node how far it is from the others at that moment; what is always so of a node is so before, too. */
const distance = ({ control }: Moment, mine: Measured): number =>
  Math.log(mine.level) - Math.log(median(control.map(({ level }) => level)));

function levels({ before, after }: Seen, alpha: number): Found | null {
  const of = (moments: readonly Moment[]) =>
    moments
      .map((moment) => median([...moment.upgraded.values()].map((mine) => distance(moment, mine))))
      .filter(Number.isFinite);
  const shift = shiftOf(of(before), of(after), alpha);
  if (shift === null) return null;
  return { estimate: Math.exp(shift.estimate), low: Math.exp(shift.low), high: Math.exp(shift.high) };
}

function levelFactor({ before, after }: Seen, node: string): number {
  const of = (moments: readonly Moment[]) =>
    moments.flatMap((moment) => {
      const mine = moment.upgraded.get(node);
      const far = mine === undefined ? Number.NaN : distance(moment, mine);
      return Number.isFinite(far) ? [far] : [];
    });
  return Math.exp(shiftOf(of(before), of(after), 1)?.estimate ?? 0);
}

/** Above the others now, and above its own time before: what a node always had is no news, and neither is what all have now. */
function counts({ before, after }: Seen, alpha: number): Found {
  const [mine, others, once] = [sumOf(after, mineIn), sumOf(after, othersIn), sumOf(before, mineIn)];
  const [now, since] = [timesAsOften(mine, others, alpha), timesAsOften(mine, once, alpha)];
  const estimate = nearest(now.estimate / leaning(before), since.estimate);
  const low = Math.min(now.low, since.low, estimate);
  const high = Math.max(now.high, since.high, estimate);
  return { estimate, low, high, steady: isSteady(after, estimate > 1) };
}

/** How many times as often as the others these always had it; 1 where half of the blocks are without, since bursts tell nothing of that. */
function leaning(before: readonly Moment[]): number {
  const often = (which: (moment: Moment) => Measured[]) =>
    median(before.map((moment) => rateOf(sumOf([moment], which))));
  const [mine, others] = [often(mineIn), often(othersIn)];
  return mine > 0 && others > 0 ? mine / others : 1;
}

/** Of two factors that say the same, the one that says less of it; else the first. */
function nearest(one: number, other: number): number {
  if (one > 1 === other > 1) return one > 1 ? Math.min(one, other) : Math.max(one, other);
  return one;
}

const rateOf = ({ grown, per }: Count): number => grown / per;

const mineIn = ({ upgraded }: Moment): Measured[] => [...upgraded.values()];
const othersIn = ({ control }: Moment): Measured[] => control;

function sumOf(moments: readonly Moment[], which: (moment: Moment) => Measured[]): Count {
  const all = moments.flatMap(which);
  return { grown: all.reduce((sum, { grown }) => sum + grown, 0), per: all.reduce((sum, { per }) => sum + per, 0) };
}

/** In a third of all blocks, and in three of four that differ at all: one burst is what limits of checks are for. */
function isSteady(after: readonly Moment[], above: boolean): boolean {
  const differ = after.map((moment) => rateOf(sumOf([moment], mineIn)) - rateOf(sumOf([moment], othersIn)));
  const [up, down] = [differ.filter((each) => each > 0).length, differ.filter((each) => each < 0).length];
  const [so, not] = above ? [up, down] : [down, up];
  return so >= after.length / 3 && so >= 3 * not;
}

function countFactor({ before, after }: Seen, node: string): number {
  const own = ({ upgraded }: Moment) => {
    const mine = upgraded.get(node);
    return mine === undefined ? [] : [mine];
  };
  const [now, once] = [sumOf(after, own), sumOf(before, own)];
  const factor = nearest(ratioOf(now, sumOf(after, othersIn)), ratioOf(now, once));
  return Number.isFinite(factor) ? factor : 1;
}
