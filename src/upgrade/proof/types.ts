import type { Proof } from '../rollout/types.ts';

/** Whether a finished node still is what was proven; `reason` in words; `runs`: the same build, in another process. */
export type ProofLook =
  | { is: 'holds' }
  | { is: 'broken'; reason: string; runs?: Pick<Proof, 'invocation' | 'restarts'> }
  | { is: 'unseen'; reason: string };

export type StillProven = (node: string, proof: Proof, signal: AbortSignal) => Promise<ProofLook>;
