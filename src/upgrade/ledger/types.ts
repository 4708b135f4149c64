import type { Actor } from '../../base/actor.ts';
import type { Freeze } from '../../windows/types.ts';
import type { Took } from '../rollout/types.ts';

/** A freeze that somebody declared with `freeze`: unlike those of the settings it has an id and can be lifted. */
export interface DeclaredFreeze extends Freeze {
  id: string;
  /** null: the whole fleet. */
  regions: string[] | null;
  author: Actor;
  /** Epoch ms. */
  declaredAt: number;
}

/** What was proven last on a node, and left there; or what two people found there, and answer for. */
export interface Left {
  /** null: it was brought back to something that did not tell its version. */
  version: string | null;
  sha256: string;
  envSha256: string | null;
  /** Epoch ms of the end of that rollout, or of the adoption. */
  at: number;
  /** Its id; null: the ledger was made anew from what the nodes are, or somebody accepted what was found there. */
  rollout: string | null;
  /** Absent: a rollout proved it, or the ledger was made anew. */
  accepted?: Accepted;
}

/** Somebody found what no rollout had left there, and answers for it: on this node, and for nothing else. */
export interface Accepted {
  by: Actor;
  /** Who said the same before; absent where one was enough. */
  with?: Actor;
  reason: string;
  /** This very binary had been proven, here or on another node: it is the environment file that is new, or the place. */
  proven: boolean;
}

/** A node that is not as recorded, and of which nobody wants to hear while it stays exactly so. */
export interface Snoozed {
  /** What it was, as `markOf` has it. */
  as: string;
  by: Actor;
  /** Epoch ms. */
  at: number;
  until: number;
}

/** Somebody began a release without an approval. */
export interface Begun {
  version: string;
  /** Of the binary. */
  sha256: string;
  by: Actor;
  /** Epoch ms. */
  at: number;
  rollout: string;
}

/** How long the steps of one rollout took on a node. */
export interface Timing {
  rollout: string;
  /** Epoch ms of the end of that rollout. */
  at: number;
  /** Of its archive. */
  bytes: number;
  took: Took;
}

/** What a tag was when it was built for the first time: it is that for ever. */
export interface Source {
  /** Object that the tag's name led to: of a signed or annotated one another than the commit. */
  tag: string;
  commit: string;
  /** Epoch seconds of the commit. */
  time: number;
  /** Whose signature the tag bears, of those that the settings name; null: they name nobody. */
  signedBy: string | null;
}

/** What a build put on the shelf. */
export interface Made {
  archiveSha256: string;
  archiveBytes: number;
  binarySha256: string;
  logSha256: string;
}

/** A version that is built, or was. */
export interface Build {
  version: string;
  /** Of the try: rises over all builds of the fleet, so that the host lets no older one do anything. */
  number: number;
  by: Actor;
  /** Epoch ms when it was asked for. */
  at: number;
  /** Of the first try that found one; absent until then. */
  source?: Source;
  state:
    | { is: 'asked' }
    /** `worker`: the machine that went to it. */
    | { is: 'building'; since: number; worker: string }
    | ({ is: 'built'; at: number; took: number } & Made)
    /** `last`: the last lines of its log, redacted. */
    | { is: 'failed'; at: number; reason: string; last: string[] };
  /** Somebody wants it to end; what was made before it could be stopped stays made. */
  stopping?: { by: Actor; at: number };
}

/** What is true of a fleet outside of any rollout. A plain value. */
export interface Ledger {
  /** Raised by every saved change; 0 before the first. */
  revision: number;
  /** Also those that have ended, for whoever asks what held an upgrade back. */
  freezes: DeclaredFreeze[];
  /** By node. */
  nodes: Record<string, Left>;
  /** Each release once; for ever, since each may be begun so once. */
  begun: Begun[];
  /** By node, the newest last; of the last rollouts only. */
  timings: Record<string, Timing[]>;
  /** By node; also those that are over, until something else is said of the node. */
  snoozed: Record<string, Snoozed>;
  /** By version. */
  builds: Record<string, Build>;
  /** The highest number of a run that the nodes knew when somebody adopted what they are; absent until then. */
  epoch?: number;
}

/** Something that happened. `at` is epoch ms. `fold` is total: repeats and late ones change nothing. */
export type LedgerEvent =
  | {
      type: 'froze';
      at: number;
      by: Actor;
      id: string;
      regions: string[] | null;
      /** Epoch ms, half-open. */
      start: number;
      end: number;
      reason: string;
    }
  | { type: 'unfroze'; at: number; by: Actor; ids: string[] }
  /** A release is begun without an approval: written before its rollout is stored, and never twice for one release. */
  | ({ type: 'began' } & Begun)
  /** A rollout is over: what it proved and left. */
  | { type: 'left'; at: number; rollout: string; nodes: Record<string, Omit<Left, 'at' | 'rollout'>> }
  /** A rollout is over: how long its steps took, by node. */
  | { type: 'timed'; at: number; rollout: string; bytes: number; nodes: Record<string, Took> }
  /** What was found on a node is its record from now on. */
  | {
      type: 'accepted';
      at: number;
      by: Actor;
      with?: Actor;
      node: string;
      reason: string;
      found: Pick<Left, 'version' | 'sha256' | 'envSha256'>;
    }
  | { type: 'snoozed'; at: number; by: Actor; node: string; as: string; until: number }
  | { type: 'build-asked'; at: number; by: Actor; version: string; number: number }
  | { type: 'build-stopped'; at: number; by: Actor; version: string; number: number }
  /** Written before anything of it is run. */
  | { type: 'build-begun'; at: number; version: string; number: number; source: Source; worker: string }
  | { type: 'build-reported'; at: number; version: string; number: number; report: BuildReport };

export type BuildReport = ({ is: 'built' } & Made) | { is: 'failed'; reason: string; last: string[] };
