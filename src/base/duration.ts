export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** Milliseconds in seconds, e.g. `90 s`; with `digits` 1, `1.5 s`. */
export function inSeconds(ms: number, digits: 0 | 1 = 0): string {
  const parts = 10 ** digits;
  return `${Math.round((ms * parts) / second) / parts} s`;
}

/**
 * As people say it: `90 s`, `5 min`, `3 h 20 min`, and days above two of them. Rounded up by default, so that nobody is promised
 * less than it takes; what is over is rounded to the nearest.
 */
export function inWords(ms: number, round: (parts: number) => number = Math.ceil): string {
  const seconds = round(ms / second);
  if (seconds < 120) return `${seconds} s`;
  const minutes = round(ms / minute);
  if (minutes < 120) return `${minutes} min`;
  if (minutes <= 48 * 60) return joined(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
  const hours = round(ms / hour);
  return joined(Math.floor(hours / 24), 'days', hours % 24, 'h');
}

const joined = (many: number, unit: string, rest: number, small: string): string =>
  `${many} ${unit}${rest === 0 ? '' : ` ${rest} ${small}`}`;
