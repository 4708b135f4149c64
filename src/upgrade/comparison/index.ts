export { blockLength, keptBlocks, leastBlocks, looksInBlock, measuredIn } from './blocks.ts';
export { compared } from './judge.ts';
export type * from './types.ts';
export { comparisonWords } from './words.ts';
