import type { Host } from '../upgrade/ssh/types.ts';

/** How a release is built, as the settings have it. */
export interface Building {
  /** Where; null: on the machine of the worker itself, which then lends it all that the worker may. */
  host: Host | null;
  /** Anything that git fetches from. */
  repository: string;
  /** In an export of the tag. */
  command: readonly string[];
  network: boolean;
  /** Whose signature a tag must bear; null: anybody's, or none. */
  signedBy: readonly { name: string; keys: string[] }[] | null;
  /** ms */
  limit: number;
  /** Bytes. */
  memory: number;
}
