export { createProbe } from './probe.ts';
export type * from './types.ts';
