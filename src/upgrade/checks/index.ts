export { databaseIn } from './database.ts';
export {
  checksSeen,
  checkWords,
  isMissing,
  judgeCommand,
  judgeGet,
  judgeJournal,
  judgeMissing,
  judgeRows,
  resultOf,
} from './judge.ts';
export { grownBetween, judgeRate, type Sample, sampleOf } from './rate.ts';
export { Samples } from './samples.ts';
export { selectorIn } from './selector.ts';
export type * from './types.ts';
export { checkPlaces, journalPriorities } from './types.ts';
export { absent, bad, tame, unknown } from './words.ts';
