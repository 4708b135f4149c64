/** Where each instant stands on the picture: long stretches in which nothing changes are cut short. */
export interface Scale {
  /** Pixels from the left. */
  x(at: number): number;
  width: number;
  /** Stretches that were cut short, ms. */
  cuts: { from: number; to: number }[];
  /** Instants at which something changed, in order. */
  marks: number[];
}

/** What all work together should take, px; and within which bounds. */
const workWidth = 1_100;
const pxPerMs = { least: 0.0002, most: 0.03 };
/** No stretch in which nothing changes is longer, px. */
const longest = 90;
const widest = 8_000;

/**
 * @param marks instants (epoch ms) at which something changes
 * @param busy for how long something was done at all, ms
 */
export function scaleOf(marks: readonly number[], busy: number): Scale {
  const all = [...new Set(marks)].sort((a, b) => a - b);
  const rate = Math.min(pxPerMs.most, Math.max(pxPerMs.least, workWidth / Math.max(busy, 1)));
  const widths = all.slice(1).map((to, at) => Math.min((to - (all[at] ?? to)) * rate, longest));
  const total = widths.reduce((sum, each) => sum + each, 0);
  const shrink = Math.min(1, widest / Math.max(total, 1));
  const places = [0];
  for (const width of widths) places.push((places.at(-1) ?? 0) + width * shrink);
  const isCut = (at: number) =>
    (widths[at] ?? 0) >= longest && ((all[at + 1] ?? 0) - (all[at] ?? 0)) * rate > 1.5 * longest;
  return {
    x: (at) => placeIn(all, places, at),
    width: places.at(-1) ?? 0,
    cuts: widths.flatMap((_, at) => (isCut(at) ? [{ from: all[at] ?? 0, to: all[at + 1] ?? 0 }] : [])),
    marks: all,
  };
}

function placeIn(all: readonly number[], places: readonly number[], at: number): number {
  const next = all.findIndex((each) => each >= at);
  if (next === -1) return places.at(-1) ?? 0;
  const [to, right] = [all[next] ?? at, places[next] ?? 0];
  const [from, left] = [all[next - 1] ?? to, places[next - 1] ?? right];
  return to === from ? right : left + ((at - from) / (to - from)) * (right - left);
}
