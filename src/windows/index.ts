export { describeLocal, describeWindow } from './describe.ts';
export { fits, frozenBy, nextOpening, openInterval } from './openings.ts';
export { parseLocalDate, parseLocalTime } from './parse.ts';
export type { Opening } from './types.ts';
