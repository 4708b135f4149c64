import { median } from './median.ts';
import type { Block, Compare, Growth, Measured } from './types.ts';

/** One median of eight looks: what one look sees depends on the one before it, and what a block does hardly. */
export const looksInBlock = 8;

/** Fewer blocks than this, before or after, and no order of theirs is rare enough. */
export const fewestBlocks = 6;

/** Blocks that are kept of each region: eight hours of looks that are half a minute apart, and never more, however large the fleet is. */
export const keptBlocks = 120;

/** ms */
export const blockLength = ({ look }: Pick<Compare, 'look'>): number => look * looksInBlock;

/** How many blocks there must be at least, before and after each. */
export const leastBlocks = (compare: Pick<Compare, 'look' | 'least'>): number =>
  Math.max(fewestBlocks, Math.ceil(compare.least / blockLength(compare)));

/** What the looks of one block come to; null where fewer than half of them saw anything: a gap is a gap. */
export function measuredIn(looks: readonly Growth[]): Measured | null {
  const seen = looks.filter(({ per }) => per > 0);
  if (seen.length < looksInBlock / 2) return null;
  const sum = (of: (each: Growth) => number) => seen.reduce((total, each) => total + of(each), 0);
  return {
    level: digits(median(seen.map(({ grown, per }) => grown / per))),
    grown: digits(sum(({ grown }) => grown)),
    per: digits(sum(({ per }) => per)),
  };
}

/** More of them would only make what is kept longer; whole numbers stay what they are. */
const digits = (value: number): number => (Number.isSafeInteger(value) ? value : Number(value.toPrecision(6)));

/** The same blocks seen in several regions, as one each, in order. */
export function joined(blocks: readonly Block[]): Block[] {
  const byIndex = new Map<number, Block['nodes'][]>();
  for (const { index, nodes } of blocks) byIndex.set(index, [...(byIndex.get(index) ?? []), nodes]);
  return [...byIndex]
    .map(([index, all]) => ({ index, nodes: Object.assign(Object.create(null), ...all.toReversed()) }))
    .sort((a, b) => a.index - b.index);
}
