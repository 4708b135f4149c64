export { describeLocal, describeWindow } from './describe.ts';
export { fits, frozenBy, nextOpening, type Opening, openInterval } from './openings.ts';
export { parseLocalTime } from './parse.ts';
