import { compare, valid } from 'semver';

/** All versions from `low` on, up to `high`. */
interface Range {
  low: string;
  high: string;
  /** Whether `high` itself is one of them. */
  whole: boolean;
}

const part = /^v?(\d{1,9})(?:\.(\d{1,9}|x))?(?:\.(\d{1,9}|x))?$/;

/**
 * `2.0.3`: that one alone; `2.0.x`, or `2.0`: all of that line, its prereleases too, so that v2.0.0-rc.1 is judged as what it
 * becomes; `1.0.x - 1.1.x`: from the first of the one to the last of the other. Null for anything else, and for what is empty.
 */
export function rangeIn(written: string): Range | null {
  const [first = '', last = first, ...more] = written.trim().split(/\s+-\s+/);
  const [from, to] = [lineIn(first), lineIn(last)];
  if (from === null || to === null || more.length > 0) return null;
  const range = { low: from.low, high: to.high, whole: to.whole };
  return isEmpty(range) ? null : range;
}

function lineIn(written: string): Range | null {
  const exact = /^v?\d+\.\d+\.\d+(?:-|$)/.test(written) ? valid(written) : null;
  if (exact !== null) return { low: exact, high: exact, whole: true };
  const [, major, minor = 'x', patch = 'x'] = part.exec(written) ?? [];
  if (major === undefined || patch !== 'x') return null;
  if (minor === 'x') return { low: `${major}.0.0-0`, high: `${Number(major) + 1}.0.0-0`, whole: false };
  return { low: `${major}.${minor}.0-0`, high: `${major}.${Number(minor) + 1}.0-0`, whole: false };
}

const isEmpty = ({ low, high, whole }: Range): boolean => compare(low, high) > (whole ? 0 : -1);

/** Whether the range has this version; what is no version is in none, and so is everything where the range cannot be read. */
export function holds(written: string, version: string): boolean {
  const range = rangeIn(written);
  if (range === null || valid(version) === null) return false;
  return compare(version, range.low) >= 0 && compare(version, range.high) <= (range.whole ? 0 : -1);
}

/** Whether a version comes before all of the range. */
export function isBelow(version: string, written: string): boolean {
  const range = rangeIn(written);
  return range !== null && valid(version) !== null && compare(version, range.low) < 0;
}

/** Whether some version could be in both. */
export function overlap(one: string, other: string): boolean {
  const [a, b] = [rangeIn(one), rangeIn(other)];
  if (a === null || b === null) return false;
  const low = compare(a.low, b.low) > 0 ? a.low : b.low;
  const [high, whole] = compare(a.high, b.high) < 0 ? [a.high, a.whole] : [b.high, b.whole];
  const bothWhole = compare(a.high, b.high) === 0 ? a.whole && b.whole : whole;
  return !isEmpty({ low, high, whole: bothWhole });
}

/** As people write it: `v1.1.x`, `v1.0.x to v1.1.x`. */
export function shownRange(written: string): string {
  const parts = written.trim().split(/\s+-\s+/);
  return parts.map((each) => `v${each.replace(/^v/, '')}`).join(' to ');
}

/** Its first version, as people write it. */
export const shownFirst = (written: string): string => shownRange(written).split(' to ')[0] ?? '';

/** The last line or version of it. */
export const shownLast = (written: string): string => shownRange(written).split(' to ').at(-1) ?? '';
