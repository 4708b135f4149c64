import type { Ledger } from './types.ts';

/**
 * Whether this binary was proven by a rollout, or found by those who made the ledger anew, on any node that the ledger knows.
 * That somebody accepted it where it was found is no proof: nothing is put on a node for that.
 */
export const isProven = ({ nodes }: Pick<Ledger, 'nodes'>, sha256: string): boolean =>
  Object.values(nodes).some((left) => left.sha256 === sha256 && (left.accepted === undefined || left.accepted.proven));
