import type { Proof } from '../rollout/types.ts';

/** Whether a finished node still is what was proven; `reason` in words. */
export type ProofLook = { is: 'holds' } | { is: 'broken'; reason: string } | { is: 'unseen'; reason: string };

export type StillProven = (node: string, proof: Proof, signal: AbortSignal) => Promise<ProofLook>;
