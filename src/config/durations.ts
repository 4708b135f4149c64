import { day, hour, minute, second } from '../base/duration.ts';

const units = { ms: 1, s: second, m: minute, h: hour, d: day };

/** Milliseconds of a written duration: a whole number and ms, s, m, h or d, as in `30s`. Undefined when it is none. */
export function parseDuration(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? [];
  if (count === undefined || !isUnit(unit)) return undefined;
  return Number(count) * units[unit];
}

/** The shortest way to write `ms` so that `parseDuration` reads it back. */
export function formatDuration(ms: number): string {
  const unit = (['d', 'h', 'm', 's'] as const).find((name) => ms % units[name] === 0 && ms > 0) ?? 'ms';
  return `${ms / units[unit]}${unit}`;
}

function isUnit(unit: string | undefined): unit is keyof typeof units {
  return unit !== undefined && unit in units;
}
