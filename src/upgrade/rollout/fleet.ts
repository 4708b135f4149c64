import type { Calendar, Window } from '../../windows/types.ts';
import type { Check } from '../checks/types.ts';
import type { Compare } from '../comparison/types.ts';
import type { Row } from '../compatibility/index.ts';
import type { KeyRules, VersionChange } from '../environment/index.ts';
import type { Checklists } from './checklists.ts';

/** A systemd service as the fleet runs it: a profile, so that sibling services fit. */
export interface Service {
  name: string;
  /** systemd unit without `.service`. */
  unit: string;
  /** Absolute path of the installed binary. */
  binary: string;
  /** `user:group` of the installed binary. */
  owner: string;
  /** Octal mode of the installed binary, e.g. `0755`. */
  mode: string;
  /** Absolute path of the environment file, paired with the binary in backups; null when there is none. */
  envFile: string | null;
  /** Arguments that make the binary print its version and exit; null when it cannot. */
  versionArgs: string[] | null;
  /** Takes a node out of service before its switch and puts it back after its proof; null when nothing does. */
  traffic: Traffic | null;
  /** Path of the binary inside the archive, e.g. `build/zeitwork-operator`. */
  archiveMember: string;
  /** A second place for it on each node, beside the first; absent where there is none. */
  slots?: Slots;
}

/**
 * Where a release runs beside the one that serves, until the balancer has been switched: a unit that stands there and is not started, which reads
 * the environment file of the first and then its own.
 */
export interface Slots {
  /** Where it is asked, instead of the port of the node's health address. */
  port: number;
  unit: string;
  binary: string;
  /** Of what is set otherwise than in the first; written by us. */
  envFile: string;
  set: Record<string, string>;
  /** What the balancer calls the one on a node, whose name stands for `{name}`; the first one is called as the node. */
  server: string;
  /** How long the old one stays ready to have the traffic back, ms. */
  warm: number;
}

/**
 * Commands on the node, as program and arguments (`{name}` is the node's name), run as root and safe to run twice. Exit code
 * 0: done; 75 (EX_TEMPFAIL): under way, it is run again; anything else: failed.
 */
export interface Traffic {
  drain: string[];
  undrain: string[];
  /** How long each of them may be under way, ms. */
  limit: number;
}

/** One immutable build. Hashes are lower-case hex SHA-256. */
export interface Release {
  version: string;
  /** File name of the archive, e.g. `zeitwork-operator-v2.0.0.tar.gz`. */
  archive: string;
  archiveSha256: string;
  binarySha256: string;
  archiveBytes: number;
  binaryBytes: number;
  /** Who signed the archive; null: nobody, and the settings allowed that. */
  signed: Signed | null;
}

export interface Signed {
  by: string;
  /** Fingerprint of the key, `SHA256:…`. */
  key: string;
  /** The signature itself, armored: whoever stages the archive checks it again. */
  signature: string;
}

export interface Approvers {
  /** Slack user ids. */
  users: string[];
  /** Slack user group ids. */
  groups: string[];
  /** Their own signature alone counts; told to people, and never stored. */
  onlySigned?: true;
}

export interface FleetNode {
  name: string;
  region: string;
}

export interface Region {
  name: string;
  calendar: Calendar;
  approvers: Approvers;
  /** How many of them must approve. */
  needed: number;
  nodes: FleetNode[];
  /** A balancer stands before its nodes that can be told whom to give traffic. */
  balanced?: true;
}

/** One of several services of a fleet. */
export interface Profile {
  /** What the settings and people call it: `agent`. */
  key: string;
  service: Service;
  /** Keys of services that do not serve on a host while this one does not. */
  blinds: string[];
}

/** Who may let the database be migrated, and in whose region that is done: its windows, freezes and alerts count. */
export interface DatabaseRules {
  region: string;
  approvers: Approvers;
  needed: number;
  /** How long a migration may run, ms; and how old the last backup may be. */
  limit: number;
  maxAge: number;
  /** A person's word for the backup will do. */
  attest: boolean;
}

export interface Fleet {
  name: string;
  service: Service;
  /**
   * Several, in order of work; `service` is that of the first then, and each region is one of them in a place (src/base/sibling.ts).
   * Absent: there is one.
   */
  services?: Profile[];
  /** In declared order. */
  regions: Region[];
  policy: Policy;
  /** Who must know of a major besides the channel. */
  audiences: string[];
  /** Which versions go with which agents and schemas. Absent: nothing is checked. */
  compatibility?: Row[];
  /** Absent: it is not migrated. */
  database?: DatabaseRules;
  /** Absent: no night is looked at. */
  drift?: Drift;
  /** Absent: nothing is cleaned up. */
  aftercare?: Aftercare;
  /** What must be ticked. Absent: nothing. */
  checklists?: Checklists;
  /** What is asked of every node besides its health. Absent: nothing. */
  checks?: Check[];
  /** How nodes that were upgraded are held against the others. Absent: by nothing. */
  compare?: Compare;
  /** What holds for keys of the environment file. Absent: nothing but what their names tell. */
  config?: KeyRules & { changes?: VersionChange[] };
}

/** Nodes that are not as recorded. */
export interface Drift {
  /** When every node is looked at, by its region's clock, like `03:30`; null: only when somebody asks. */
  at: string | null;
  /** For how long nobody is told of a node once somebody snoozed it, ms. */
  snooze: number;
}

/** What is done once an upgrade is done, and once it has proven itself. */
export interface Aftercare {
  /** How long it must be seen to be well after it is done, ms. null, absent: it is not watched then. */
  watch?: number | null;
  /** How often that is looked at, ms. */
  every?: number;
  /** How long what a rollout left must stand before backups of long ago go, ms; null: they stay. */
  stable: number | null;
  /** Backups that stay on each node in any case, the newest that can be restored. */
  keep: number;
}

/** Durations in milliseconds. Copied into the Rollout by `plan`, so that edits never shift one under way. */
export interface Policy {
  /** `declared`: regions as written; `next-opening`: whose window opens first goes first. */
  order: 'declared' | 'next-opening';
  minimumHealthy: number;
  /** How many nodes are worked on at the same time, forward; rollbacks go one by one. */
  atOnce: number;
  /** From "active" until the first of N consecutive healthy answers. */
  healthDeadline: number;
  /** First pause between health polls; backs off to `pollMax`. */
  poll: number;
  pollMax: number;
  /** Consecutive healthy answers that start the soak. */
  healthyAnswers: number;
  /** How long a node must stay healthy and unrestarted. */
  soak: number;
  /** The same for the first node of each region. */
  canarySoak: number;
  /** Pause between two nodes. */
  pause: number;
  /** Watched time after a region, before approval of the next is asked. */
  bake: number;
  /** How often a baking region is probed. */
  watch: number;
  approvalExpires: number;
  /** How long something waits for people when they are reminded of it. Absent in what was planned before there were any. */
  reminders?: number[];
  /** Tries per step before a failure counts. */
  attempts: number;
  /** Tries after which an unknown result needs a person. */
  unknownAttempts: number;
  /** Pause before another try. */
  retryDelay: number;
  /**
   * What goes back by itself when a node that was switched does not prove healthy: it alone, or also what else of its region, or of
   * everything, this rollout has changed; or nothing.
   */
  autoRollback: 'node' | 'region' | 'everything' | 'none';
  /** Whether the first node goes there, back, and there again, before anybody is asked for the next part. */
  rehearse: 'major' | 'always' | 'never';
  /** Expected duration of one node, for "does it still fit the window?". */
  expectedNode: number;
  /** Reserve to roll one node back before the window ends. */
  rollbackReserve: number;
  commandTimeout: number;
  transferTimeout: number;
  /** `requester may approve` is for a team of one only. */
  selfApproval: boolean;
  /** Where one person may begin without an approval: in the canary region, once for each release; anywhere; or nowhere. */
  oneMayBegin: 'canary' | 'anywhere' | 'nowhere';
  /** How many breakers it takes to override windows: the one who asks, and with 2 another who starts the plan. */
  breakers: 1 | 2;
  /** Name of the canary region; null: the first. */
  canary: string | null;
  /** A release whose major version is another than what runs: how many must approve, and whether also where one may begin. */
  majors: {
    approvers: number;
    canaryApproval: boolean;
    /** How long before its first node it must have been announced, ms. Absent in what was planned before there was a notice: 0. */
    notice?: number;
  };
  /** When approvers are awake, in the zone of the region that they open: asked then where that is before its window. Absent: at any hour. */
  waking?: Window[];
  /** How long before a start that is waited for it is announced again, ms. Absent like `reminders`. */
  announce?: number[];
}
