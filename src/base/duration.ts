export const second = 1_000;
export const minute = 60 * second;
export const hour = 60 * minute;
export const day = 24 * hour;

/** Milliseconds in whole seconds, e.g. `90 s`. */
export function inSeconds(ms: number): string {
  return `${Math.round(ms / second)} s`;
}
