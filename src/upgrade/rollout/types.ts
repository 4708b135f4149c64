/** The nouns of the core, gathered: most rooms need several of them. */

export type { Checklists, CheckTallies, CheckTally, Entry, Item, List, Tick } from './checklists.ts';
export type { Room, Space } from './disk-space.ts';
export * from './events.ts';
export * from './facts.ts';
export type { Fitness, Trouble } from './fitness.ts';
export * from './fleet.ts';
export type { Order, OrderClass } from './orders.ts';
export type { Duration, NodePace, Pace, Timed, Took } from './pace.ts';
export * from './rollout.ts';
export { type StrategyName, strategyNames } from './strategies.ts';
