export { packFacts } from './json.ts';
export type { Line } from './lines.ts';
export { goal, outcome, packMarkdown } from './markdown.ts';
export { type NodeReport, type Pack, packOf, ticksIn } from './pack.ts';
export { picture } from './picture.ts';
export { postMortem } from './post-mortem.ts';
export type { Names } from './text.ts';
