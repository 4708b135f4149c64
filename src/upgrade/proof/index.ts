export { stillProven } from './standing.ts';
export type { ProofLook, StillProven } from './types.ts';
