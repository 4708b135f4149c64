import type { Desk } from '../slack/persons.ts';
import type { SlackOptions } from '../slack/types.ts';
import type { Workspace } from '../slack/workspace.ts';

/** What the page shows and acts on. */
export type PageRoom = { workspace: Workspace; desk: Desk; options: SlackOptions; connections: () => number };
