import type { Desk } from '../slack/persons.ts';
import type { Route, Upgrade } from '../slack/server.ts';
import type { SlackOptions } from '../slack/types.ts';
import type { Workspace } from '../slack/workspace.ts';

export type PageRoom = { workspace: Workspace; desk: Desk; options: SlackOptions; connections: () => number };
export type PageServer = { route: Route; upgrade: Upgrade; close(): void };
export function pageServer(_room: PageRoom): PageServer {
  return { route: async () => false, upgrade: () => false, close: () => {} };
}
