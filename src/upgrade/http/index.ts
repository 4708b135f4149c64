export { createAlerting } from './alerts.ts';
export { fetchOnce } from './fetch.ts';
export { createInventory } from './inventory.ts';
export { createProbe } from './probe.ts';
export type * from './types.ts';
export { createWebhook } from './webhook.ts';
