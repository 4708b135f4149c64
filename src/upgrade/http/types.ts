import type { Heard } from '../checks/types.ts';
import type { Inventory } from '../compatibility/types.ts';

/** One health answer. `healthy` is HTTP 200 and JSON `status` exactly `healthy`; everything else is not. */
export type Health =
  | { is: 'healthy'; version: string | null; hostname: string | null }
  | { is: 'unhealthy'; httpStatus: number; detail: string }
  /** `refused`: the machine answered that nothing listens there; silence proves nothing. */
  | { is: 'unreachable'; detail: string; refused?: boolean };

export interface Probe {
  /** A fresh request on a new connection; at most `timeoutMs` (default 3,000). Never throws. */
  health(node: string, timeoutMs?: number): Promise<Health>;
}

/** One request at one address, for a check. Never throws. @param how bytes of an answer that are read at most, and for how long */
export type Fetch = (url: string, how: { timeoutMs: number; limit: number }) => Promise<Heard>;

/** What is said of a region. `unknown`: nobody could be asked, and that is no quiet. */
export type AlertAnswer =
  | { is: 'quiet' }
  /** In words, redacted, each once. */
  | { is: 'firing'; names: string[] }
  | { is: 'unknown'; reason: string };

/** Where alerts are asked for; `{region}` is replaced in addresses and matchers. */
export type AlertSource =
  /** Address of an Alertmanager (API v2), and the matchers of those that count: all of them must match. */
  | { alertmanager: string; matchers: string[] }
  /** Any address: 2xx says that nothing fires, every other answer that something does. */
  | { url: string };

export interface Alerting {
  /** What fires for the region right now; at most 5 s. Never throws. */
  ask(region: string): Promise<AlertAnswer>;
}

/** Where something is asked for on a node's side, by node, and where it stands in the JSON of the answer (JMESPath). */
export interface Question {
  urls: Record<string, string>;
  select: string;
}

/** Whom to ask for versions; null: nobody. */
export interface InventorySource {
  agents: Question | null;
  schema: Question | null;
}

/** What a node's side tells right now; at most 5 s. Never throws. */
export type AskInventory = (node: string) => Promise<Inventory>;

export interface WebhookPlace {
  /** What people call it, e.g. `status page`. */
  name: string;
  url: string;
  /** Sent as a bearer token; null: none is. */
  token: string | null;
}

/** Somebody outside of the chat who is told by HTTP. */
export interface Webhook {
  name: string;
  /** @throws Error in words when it was not taken (2xx) within 10 s */
  post(body: unknown): Promise<void>;
}
