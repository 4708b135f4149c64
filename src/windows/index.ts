export { describeLocal, describeOpening, describePlace, describeWindow } from './describe.ts';
export { fits, frozenBy, latestStart, nextOpening, openInterval, openingsUntil } from './openings.ts';
export { parseLocalDate, parseLocalTime } from './parse.ts';
export type { Opening } from './types.ts';
