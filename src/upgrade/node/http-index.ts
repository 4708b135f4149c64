export type * from './http-types.ts';
export { createProbe } from './probe.ts';
