import type { Comparison } from './types.ts';

/** `latency is worse on 3 of 3 upgraded nodes: 1.62 times (1.4 to 1.9) that of 6 not yet upgraded, 12 + 15 blocks`. */
export function comparisonWords({
  check,
  is,
  factor,
  low,
  high,
  before,
  after,
  nodes,
  control,
  why,
}: Comparison): string {
  if (why !== undefined) return `${check}: ${is}, ${why}`;
  const where = is === 'worse' || is === 'better' ? ` on ${nodes.so} of ${nodes.of}` : '';
  const span = low === null ? '' : ` (${low} ${high === null ? 'or more' : `to ${high}`})`;
  return `${check}: ${is}${where}, ${factor} times${span} that of ${control.of} not yet upgraded${control.near ? '' : ' elsewhere'}, ${before} + ${after} blocks`;
}
