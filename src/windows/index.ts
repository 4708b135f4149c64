export { describeLocal, describeWindow } from './describe.ts';
export { fits, frozenBy, nextOpening, type Opening, openInterval } from './openings.ts';
export { parseLocalDate, parseLocalTime } from './parse.ts';
