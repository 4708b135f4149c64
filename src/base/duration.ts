export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** Milliseconds in seconds, e.g. `90 s`; with `digits` 1, `1.5 s`. */
export function inSeconds(ms: number, digits: 0 | 1 = 0): string {
  const parts = 10 ** digits;
  return `${Math.round((ms * parts) / second) / parts} s`;
}

/** As people say it: seconds up to a minute and a half, then minutes, rounded up. */
export function inWords(ms: number): string {
  if (ms >= 2 * hour && ms % hour === 0) return `${ms / hour} h`;
  return ms <= 1.5 * minute ? inSeconds(Math.ceil(ms / second) * second) : `${Math.ceil(ms / minute)} min`;
}
