export { judge, judgeAgents, noWayBack, rowFor } from './judge.ts';
export { holds, overlap, rangeIn } from './range.ts';
export type * from './types.ts';
