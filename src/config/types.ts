import type { RedisPlace } from '../base/redis-place.ts';
import type { Building } from '../building/index.ts';
import type { Migrating } from '../migrating/index.ts';
import type { Person, Signer } from '../trust/index.ts';
import type { Balancer } from '../upgrade/balancer/index.ts';
import type { AlertSource, InventorySource, WebhookPlace } from '../upgrade/http/types.ts';
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
  /** The same of its second place; none where the service has none. */
  besideUrls: Record<string, string>;
  /** Whom to ask whether alerts fire; null: nobody. */
  alerts: AlertSource | null;
  /** Where a release must have been proven before it is begun here; null: nowhere. */
  proven: {
    fleet: string;
    /** Absolute path of an exported journal, or of a folder of them; null: the other fleet's own store, with the settings of this process. */
    journal: string | null;
    /** Public keys of that fleet's programs; null: those of its own settings. */
    keys: { bot: readonly string[]; worker: readonly string[] } | null;
    /** Milliseconds for which it must have stood there. */
    for: number;
    /** Milliseconds after which that counts no more; null: never. */
    within: number | null;
    /** How far it must have come there: every node proven, or also well on the day after. */
    atLeast: 'done' | 'well';
    /** What becomes of a release that is not proven: no node is begun, not even a plan is made, or it is only told. */
    otherwise: 'held' | 'refused' | 'warned';
  } | null;
  /** Whom to ask which versions agents and schema have; null: nobody. */
  inventory: InventorySource | null;
  /** Who is told of majors besides the channel; null: nobody. */
  webhook: WebhookPlace | null;
  /** Where archives are found: a directory, or a URL pattern with `{version}`; and whose signatures make one a release. */
  releases: ({ directory: string } | { url: string }) & {
    signers: Signer[];
    /** What becomes of an archive that nobody signed. */
    unsigned: 'refused' | 'allowed';
  };
  /** How the database is migrated; null: it is not. */
  database: Migrating | null;
  /** How releases are built; null: they are not. */
  build: Building | null;
  /** By region; none where nobody may be told whom to give traffic. */
  balancers: Record<string, Balancer>;
  /** SSH access to their machines, by name. */
  balancerHosts: Record<string, Host>;
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
  /** Public keys (`ssh-ed25519 AAAA…`) of the programs whose signatures count; null: those in the state directory. */
  keys: { bot: readonly string[]; worker: readonly string[] } | null;
  /** null: a private one is started. */
  redis: RedisPlace | null;
  /** Where a role may be asked how it is; null: nowhere. */
  metrics: { host: string; port: number } | null;
  /** Milliseconds for which rollouts stay in Redis. */
  retention: number;
  /** Seals the values of buttons; null: a key in `stateDir`. */
  sealKey: string | null;
  /** Directory for the private Redis, fetched archives, rollouts of long ago and the like. */
  stateDir: string;
  /** Whatever lies here, on a worker's machine, stops everything that the worker would change. */
  stopFile: string;
  people: Person[];
  /** `signed`: an approval counts only when its person signed it with their own key. */
  approvals: 'button' | 'signed';
  roles: {
    /** May start, pause, resume, retry. */
    requesters: Approvers;
    /** May begin outside a window with `--now` and a reason. */
    breakers: Approvers;
    /** May freeze, pause, stop and roll back, besides requesters and approvers. */
    stoppers: Approvers;
    /** Called for what goes wrong, besides whoever asked for the rollout. */
    onCall: Approvers;
    /** Called by the last reminder of what nobody has taken on. */
    escalation: Approvers;
  };
}

/** Somebody who is known by their own keys, besides Slack. */
export type { Person } from '../trust/index.ts';

/** A setting that cannot be used: where it is written, what is wrong, what is accepted. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}
