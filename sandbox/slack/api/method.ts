import type { Args } from '../args.ts';
import type { Faults } from '../faults.ts';
import type { Triggers } from '../triggers.ts';
import type { Workspace } from '../workspace.ts';

/** What a Web API method may touch. */
export type Office = {
  workspace: Workspace;
  faults: Faults;
  triggers: Triggers;
  /** A fresh address for one Socket Mode connection. */
  socketUrl(): string;
  pageUrl(): string;
};

export type Method = {
  /** The bot scope it needs; `null` for none. */
  scope: string | null;
  /** Which kind of token it wants; a bot token unless said otherwise. */
  token?: 'app';
  run(args: Args, office: Office): Record<string, unknown>;
};
