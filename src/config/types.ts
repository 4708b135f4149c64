import type { AlertSource } from '../upgrade/http/types.ts';
import type { Approvers, Fleet } from '../upgrade/rollout/types.ts';
import type { Host } from '../upgrade/ssh/types.ts';

/** Everything that was written, parsed and with defaults; secrets come from the environment. */
export interface Settings {
  /** Absolute path of the file that was read. */
  file: string;
  fleet: Fleet;
  /** SSH access by node name. */
  hosts: Record<string, Host>;
  /** Public keys whose orders the helpers on the nodes take; empty: this process's own. */
  signers: string[];
  /** Health URL by node name. */
  healthUrls: Record<string, string>;
  /** Whom to ask whether alerts fire; null: nobody. */
  alerts: AlertSource | null;
  /** Where archives are found: a directory, or a URL pattern with `{version}`. */
  releases: { directory: string } | { url: string };
  slack: {
    /** Channel id in which everything happens; commands elsewhere are refused. */
    channel: string;
    /** Workspace id; payloads of other workspaces are refused when it is set. */
    team: string | null;
    botToken: string | null;
    appToken: string | null;
    /** Another address of the Slack API, for stand-ins; null for Slack itself. */
    apiUrl: string | null;
  };
  /** null: a private Redis is started. */
  redisUrl: string | null;
  /** Directory for the private Redis, fetched archives and the like. */
  stateDir: string;
  roles: {
    /** May start, pause, resume, retry. */
    requesters: Approvers;
    /** May begin outside a window with `--now` and a reason. */
    breakers: Approvers;
    /** May freeze, pause, stop and roll back, besides requesters and approvers. */
    stoppers: Approvers;
  };
}

/** A setting that cannot be used: where it is written, what is wrong, what is accepted. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}
