export { describeLocal, describeOpening, describePlace, describeWindow, weekNames } from './describe.ts';
export { type Night, nightAt } from './night.ts';
export {
  fits,
  frozenBy,
  latestStart,
  neverCloses,
  nextOpening,
  openInterval,
  openingsUntil,
  opensFrom,
} from './openings.ts';
export { parseLocalDate, parseLocalTime } from './parse.ts';
export { parseSpokenTime } from './spoken.ts';
export type { Opening } from './types.ts';
export { nextWorkingDay, spansWeekend } from './weekend.ts';
