export { type BalancerPlace, type BalancerSight, createBalancer } from './place.ts';
export { otherThan, serverOf } from './pool.ts';
export type { Balancer, Pool, Server, Wanted } from './types.ts';
