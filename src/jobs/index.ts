export { bringOver } from './bring-over.ts';
export { createControl } from './control.ts';
export { brokenLink, type ChainedEntry } from './journal.ts';
export { type Log, reasonOf } from './log.ts';
export type { Archives, WorkerParts } from './parts.ts';
export { type PublisherParts, startPublisher } from './publish.ts';
export { openRedis, type RedisHandle } from './redis.ts';
export { startWorker } from './start.ts';
export { createStore, type RolloutStore } from './store.ts';
